"""Record loopback.json anew: real getStats of Chromium by js/src/stats/report.ts, of a call with itself.

Run it from the repository: ``python tests/data/stats/capture.py``. It needs js/node_modules and Chromium,
whose path may be given as an argument. Then ``python -m tests.unit.stats_vectors`` renews what is expected.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Route, sync_playwright

HERE = Path(__file__).parent
JS = HERE.parents[2] / "js"
FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Two generations of one call; in the first the camera's sender is replaced, which brings a new SSRC.
SCENARIO = """
async () => {
  const media = await navigator.mediaDevices.getUserMedia({
    video: { width: 320, height: 240, frameRate: 15 }, audio: true });
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const samples = [];

  async function negotiate(near, far) {
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription);
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription);
  }

  async function connect() {
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
    near.ontrack = ({ track }) => {  // sound that nobody plays is never decoded and has no samples
      const player = document.createElement(track.kind);
      player.srcObject = new MediaStream([track]);
      player.play();
    };
    for (const track of media.getTracks()) { near.addTrack(track, media); far.addTrack(track, media); }
    await negotiate(near, far);
    await pictured(near);
    return [near, far];
  }

  // A machine that is busy needs more than a second to the first picture.
  async function pictured(connection) {
    for (let count = 0; count < 300; count++) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.framesDecoded > 0 && report.frameWidth > 0) return;
      }
      await pause(100);
    }
    throw new Error("No picture came within 30 s.");
  }

  async function poll(connection, generation, times) {
    for (let count = 0; count < times; count++) {
      await pause(1000);
      samples.push({ type: "stats", peer: "python", generation, ...(await stats.pollStats(connection)) });
    }
  }

  const [near, far] = await connect();
  await poll(near, 1, 5);
  const camera = near.getSenders().find((sender) => sender.track.kind === "video");
  const track = camera.track;
  near.removeTrack(camera);
  near.getTransceivers().find((transceiver) => transceiver.sender === camera).stop();
  near.addTrack(track, media);
  await negotiate(near, far);
  await poll(near, 1, 3);
  near.close(); far.close();
  const [next, other] = await connect();
  await poll(next, 2, 3);
  next.close(); other.close();
  return samples;
}
"""


def bundle(folder: str) -> str:
    """stats/report.ts as a script that defines the global `stats`."""
    target = Path(folder) / "stats.js"
    command = [
        "node_modules/.bin/esbuild",
        "src/stats/report.ts",
        "--bundle",
        "--global-name=stats",
        f"--outfile={target}",
    ]
    subprocess.run([*command, "--log-level=warning"], cwd=JS, check=True)
    return target.read_text()


def serve(route: Route) -> None:
    route.fulfill(body="<!doctype html><title>capture</title>", content_type="text/html")


def capture(chromium: str) -> list[dict[str, object]]:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.route("http://localhost/**", serve)
        page.goto("http://localhost/")
        # Emulated loss reaches WebRTC only if emulation is on before the connections exist.
        network = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": -1}
        page.context.new_cdp_session(page).send(
            "Network.emulateNetworkConditions", {**network, "packetLoss": 5}
        )
        page.evaluate(bundle(folder) + ";globalThis.stats = stats;")
        samples: list[dict[str, object]] = page.evaluate(SCENARIO)
        browser.close()
    return samples


if __name__ == "__main__":
    samples = capture(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium")
    case = {"name": "Chromium, fake camera and microphone, 5% loss, a replaced sender, two generations"}
    (HERE / "loopback.json").write_text(
        json.dumps({"cases": [{**case, "samples": samples, "rows": [], "points": []}]})
    )
