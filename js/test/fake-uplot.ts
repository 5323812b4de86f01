/** Stands for uPlot, which needs a canvas: remembers what it was told to draw. */
export const charts: FakeChart[] = [];

type Data = readonly (readonly (number | null | undefined)[])[];

interface Options {
  readonly width: number;
  readonly height: number;
  readonly scales: { readonly x: { readonly range: () => [number, number] } };
  readonly series: readonly { readonly dash?: readonly number[] }[];
}

export default class FakeChart {
  readonly draws: Data[] = [];
  /** From when to when, in each draw. */
  readonly ranges: [number, number][] = [];
  readonly width: number;
  readonly height: number;
  destroyed = false;

  constructor(
    readonly options: Options,
    data: Data,
    readonly place: HTMLElement,
  ) {
    this.width = options.width;
    this.height = options.height;
    charts.push(this);
    this.setData(data);
  }

  setData(data: Data): void {
    this.draws.push(data);
    this.ranges.push(this.options.scales.x.range());
  }

  setSize(): void {}

  destroy(): void {
    this.destroyed = true;
  }
}

/** Those that are there now, in their order in the page. */
export const living = (): readonly FakeChart[] =>
  charts
    .filter(({ destroyed }) => !destroyed)
    .sort((one, other) =>
      one.place.compareDocumentPosition(other.place) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
    );
