/** Whether a worker reaches a graphics processor, or only software that plays one. */

/** SwiftShader of Chromium, Mesa's rasterizers, and what Windows and macOS have for machines without one. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|swrast|software|basic render/i;
/** What browsers say that tell nobody what they draw with. */
const UNTOLD = /^(webkit webgl|mozilla|generic renderer)?$/i;

/** Why there is none to use, as the end of a sentence; empty where there is one. */
export function whyNoGraphics(): string {
  if (typeof OffscreenCanvas === "undefined") return "the browser has no OffscreenCanvas";
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (gl === null) return "the browser has no WebGL2 in a worker, or calls it slow";
  try {
    return whyNotBy(rendererOf(gl));
  } finally {
    gl.getExtension("WEBGL_lose_context")?.loseContext(); // contexts are few
  }
}

/** The same by the name of what draws. */
export function whyNotBy(renderer: string): string {
  if (UNTOLD.test(renderer)) return "the browser does not say what it draws with";
  return SOFTWARE.test(renderer) ? `the browser draws by software, ${renderer}` : "";
}

function rendererOf(gl: WebGL2RenderingContext): string {
  // Firefox has it in RENDERER, the others by this extension only
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(named?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER) ?? "");
}
