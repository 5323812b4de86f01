/** What getUserMedia refuses, in sentences that say what to do. */

export type DeviceKind = "camera" | "microphone" | "both";

export interface DeviceProblem {
  readonly kind: DeviceKind;
  readonly code: string;
  readonly text: string;
}

/** Where getUserMedia does not exist at all; null where it does. */
export function whyNoDevices(): DeviceProblem | null {
  if (location.protocol === "vscode-webview:" || navigator.userAgent.includes("VSCode")) {
    const text =
      "VS Code does not let notebooks use cameras. Open this notebook in a browser (JupyterLab) to call.";
    return { kind: "both", code: "frontend-forbids", text };
  }
  if (!window.isSecureContext) {
    const text = `Browsers open cameras only on https:// or localhost, and this page is ${location.origin}. Use an SSH tunnel to localhost, or put https in front of Jupyter.`;
    return { kind: "both", code: "insecure-origin", text };
  }
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    const text = "This browser has no camera access. Use a current Chrome, Edge, Firefox or Safari.";
    return { kind: "both", code: "no-media-devices", text };
  }
  return null;
}

const WORDS = {
  camera: { and: "camera", or: "camera", it: "it" },
  microphone: { and: "microphone", or: "microphone", it: "it" },
  both: { and: "camera and microphone", or: "camera or microphone", it: "them" },
} as const satisfies Record<DeviceKind, unknown>;

/** The sentence for an error of getUserMedia (mediacapture-streams, section 10.3.1). */
export function describeDeviceError(error: unknown, kind: DeviceKind): DeviceProblem {
  const name = error instanceof DOMException || error instanceof Error ? error.name : String(error);
  const detail = error instanceof Error ? error.message : "";
  const { and, or, it } = WORDS[kind];
  switch (name) {
    case "NotAllowedError":
    case "SecurityError": {
      const text = `The browser denies the ${and}. Allow ${it} with the icon in the address bar, then turn ${it} on.`;
      return { kind, code: "permission-denied", text };
    }
    case "NotFoundError":
      return { kind, code: "not-found", text: `No ${or} was found. Plug one in, then turn it on.` };
    case "NotReadableError":
    case "AbortError": {
      const text = `The ${or} cannot be opened. Close other programs that use it, then turn it on.`;
      return { kind, code: "in-use", text };
    }
    case "OverconstrainedError":
      return {
        kind,
        code: "overconstrained",
        text: `The chosen ${or} is not available any more. Choose another.`,
      };
    default:
      return { kind, code: "device-error", text: `The ${or} could not be opened (${name}: ${detail}).` };
  }
}
