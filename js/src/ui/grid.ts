/** Where the tiles of a room stand: pure geometry, in CSS pixels. */

export interface Area {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Area {
  readonly left: number;
  readonly top: number;
}

const ASPECT = 16 / 9;

const between = (least: number, value: number, most: number): number =>
  Math.min(most, Math.max(least, value));

/** `count` equal tiles of 16:9, as large as the area lets them be; an incomplete last row stands in the middle. */
export function grid(count: number, area: Area, gap: number): readonly Box[] {
  let columns = 1;
  let width = 0;
  for (let tried = 1; tried <= count; tried += 1) {
    const rows = Math.ceil(count / tried);
    const fitting = Math.min(
      (area.width - gap * (tried - 1)) / tried,
      ((area.height - gap * (rows - 1)) / rows) * ASPECT,
    );
    if (fitting > width) {
      columns = tried;
      width = fitting;
    }
  }
  width = Math.floor(width);
  const height = Math.floor(width / ASPECT);
  const rows = Math.ceil(count / columns);
  const top = Math.floor((area.height - rows * height - (rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = Math.floor((area.width - inRow * width - (inRow - 1) * gap) / 2);
    return {
      left: left + (index % columns) * (width + gap),
      top: top + row * (height + gap),
      width,
      height,
    };
  });
}

/** One tile large and the others in a strip, beside it or below it; the box at `large` is the large one's. */
export function speaker(count: number, large: number, area: Area, gap: number): readonly Box[] {
  if (count === 1) return [{ left: 0, top: 0, ...area }];
  const right = withLeft(area, between(88, Math.floor(area.width * 0.22), 220));
  const below = withTop(area, between(52, Math.floor(area.height * 0.24), 130));
  const besideRight: Box = { left: 0, top: 0, width: right.left - gap, height: area.height };
  const above: Box = { left: 0, top: 0, width: area.width, height: below.top - gap };
  const [main, strip] =
    pictureWidth(besideRight) >= pictureWidth(above) ? [besideRight, right] : [above, below];
  const small = grid(count - 1, strip, gap).map((box) => ({
    ...box,
    left: box.left + strip.left,
    top: box.top + strip.top,
  }));
  return [...small.slice(0, large), main, ...small.slice(large)];
}

/** How wide a picture of 16:9 becomes in there. */
const pictureWidth = ({ width, height }: Area): number => Math.min(width, height * ASPECT);

const withLeft = (area: Area, width: number): Box => ({
  left: area.width - width,
  top: 0,
  width,
  height: area.height,
});

const withTop = (area: Area, height: number): Box => ({
  left: 0,
  top: area.height - height,
  width: area.width,
  height,
});
