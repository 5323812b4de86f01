"""Writes the offers of this folder anew, with the tests' Chromium: python -m tests.data.sdp.capture

What differs from one run to the next (candidates, fingerprints, credentials, ids) is made constant, so that a
new Chromium shows in the difference.
"""

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import chromium

OFFERS = {
    # what nbrtc's page offers to another participant
    "chromium-mesh": "c.addTransceiver('audio'); c.addTransceiver('video');",
    # as the tutorial's client does: tracks of one stream, here the fake devices'
    "chromium-tutorial": (
        "const s = await navigator.mediaDevices.getUserMedia({audio: true, video: true});"
        "s.getTracks().forEach(t => c.addTrack(t, s));"
    ),
    "chromium-receives-only": (
        "for (const k of ['audio', 'video']) c.addTransceiver(k, {direction: 'recvonly'});"
    ),
    "chromium-inactive-video": (
        "c.addTransceiver('audio'); c.addTransceiver('video', {direction: 'inactive'});"
    ),
    "chromium-audio-and-data": "c.addTransceiver('audio'); c.createDataChannel('chat');",
    # a camera, a screen and data beside them
    "chromium-two-videos": (
        "c.createDataChannel('chat'); c.addTransceiver('video'); c.addTransceiver('audio');"
        "c.addTransceiver('video', {direction: 'sendonly'});"
    ),
    "chromium-h264-only": (
        "c.addTransceiver('audio'); const t = c.addTransceiver('video');"
        "t.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs"
        ".filter(x => /H264|rtx/.test(x.mimeType)));"
    ),
    "chromium-vp9-only": (
        "c.addTransceiver('audio'); const t = c.addTransceiver('video');"
        "t.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs"
        ".filter(x => /VP9/.test(x.mimeType)));"
    ),
}

CONSTANTS = {
    r"^a=candidate:.*\r\n": "",
    r"^o=- \d+ ": "o=- 1 ",
    r"^(a=ice-ufrag:).*$": r"\1nbrt",
    r"^(a=ice-pwd:).*$": r"\1" + 24 * "p",
    r"^(a=fingerprint:sha-256 ).*$": r"\1" + ":".join(["AB"] * 32),
}


def steady(sdp: str) -> str:
    """The description without what chance put into it."""
    for pattern, constant in CONSTANTS.items():
        sdp = re.sub(pattern, constant, sdp, flags=re.MULTILINE)
    sdp = sdp.replace("\r", "")
    ids = dict.fromkeys(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", sdp))
    for number, identity in enumerate(ids, 1):
        sdp = sdp.replace(identity, f"00000000-0000-0000-0000-{number:012d}")
    for number, ssrc in enumerate(dict.fromkeys(re.findall(r"^a=ssrc:(\d+)", sdp, re.MULTILINE)), 1):
        sdp = re.sub(rf"\b{ssrc}\b", str(1000 + number), sdp)
    return re.sub(r"(cname:)\S+", r"\1nbrtc", sdp)


def main() -> None:
    executable = chromium.find_chromium()
    assert executable is not None, "no Chromium in PATH"
    folder = Path(__file__).parent
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, executable, "any-size", folder)
        page = browser.new_context(permissions=["camera", "microphone"]).new_page()
        page.goto("chrome://version")
        for name, body in OFFERS.items():
            offer = page.evaluate(
                f"async () => {{ const c = new RTCPeerConnection(); {body}"
                "const o = await c.createOffer(); c.close(); return o.sdp; }"
            )
            (folder / f"{name}.sdp").write_text(steady(offer))
        browser.close()


if __name__ == "__main__":
    main()
