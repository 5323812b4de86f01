"""Save new dumps of chrome://webrtc-internals: a call of Chromium with itself, in both formats of the page.

Run it from the repository: ``python -m tests.data.dumps.capture``. It takes half a minute and writes
``chromium-<version>-internals.json.gz`` and ``chromium-<version>-rtcstats.gz`` next to this file.
"""

import gzip
import re
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.internals import Internals

HERE = Path(__file__).parent

_ADDRESS = re.compile(rb"(?<= )(?:\d+(?:\.\d+){3}|[0-9a-f]*(?::[0-9a-f]*){2,})(?= \d+ typ )")


def main() -> None:
    """Call, renegotiate, save."""
    path = chromium.find_chromium()
    if path is None:
        raise SystemExit("There is no Chromium: install one, or set NBRTC_CHROMIUM.")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = chromium.launch(playwright, path, "any-size", folder)
        internals = Internals(browser.new_context(), folder)
        internals.begin()
        internals.until_polled(4)
        internals.restart_ice()
        internals.until_polled(7)
        internals.stop_picture(2500)
        internals.until_polled(14)
        version = browser.version.partition(".")[0]
        dumps = {
            f"chromium-{version}-internals.json.gz": internals.save("webrtc-internals"),
            f"chromium-{version}-rtcstats.gz": internals.save("rtcstats"),
        }
        browser.close()
    for file, packed in dumps.items():
        data = without_addresses(gzip.decompress(packed))
        (HERE / file).write_bytes(gzip.compress(data, mtime=0))


def without_addresses(data: bytes) -> bytes:
    """Put addresses for documentation (RFC 5737, RFC 3849) in place of this machine's."""
    for number, address in enumerate(sorted(set(_ADDRESS.findall(data)), key=len, reverse=True), start=1):
        stand_in = b"2001:db8::%d" % number if b":" in address else b"192.0.2.%d" % number
        data = re.sub(rb"(?<![0-9a-f.:])" + re.escape(address) + rb"(?![0-9a-f.:])", stand_in, data)
    return data


if __name__ == "__main__":
    main()
