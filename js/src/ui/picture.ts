/** A stream in a video element, and what is known of its picture. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export type Shape = "none" | "landscape" | "upright";

export interface Picture {
  readonly video: RefObject<HTMLVideoElement | null>;
  /** `none` until the first frame is there. */
  readonly shape: Shape;
}

function shapeOf({ videoWidth, videoHeight }: HTMLVideoElement): Shape {
  if (!videoWidth) return "none";
  return videoWidth >= videoHeight ? "landscape" : "upright";
}

export function usePicture(stream: MediaStream | null): Picture {
  const video = useRef<HTMLVideoElement>(null);
  const [shape, setShape] = useState<Shape>("none");

  // A layout effect, because only those are undone before a view that closes is gone.
  useLayoutEffect(() => {
    const element = video.current;
    if (!element) return;
    const closed = new AbortController();
    // A stream whose sound came first loads without a size; `resize` follows with the picture.
    const look = () => setShape(shapeOf(element));
    for (const event of ["loadeddata", "resize", "emptied"]) {
      element.addEventListener(event, look, { signal: closed.signal });
    }
    element.srcObject = stream;
    look();
    return () => {
      closed.abort();
      element.srcObject = null;
    };
  }, [stream]);

  return { video, shape };
}
