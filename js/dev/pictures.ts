/** Moving pictures for the demo page: a canvas in place of a camera, and the same one as Python might change it. */

function paint(context: CanvasRenderingContext2D, time_s: number, changed: boolean): void {
  const { width, height } = context.canvas;
  context.fillStyle = changed ? "#0b0f14" : "#b9c3ce";
  context.fillRect(0, 0, width, height);
  context.fillStyle = changed ? "#1d2630" : "#8fa0b2";
  context.fillRect(width * 0.62, height * 0.1, width * 0.3, height * 0.5);
  const sway = Math.sin(time_s * 1.5) * width * 0.03;
  const shapes: [string, () => void][] = [
    [
      "#4a5f86",
      () => context.ellipse(width * 0.42 + sway, height * 1.05, width * 0.2, height * 0.42, 0, 0, 7),
    ],
    [
      "#c9987a",
      () => context.ellipse(width * 0.42 + sway, height * 0.45, width * 0.09, height * 0.21, 0, 0, 7),
    ],
  ];
  for (const [fill, shape] of shapes) {
    context.beginPath();
    shape();
    context.lineWidth = 5;
    context.strokeStyle = "#7fe0b0";
    context.fillStyle = fill;
    if (changed) context.stroke();
    else context.fill();
  }
}

/** A stream of 24 pictures a second; no camera is asked for. */
export function picture(changed: boolean): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws no canvas: the demo page needs one.");
  const draw = () => paint(context, performance.now() / 1000, changed);
  draw();
  setInterval(draw, 40);
  return canvas.captureStream(24);
}
