/** What getUserMedia refuses, in sentences that say what to do. */

export type DeviceKind = "camera" | "microphone";

export interface DeviceProblem {
  readonly code: string;
  readonly text: string;
}

/** Where getUserMedia does not exist at all; null where it does. */
export function whyNoDevices(): DeviceProblem | null {
  if (location.protocol === "vscode-webview:" || navigator.userAgent.includes("VSCode")) {
    return {
      code: "frontend-forbids",
      text: "VS Code does not let notebooks use cameras. Open this notebook in a browser (JupyterLab) to call.",
    };
  }
  if (!window.isSecureContext) {
    return {
      code: "insecure-origin",
      text: `Browsers open cameras only on https:// or localhost, and this page is ${location.origin}. Use an SSH tunnel to localhost, or put https in front of Jupyter.`,
    };
  }
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    return { code: "no-media-devices", text: "This browser has no camera access. Use a current Chrome, Edge, Firefox or Safari." };
  }
  return null;
}

/** The sentence for an error of getUserMedia (mediacapture-streams, section 10.3.1). */
export function describeDeviceError(error: unknown, kind: DeviceKind): DeviceProblem {
  const name = error instanceof DOMException || error instanceof Error ? error.name : String(error);
  const detail = error instanceof Error ? error.message : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return {
        code: "permission-denied",
        text: `The browser denies the ${kind}. Allow it with the icon in the address bar, then turn the ${kind} on.`,
      };
    case "NotFoundError":
      return { code: "not-found", text: `No ${kind} was found. Plug one in, then turn the ${kind} on.` };
    case "NotReadableError":
    case "AbortError":
      return {
        code: "in-use",
        text: `The ${kind} is there but cannot be opened. Close other programs that use it, then turn the ${kind} on.`,
      };
    case "OverconstrainedError":
      return { code: "overconstrained", text: `The chosen ${kind} is not available any more. Choose another.` };
    default:
      return { code: "device-error", text: `The ${kind} could not be opened (${name}: ${detail}).` };
  }
}
