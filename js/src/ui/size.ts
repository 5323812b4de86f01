/** How large an element is now, for what CSS alone cannot lay out. */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { Area } from "./grid";

/** Null until it was laid out; follows the element until the view closes. */
export function useSize(element: RefObject<HTMLElement | null>): Signal<Area | null> {
  const size = useSignal<Area | null>(null);
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = measured;
      const known = size.peek();
      if (width > 0 && (known?.width !== width || known.height !== height)) size.value = { width, height };
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(measured);
    return () => sizes.disconnect();
  }, [element, size]);
  return size;
}
