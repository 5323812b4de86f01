/** Moving pictures for the demo page: a canvas in place of a camera, the same one as Python might change it, a screen. */

export type Subject = "camera" | "changed" | "screen";

/** Background, wall, clothes, skin: so that people can be told apart. */
const palettes = [
  ["#b9c3ce", "#8fa0b2", "#4a5f86", "#c9987a"],
  ["#cfc6b4", "#a89a7f", "#7a4b4b", "#8d5a3b"],
  ["#b5cbbd", "#7f9d8a", "#3f5e4d", "#e0b899"],
  ["#c9bcd0", "#93819c", "#5b4470", "#a8704d"],
  ["#c4ccd8", "#8b98ad", "#30405c", "#d9a583"],
] as const;

function paintPerson(
  context: CanvasRenderingContext2D,
  time_s: number,
  changed: boolean,
  look: number,
): void {
  const { width, height } = context.canvas;
  const [ground, wall, clothes, skin] = palettes[look % palettes.length] ?? palettes[0];
  context.fillStyle = changed ? "#0b0f14" : ground;
  context.fillRect(0, 0, width, height);
  context.fillStyle = changed ? "#1d2630" : wall;
  context.fillRect(width * 0.62, height * 0.1, width * 0.3, height * 0.5);
  const sway = Math.sin(time_s * 1.5 + look) * width * 0.03;
  const shapes: [string, () => void][] = [
    [clothes, () => context.ellipse(width * 0.42 + sway, height * 1.05, width * 0.2, height * 0.42, 0, 0, 7)],
    [skin, () => context.ellipse(width * 0.42 + sway, height * 0.45, width * 0.09, height * 0.21, 0, 0, 7)],
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

function paintScreen(context: CanvasRenderingContext2D, time_s: number): void {
  const { width, height } = context.canvas;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#24292f";
  context.font = "22px monospace";
  const lines = [
    "def euler(f, y, t, dt):",
    "    while t < 10:",
    "        y += dt * f(t, y)",
    "        t += dt",
  ];
  lines.forEach((line, index) => {
    context.fillText(line, 40, 60 + index * 32);
  });
  context.strokeStyle = "#1967c2";
  context.lineWidth = 3;
  context.beginPath();
  for (let x = 0; x < width - 80; x += 4) {
    context.lineTo(40 + x, height * 0.68 + Math.sin(x / 40 + time_s) * height * 0.18);
  }
  context.stroke();
}

/** A stream of 24 pictures a second; no camera is asked for. */
export function picture(subject: Subject, look = 0): MediaStream {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = subject === "screen" ? [800, 500] : [640, 360];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws no canvas: the demo page needs one.");
  const draw = () => {
    const time_s = performance.now() / 1000;
    if (subject === "screen") paintScreen(context, time_s);
    else paintPerson(context, time_s, subject === "changed", look);
  };
  draw();
  setInterval(draw, 40);
  return canvas.captureStream(24);
}
