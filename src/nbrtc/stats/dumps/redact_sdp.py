"""Session descriptions and ICE candidates without what tells who and where (RFC 8866, RFC 8839)."""

import re
from collections.abc import Callable, Mapping

from nbrtc.stats.dumps.pseudonyms import Pseudonyms
from nbrtc.stats.dumps.vocabulary import REDACTED, in_plain_words, is_plain

_KEPT_TEXT = """
bundle-only end-of-candidates extmap-allow-mixed fingerprint framerate ice-lite ice-options inactive
max-message-size maxptime ptime recvonly rtcp-fb rtcp-mux rtcp-mux-only rtcp-rsize rtpmap sctp-port
sctpmap sendonly sendrecv setup ssrc-group
"""
_KEPT = frozenset(_KEPT_TEXT.split())
"""Attributes whose values are figures and words of the standards; fingerprints are those of `redact`."""

_FORMS = {
    "fingerprint": re.compile(r"(sha-\d{1,3}|md5) ([0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}"),
    "rtcp-fb": re.compile(r"(\d{1,3}|\*) [a-z-]{2,16}( [a-z]{2,8})?"),
    "rtpmap": re.compile(r"\d{1,3} [A-Za-z0-9._-]{1,30}/\d{1,6}(/\d)?"),
    "ssrc-group": re.compile(r"[A-Z-]{2,8}( \d{1,10})+"),
}
_EXTENSION = re.compile(
    r"\d{1,5}(/[a-z]+)? (urn:ietf:params:rtp-hdrext:[a-z0-9:._-]{1,60}"
    r"|http://www\.webrtc\.org/experiments/rtp-hdrext/[a-z0-9-]{1,40}"
    r"|http://www\.ietf\.org/id/draft-[a-z0-9-]{1,60}|https://aomediacodec\.github\.io/av1-rtp-spec/[#a-z0-9-]{1,60})"
)
"""Header extensions (RFC 8285) that browsers have; their names are public."""
_MEDIA = re.compile(r"(audio|video|application|text) \d{1,5} [A-Z/]{3,24}(( \d{1,5})+| webrtc-datachannel)")
_PARAMETERS = re.compile(r"(\d{1,3}) (.*)")
_CANDIDATE_FIGURES = ("generation", "network-id", "network-cost", "rport")

_NOWHERE = {"IP4": "0.0.0.0", "IP6": "::"}


class DescriptionRedaction:
    """What `redact` does to SDP; line by line, and a line that it does not know goes."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._attributes: Mapping[str, Callable[[str], str | None]] = {
            "candidate": lambda value: self.candidate(f"candidate:{value}").removeprefix("candidate:"),
            "extmap": _extension,
            "fmtp": _format,
            "group": self._sections,
            "ice-pwd": lambda _: "redacted" * 3,  # at least 22 characters (RFC 8839, section 5.4)
            "ice-ufrag": self.ufrag,
            "mid": names.section,
            "msid": lambda value: " ".join(self._stream_and_track(value)),
            "msid-semantic": lambda _: " WMS *",
            "rid": self._layer,
            "rtcp": lambda value: f"{_figure(value.split(' ')[0])} IN IP4 {_NOWHERE['IP4']}",
            "simulcast": self._simulcast,
            "ssrc": self._ssrc,
        }

    def description(self, sdp: str) -> str:
        """An SDP text, its line ends as they were."""
        end = "\r\n" if "\r\n" in sdp else "\n"
        lines = [self._line(line.strip()) for line in sdp.split(end)]
        return "".join(line + end for line in lines if line)

    def candidate(self, text: str) -> str:
        """A candidate attribute without addresses; its type, protocol, priority and ports stay."""
        prefix, _, rest = text.partition("candidate:")
        tokens = rest.split()
        if len(tokens) < 8 or tokens[6] != "typ":
            return "candidate:" if not tokens else f"candidate:{REDACTED}"
        foundation, component, transport, priority, address, port, _, type_ = tokens[:8]
        kept = [
            f"candidate:{self._names.number('foundation', foundation)}",
            _figure(component),
            in_plain_words(transport),
            priority if priority.isdigit() else "0",
            self.address(address),
            _figure(port),
            "typ",
            in_plain_words(type_),
        ]
        for name, value in zip(tokens[8::2], tokens[9::2], strict=False):
            if name == "raddr":
                kept += [name, self.address(value)]
            elif name == "ufrag":
                kept += [name, self.ufrag(value)]
            elif name == "tcptype" or name in _CANDIDATE_FIGURES:
                kept += [name, in_plain_words(value)]
        return " ".join(kept) if not prefix.strip() else f"a={' '.join(kept)}"

    def address(self, address: str) -> str:
        """The same name for the same address, in the domain that never exists (RFC 6761)."""
        return f"{self._names.of('address', address)}.invalid" if address else ""

    def ufrag(self, value: str) -> str:
        """The same name for the same fragment: a new one marks an ICE restart."""
        return self._names.of("ufrag", value).replace("-", "")  # the grammar has no hyphen

    def track(self, value: str) -> str:
        """The same name for the same track, wherever it stands."""
        return self._names.of("track", value)

    def stream(self, value: str) -> str:
        """The same for MediaStreams; ``-`` is none."""
        return value if value in ("-", "*") else self._names.of("stream", value)

    def _line(self, line: str) -> str | None:
        letter, _, value = line.partition("=")
        if letter == "a":
            name, colon, detail = value.partition(":")
            handle = self._attributes.get(name)
            if handle is not None:
                kept = handle(detail)
                return None if kept is None else f"a={name}:{kept}"
            return line if name in _KEPT and _is_kept(name, detail, colon) else None
        if letter == "o":
            version = value.split(" ")[2:3]
            return f"o=- 0 {_figure(''.join(version))} IN IP4 {_NOWHERE['IP4']}"
        if letter == "c":
            family = "IP6" if " IP6 " in value else "IP4"
            return f"c=IN {family} {_NOWHERE[family]}"
        if letter == "m" and _MEDIA.fullmatch(value):
            return line
        if letter in ("v", "t", "b") and re.fullmatch(r"([A-Z]+:)?\d{1,12}( \d{1,12})?", value):
            return line
        return "s=-" if letter == "s" else None

    def _stream_and_track(self, value: str) -> list[str]:
        stream, _, track = value.partition(" ")
        return [self.stream(stream), self.track(track)] if track else [self.stream(stream)]

    def _sections(self, value: str) -> str | None:
        semantics, *mids = value.split(" ")
        return " ".join([in_plain_words(semantics), *map(self._names.section, mids)])

    def _layer(self, value: str) -> str:
        rid, direction, *_ = [*value.split(" "), ""]
        return f"{self._names.section(rid)} {in_plain_words(direction)}".strip()

    def _simulcast(self, value: str) -> str:
        directions = ("send", "recv")
        words = [word if word in directions else self._layers(word) for word in value.split(" ")]
        return " ".join(words)

    def _layers(self, value: str) -> str:
        return re.sub(r"[^;,~\s]+", lambda rid: self._names.section(rid[0]), value)

    def _ssrc(self, value: str) -> str | None:
        ssrc, _, attribute = value.partition(" ")
        name, _, detail = attribute.partition(":")
        kept = {
            "cname": lambda: self._names.of("cname", detail),
            "label": lambda: self.track(detail),
            "mslabel": lambda: self.stream(detail),
            "msid": lambda: " ".join(self._stream_and_track(detail)),
        }.get(name)
        return f"{ssrc} {name}:{kept()}" if kept and ssrc.isdigit() else None


def parameters(text: str) -> str:
    """Format parameters that are known and short; sets of parameters in Base64 go."""
    return ";".join(part.strip() for part in text.split(";") if _is_parameter(part.strip()))


def _is_parameter(part: str) -> bool:
    """``minptime=10``, ``111/111``, ``0-15``, ``profile-level-id=42e01f``."""
    name, equals, value = part.partition("=")
    if not equals:
        return bool(re.fullmatch(r"[\d/-]{1,16}", name))
    return name.lower() in _FORMAT_NAMES and bool(re.fullmatch(r"[0-9a-fA-F]{1,8}", value))


_FORMAT_NAMES_TEXT = """
apt cbr dispose-lumas level-asymmetry-allowed level-id level-idx max-br max-fr max-fs max-mbps
maxaveragebitrate maxplaybackrate minptime packetization-mode profile profile-id profile-level-id
ptime rc rtx-time sprop-maxcapturerate sprop-stereo stereo tier tier-flag tx-mode usedtx
useinbandfec x-google-max-bitrate x-google-min-bitrate x-google-start-bitrate channel_mapping
coupled_streams num_streams
"""
_FORMAT_NAMES = frozenset(_FORMAT_NAMES_TEXT.split())


def _is_kept(name: str, detail: str, colon: str) -> bool:
    if name in _FORMS:
        return bool(_FORMS[name].fullmatch(detail))
    return not colon or is_plain(detail) or bool(re.fullmatch(r"\d{1,10}( webrtc-datachannel \d+)?", detail))


def _format(value: str) -> str | None:
    found = _PARAMETERS.fullmatch(value)
    kept = parameters(found[2]) if found else ""
    return f"{found[1]} {kept}" if found and kept else None


def _extension(value: str) -> str | None:
    return value if _EXTENSION.fullmatch(value) else None


def _figure(text: str) -> str:
    return text if text.isdigit() and len(text) <= 10 else "0"
