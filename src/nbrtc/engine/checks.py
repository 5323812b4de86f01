"""What the engine finds where it runs, line by line of a connection check. On the engine's loop.

No line has an address of this machine or a credential: reports are shown to others.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from importlib.metadata import version
from platform import platform, python_version
from typing import Literal

import av
import numpy as np
from aioice.ice import get_host_addresses

from ..ice.redact import kind_of
from ..messages import CheckName, CheckResult, ServerProbe
from .encode import ENCODERS, VideoCodec
from .seams import LOOPBACK
from .server_check import NAME, TITLE, check_server

Outcome = Literal["pass", "warning", "fail", "skipped"]

UDP_S = 1.0
SIZE = 640, 480
PICTURES = 40
ENCODE_S = 0.6
"""A codec is measured for so long at most."""
PICTURE_S = 1 / 30
GOOD_FPS, POOR_FPS = 60.0, 30.0
"""An encoder has to leave time for everything else: twice the camera's rate."""
BITRATE_BPS = 1_000_000
LIBRARIES = ("nbrtc", "aiortc", "aioice", "av")

Prober = Callable[[str, float], Awaitable[ServerProbe | None]]
PROBE_S = 3.5

VERSIONS = "python-versions", "Versions"
ADDRESSES = "python-addresses", "Network addresses"
UDP = "python-udp", "UDP sockets"
SERVERS = "python-servers", "STUN and TURN servers"


def planned(server: str | None, servers: Iterable[str]) -> tuple[CheckName, ...]:
    """The lines that `checks` of the same will come to."""
    named = [VERSIONS, *map(_encoder_name, ENCODERS), ADDRESSES, UDP]
    named += [_server_name(url) for url in servers] or [SERVERS]
    if server is not None:
        named.append((NAME, TITLE))
    return tuple(CheckName(name, title) for name, title in named)


async def checks(
    server: str | None, probe: Prober, servers: Iterable[str]
) -> AsyncGenerator[CheckResult, None]:
    """Every line as it is found.

    Parameters
    ----------
    server
        URL of the call's room server; None without a room, empty while it is not known.
    probe
        Asks one STUN or TURN server, so long at most; None if it is none of the call's any more.
    servers
        Their URLs.
    """
    # alone: whatever else runs would be measured, too
    yield versions()
    for result in await asyncio.to_thread(encoders):
        yield result
    lines = [addresses(), udp(), *([_server(probe, url) for url in servers] or [_no_server()])]
    if server is not None:
        lines.append(check_server(server))
    running = [asyncio.ensure_future(one) for one in lines]
    try:
        for done in asyncio.as_completed(running):
            for result in await done:
                yield result
    finally:  # nobody reads on
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def versions() -> CheckResult:
    """What runs here."""
    found = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    detail = f"{found}, Python {python_version()} on {platform(terse=True)}."
    return line(*VERSIONS, "pass", detail)


async def addresses() -> list[CheckResult]:
    """What kinds of addresses this machine has besides 127.0.0.1; never which."""
    found = [address for address in get_host_addresses(use_ipv4=True, use_ipv6=True) if address != LOOPBACK]
    if not found:
        detail = (
            "The kernel's machine has no network address besides 127.0.0.1, which browsers do not call over."
        )
        advice = "Join any network, or start the browser with --allow-loopback-in-peer-connection."
        return [line(*ADDRESSES, "fail", detail, advice)]
    kinds = Counter(kind_of(address) for address in found)
    listed = ", ".join(f"{number} {_words(kind)}" for kind, number in sorted(kinds.items()))
    return [line(*ADDRESSES, "pass", f"The kernel's machine has {listed}.", value=len(found))]


async def udp() -> list[CheckResult]:
    """Whether a datagram gets from one socket of this machine to another one, over its own address."""
    own = get_host_addresses(use_ipv4=True, use_ipv6=False) or [LOOPBACK]
    loop = asyncio.get_running_loop()
    try:
        with _udp_socket(own[0]) as taker, _udp_socket(own[0]) as sender:
            began_s = time.monotonic()
            await loop.sock_sendto(sender, b"nbrtc", taker.getsockname())
            async with asyncio.timeout(UDP_S):
                await loop.sock_recv(taker, 16)
            took_s = time.monotonic() - began_s
    except TimeoutError:
        detail = "A datagram that this machine sent to itself did not arrive: something drops UDP."
        advice = (
            "Allow UDP in the firewall of the kernel's machine or container, or configure turns: servers."
        )
        return [line(*UDP, "fail", detail, advice)]
    except OSError as error:
        detail = f"No UDP socket can be used here ({error.strerror or type(error).__name__})."
        advice = "Let the kernel's machine or container open UDP sockets: calls need them."
        return [line(*UDP, "fail", detail, advice)]
    return [line(*UDP, "pass", "UDP sockets work on the kernel's machine.", value=took_s, unit="s")]


def encoders() -> list[CheckResult]:
    """How many pictures a second each codec encodes; in a thread."""
    return [encoder(codec) for codec in ENCODERS]


def encoder(codec: VideoCodec) -> CheckResult:
    """The same for one codec, as `call.effect` uses it."""
    width, height = SIZE
    name, title = _encoder_name(codec)
    pictures = _pictures(width, height)
    made = ENCODERS[codec]()
    try:
        made.encode(pictures[0], 0, BITRATE_BPS, True)  # opening is not encoding
        began_s = time.monotonic()
        number = 0
        while number < PICTURES and time.monotonic() - began_s < ENCODE_S:
            number += 1
            picture = pictures[number % len(pictures)]
            made.encode(picture, round(number * PICTURE_S * 90_000), BITRATE_BPS, False)
        fps = number / (time.monotonic() - began_s)
    except av.FFmpegError as error:
        detail = f"{codec} cannot be encoded here ({type(error).__name__})."
        return line(name, title, "fail", detail, "Install the wheels of PyAV, which bring the codecs.")
    outcome: Outcome = "pass" if fps >= GOOD_FPS else "warning" if fps >= POOR_FPS else "fail"
    advice = "" if outcome == "pass" else 'Choose quality "low" where Python has an effect or a source.'
    detail = f"It encodes {fps:.0f} pictures of {width}x{height} a second."
    return line(name, title, outcome, detail, advice, value=fps, unit="fps")


def probed(probe: ServerProbe) -> CheckResult:
    """How one STUN or TURN server answered the engine."""
    name, title = _server_name(probe.url)
    what = "allocates a relay" if "relay" in probe.candidate_types else "tells the address that it sees"
    if probe.ok:
        took = "" if probe.rtt_s is None else f", after {probe.rtt_s * 1000:.0f} ms"
        return line(name, title, "pass", f"It {what}{took}.", value=probe.rtt_s, unit="s")
    # aioice asks STUN servers by UDP only: that is said of no server's faults
    outcome: Outcome = "skipped" if probe.error_code is None else "fail"
    fault, _, said = probe.error.partition(": ")  # what is wrong, and for many errors what to do
    code = "" if probe.error_code in (None, 701) else f" (STUN error {probe.error_code})"
    advice = said[:1].upper() + said[1:] if said else advice_for(probe.error_code)
    return line(name, title, outcome, f"{fault.rstrip('.')}{code}.", advice)


def advice_for(code: int | None) -> str:
    """What to do about a server that answers with a code of STUN, or not at all."""
    if code is None:
        return ""
    if code in (401, 438):
        return (
            "Give it the username and credential, or the secret, that it has; compare both machines' clocks."
        )
    if code in (486, 508):
        return "Wait until calls have ended, or raise user-quota or total-quota in its configuration."
    if code == 403:
        return "Look at its denied-peer-ip and allowed-peer-ip."
    return "Check its address and port, that it runs, and that the firewall lets its ports through."


def line(
    name: str,
    title: str,
    outcome: Outcome,
    detail: str,
    advice: str = "",
    value: float | None = None,
    unit: str = "",
) -> CheckResult:
    """A line of the engine's."""
    return CheckResult(
        name=name,
        title=title,
        outcome=outcome,
        by="engine",
        detail=detail,
        advice=advice,
        value=value,
        unit=unit,
    )


async def _server(probe: Prober, url: str) -> list[CheckResult]:
    found = await probe(url, PROBE_S)
    if found is None:
        return [line(*_server_name(url), "skipped", "The call has other servers by now.", "Check again.")]
    return [probed(found)]


async def _no_server() -> list[CheckResult]:
    detail = "No STUN or TURN server is configured, so that only direct paths are tried."
    advice = "In one network that is enough; else give ice_servers=[...] with a TURN server."
    return [line(*SERVERS, "skipped", detail, advice)]


def _encoder_name(codec: VideoCodec) -> tuple[str, str]:
    return f"python-encoder-{codec.lower()}", f"{codec} encoder"


def _server_name(url: str) -> tuple[str, str]:
    return f"python-server {url}", url


def _udp_socket(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((address, 0))
    except OSError:
        made.close()
        raise
    return made


def _pictures(width: int, height: int) -> list[av.VideoFrame]:
    """A few that differ as a person does who moves: half the picture stays."""
    rows, columns = np.indices((height, width))
    still = (128 + 60 * np.sin(rows / 23) * np.cos(columns / 31)).astype(np.uint8)
    found = []
    for number in range(8):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = still
        planes[:height, : width // 2] = np.roll(still, 5 * number, axis=1)[:, : width // 2]
        found.append(av.VideoFrame.from_ndarray(planes, format="yuv420p"))
    return found


def _words(kind: str) -> str:
    reach, _, family = kind.rpartition("-")
    return f"{reach} {family.replace('ipv', 'IPv')} address"
