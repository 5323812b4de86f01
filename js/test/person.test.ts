import { afterEach, expect, test, vi } from "vitest";
import { Backdrop } from "../src/effects/backdrop";
import { SIDE } from "../src/effects/model-picture";
import { PersonOperation } from "../src/effects/person";
import type { Planes } from "../src/effects/picture";
import { allocate } from "../src/effects/planes";

const FULL = { matrix: "bt601", fullRange: true } as const;
const [WIDTH, HEIGHT] = [320, 180];

afterEach(() => vi.unstubAllGlobals());

/** Lines two pixels wide everywhere, as bright as `low` and `high` in turn; another colour in the right half. */
function striped(width = WIDTH, height = HEIGHT, low = 40, high = 200): Planes {
  const planes = allocate(width, height, FULL);
  for (let at = 0; at < planes.y.length; at++) planes.y[at] = (at % width) % 4 < 2 ? low : high;
  planes.u.fill(90);
  planes.v.fill(170);
  return planes;
}

/** A person who fills the middle third, from top to bottom. */
const MIDDLE = Float32Array.from({ length: SIDE * SIDE }, (_, at) => {
  const column = at % SIDE;
  return column > SIDE / 3 && column < (2 * SIDE) / 3 ? 1 : 0;
});

function finding(...masks: (Float32Array | null)[]) {
  const source = {
    asked: 0,
    mask: (): Float32Array | null => masks[Math.min(source.asked++, masks.length - 1)] as Float32Array | null,
  };
  return source;
}

/** How much light changes from pixel to pixel between two columns, of what the stripes do. */
function sharpness({ y, width, height }: Planes, from: number, to: number): number {
  let sum = 0;
  for (let row = 0; row < height; row++) {
    for (let column = Math.ceil(from * width); column < Math.floor(to * width) - 1; column++) {
      const at = row * width + column;
      sum += Math.abs((y[at + 1] as number) - (y[at] as number));
    }
  }
  return sum / (height * (Math.floor(to * width) - 1 - Math.ceil(from * width))) / 80;
}

test.each([
  [320, 180],
  [641, 361],
  [1280, 720],
])("the person stays as sharp as before, and the background is blurred, at %ix%i", (width, height) => {
  const picture = striped(width, height);
  const after = new PersonOperation(0.6, finding(MIDDLE), null).apply(picture, 0);

  expect([after.width, after.height, after.colour]).toEqual([width, height, FULL]);
  expect(sharpness(picture, 0, 1)).toBeCloseTo(1, 1);
  expect(sharpness(after, 0.4, 0.6)).toBeCloseTo(1, 1);
  expect(sharpness(after, 0, 0.28)).toBeLessThan(0.03);
  expect(sharpness(after, 0.72, 1)).toBeLessThan(0.03);
  expect([...new Set(after.u)].every((value) => Math.abs(value - 90) <= 1)).toBe(true);
});

test("even the weakest blur hides the room", () => {
  const after = new PersonOperation(0.05, finding(MIDDLE), null).apply(striped(1280, 720), 0);

  expect(sharpness(after, 0, 0.28)).toBeLessThan(0.03);
});

test("the person does not glow around themselves", () => {
  const picture = striped(WIDTH, HEIGHT, 60, 60);
  for (let at = 0; at < picture.y.length; at++) {
    const column = at % WIDTH;
    if (column > WIDTH / 3 && column < (2 * WIDTH) / 3) picture.y[at] = 250;
  }

  const { y } = new PersonOperation(1, finding(MIDDLE), null).apply(picture, 0);

  const row = y.subarray(90 * WIDTH, 91 * WIDTH);
  expect(Math.max(...row.subarray(0, WIDTH / 3 - 16))).toBeLessThanOrEqual(70);
});

test("nobody in the picture: all of it is background", () => {
  const after = new PersonOperation(0.5, finding(new Float32Array(SIDE * SIDE)), null).apply(striped(), 0);

  expect(sharpness(after, 0, 1)).toBeLessThan(0.03);
});

test.each([
  ["there is none yet", null],
  ["it is of another size", new Float32Array(144 * 256).fill(1)],
  ["it holds no numbers", new Float32Array(SIDE * SIDE).fill(Number.NaN)],
])("all is blurred where the mask is of no use: %s", (_, mask) => {
  const operation = new PersonOperation(0.05, finding(mask), null);

  for (const time_ms of [0, 33, 66]) {
    expect(sharpness(operation.apply(striped(), time_ms), 0, 1)).toBeLessThan(0.03);
  }
});

test("all is blurred at once when the mask is lost, and numbers that are none leave no trace", () => {
  const broken = new Float32Array(SIDE * SIDE).fill(Number.NaN);
  const operation = new PersonOperation(0.5, finding(MIDDLE, null, MIDDLE, broken, MIDDLE), null);
  const person = [0, 33, 66, 99, 132].map((time_ms) => {
    return sharpness(operation.apply(striped(), time_ms), 0.4, 0.6);
  });

  expect(person.map((value) => value > 0.9)).toEqual([true, false, true, false, true]);
});

test("a mask belongs to pictures of one size", () => {
  const operation = new PersonOperation(0.5, finding(MIDDLE, null), null);
  operation.apply(striped(), 0);

  const after = operation.apply(striped(640, 480), 33);

  expect([after.width, sharpness(after, 0, 1) < 0.03]).toEqual([640, true]);
});

test("an error of the mask's is no picture, and the next picture does not take an old mask", () => {
  const source = finding(MIDDLE, null);
  const operation = new PersonOperation(0.5, source, null);
  operation.apply(striped(), 0);
  const { mask } = source;
  source.mask = () => {
    throw new Error("out of memory");
  };
  expect(() => operation.apply(striped(), 33)).toThrow("out of memory");
  source.mask = mask;

  expect(sharpness(operation.apply(striped(), 66), 0, 1)).toBeLessThan(0.03);
});

test("a slow mask is made of every second picture, as long as it does not get old", () => {
  let now_ms = 0;
  vi.stubGlobal("performance", { now: () => now_ms });
  const source = finding(MIDDLE);
  const { mask } = source;
  source.mask = () => {
    now_ms += 400;
    return mask();
  };
  const operation = new PersonOperation(0.5, source, null);
  const asked = (times: readonly number[]) => {
    const before = source.asked;
    for (const time_ms of times) operation.apply(striped(), time_ms);
    return source.asked - before;
  };

  expect(asked([0, 33, 66, 99, 132, 165])).toBe(3);
  expect(asked([1000, 1200, 1400])).toBe(3);
  expect(asked([0, 10]), "a clock that goes back").toBe(1);
});

test("a background picture is where the person is not", () => {
  const behind = allocate(WIDTH, HEIGHT, FULL);
  behind.y.fill(111);
  behind.u.fill(33);
  const backdrop = new Backdrop();
  backdrop.planes = () => behind;

  const after = new PersonOperation(0.5, finding(null, MIDDLE), backdrop);
  const [first, second] = [0, 33].map((time_ms) => {
    const { y, u } = after.apply(striped(), time_ms);
    return [y[0], u[0], u[80]];
  });

  expect(first, "until the person is known it is blurred").not.toContain(111);
  expect(second).toEqual([111, 33, 90]);
});

test("the background picture covers all, and is drawn once for each size", () => {
  const drawn: number[][] = [];
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      readonly #size: readonly [number, number];
      constructor(width: number, height: number) {
        this.#size = [width, height];
      }
      getContext() {
        const [width, height] = this.#size;
        return {
          drawImage: (_: unknown, ...place: number[]) => drawn.push(place),
          getImageData: () => ({ data: new Uint8ClampedArray(4 * width * height).fill(255) }),
        };
      }
    },
  );
  const picture = { width: 100, height: 100, close: vi.fn() };
  const backdrop = new Backdrop();
  expect(backdrop.planes(striped())).toBeNull();
  backdrop.set(picture as unknown as ImageBitmap);
  const [camera, preview, high] = [striped(320, 180), striped(176, 100), striped(90, 160)];

  for (const one of [camera, preview, camera, preview]) expect(backdrop.planes(one)?.y[0]).toBe(255);
  expect(drawn).toEqual([
    [0, -70, 320, 320],
    [0, -38, 176, 176],
  ]);
  backdrop.planes(high);
  expect(drawn[2]).toEqual([-35, 0, 160, 160]);

  backdrop.set(null);
  expect(picture.close).toHaveBeenCalledOnce();
  expect(backdrop.planes(camera)).toBeNull();
});
