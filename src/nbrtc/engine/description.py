"""Session descriptions at the engine's door: hostile ones are refused, good ones are tuned."""

import re

from ..errors import NegotiationError

MAX_SDP_BYTES = 32 * 1024
MAX_MEDIA_SECTIONS = 8
MAX_CANDIDATES = 50
MAX_MDNS_CANDIDATES = 5
"""Each ``.local`` name costs a multicast question and up to a second."""
MAX_BITRATE_BPS = 20_000_000
"""Above the bitrate of every quality that may be chosen later; the page sets what it sends by its encoder."""


def check_offer(sdp: str) -> None:
    """Refuse an offer for the link that aiortc would accept silently or choke on.

    Raises
    ------
    NegotiationError
        With what is wrong and the value.
    """
    check_description(sdp)
    sections = media_sections(sdp)
    if sorted(sections) != ["application", "audio", "video"]:
        raise NegotiationError(
            f"The offer has the media sections {', '.join(sections)}; the link takes exactly one each of "
            "audio, video and application."
        )


def check_description(sdp: str, what: str = "offer") -> None:
    """Refuse what is hostile or malformed in any description, whoever it comes from.

    Raises
    ------
    NegotiationError
        With what is wrong and the value.
    """
    size = len(sdp.encode())
    if size > MAX_SDP_BYTES:
        raise NegotiationError(f"The {what} has {size} bytes; at most {MAX_SDP_BYTES} are accepted.")
    if not sdp.startswith("v=0"):
        raise NegotiationError(f"The {what} begins with {sdp[:12]!r} instead of v=0 (RFC 8866).")
    sections = media_sections(sdp)
    if not sections or len(sections) > MAX_MEDIA_SECTIONS:
        raise NegotiationError(
            f"The {what} has {len(sections)} media sections; between 1 and {MAX_MEDIA_SECTIONS} are accepted."
        )
    if "a=fingerprint:" not in sdp:
        raise NegotiationError(f"The {what} has no a=fingerprint line, so its sender cannot be verified.")
    hosts = candidate_hosts(sdp)
    names = [host for host in hosts if host.endswith(".local")]
    if len(hosts) > MAX_CANDIDATES or len(names) > MAX_MDNS_CANDIDATES:
        raise NegotiationError(
            f"The {what} has {len(hosts)} candidates, {len(names)} of them .local names; at most "
            f"{MAX_CANDIDATES} and {MAX_MDNS_CANDIDATES} are accepted."
        )


def media_sections(sdp: str) -> list[str]:
    """The kind of each media section, in order (RFC 8866, section 5.14)."""
    return re.findall(r"^m=(\w*)", sdp, re.MULTILINE)


def first_mid(sdp: str) -> str:
    """The identification tag of the first media section, which carries a bundle's candidates (RFC 9143)."""
    found = re.search(r"^a=mid:(\S+)", sdp, re.MULTILINE)
    return found[1] if found else "0"


def split_candidates(sdp: str) -> tuple[str, list[tuple[int, str]], bool]:
    """A description without its candidates, these (RFC 8839, section 5.1), and whether they are all.

    Each candidate is the number of its media section and its line without ``a=candidate:``.
    """
    kept: list[str] = []
    candidates: list[tuple[int, str]] = []
    section, has_ended = -1, False
    for line in sdp.splitlines():
        section += line.startswith("m=")
        if line.startswith("a=candidate:"):
            candidates.append((section, line.removeprefix("a=candidate:")))
        elif line.startswith("a=end-of-candidates"):
            has_ended = True
        else:
            kept.append(line)
    return "\r\n".join([*kept, ""]), [found for found in candidates if found[0] >= 0], has_ended


def candidate_hosts(sdp: str) -> list[str]:
    """Addresses and names of the candidates in a description (RFC 8839, section 5.1)."""
    return re.findall(r"^a=candidate:(?:\S+ ){4}(\S+)", sdp, re.MULTILINE)


def video_codec(sdp: str) -> str | None:
    """The codec that the first video section prefers (RFC 8866, section 5.14): what its reader sends."""
    found = re.search(r"^m=video \S+ \S+ (\d+)", sdp, re.MULTILINE)
    name = found and re.search(rf"^a=rtpmap:{found[1]} (\w+)/", sdp, re.MULTILINE)
    return name[1] if name else None


def with_bitrates(sdp: str, start_bps: int) -> str:
    """Add Chromium's start and maximum bitrate to the preferred video codec of an answer.

    Without it the browser begins at 300 kbit/s and needs many seconds to reach the asked resolution.
    """
    codec = video_codec(sdp)
    found = codec and re.search(rf"^a=rtpmap:(\d+) {codec}/90000\r?$", sdp, re.MULTILINE)
    if not found:
        return sdp
    rates = f"x-google-start-bitrate={start_bps // 1000};x-google-max-bitrate={MAX_BITRATE_BPS // 1000}"
    own = re.search(rf"^a=fmtp:{found[1]} [^\r\n]+", sdp, re.MULTILINE)
    if own:  # H.264 has parameters of its own there
        return f"{sdp[: own.end()]};{rates}{sdp[own.end() :]}"
    end = sdp.index("\n", found.start()) + 1
    return f"{sdp[:end]}a=fmtp:{found[1]} {rates}\r\n{sdp[end:]}"
