/** Stands for uPlot, which needs a canvas: remembers what it was told to draw. */
export const charts: FakeChart[] = [];

export default class FakeChart {
  readonly draws: unknown[] = [];
  destroyed = false;

  constructor(
    readonly options: { readonly series: readonly unknown[] },
    data: unknown,
    readonly place: HTMLElement,
  ) {
    this.draws.push(data);
    charts.push(this);
  }

  setData(data: unknown): void {
    this.draws.push(data);
  }

  setSize(): void {}

  destroy(): void {
    this.destroyed = true;
  }
}
