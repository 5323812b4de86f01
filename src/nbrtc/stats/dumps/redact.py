"""Statistics without what tells who and where, for showing them to others.

What goes: addresses of every spelling, ICE passwords, names of devices, tracks, people and data channels,
ids of devices, user names, credentials and tokens, URLs (their scheme stays), texts of errors, the
certificate, the user agent but for the browser's name and major version. What has to be told apart gets a
pseudonym, the same one everywhere: tracks, streams, addresses, ICE user fragments (a new one marks an ICE
restart), participants.

What stays: every number, every state, the types of candidates and their ports, SSRCs, codecs; and the
fingerprints of certificates. Browsers make a new certificate for each connection, so a fingerprint says
nothing of a person, but `CallStats.join` finds the two ends of a connection by it.

It works by lists of what may stay: text that nobody foresaw is replaced.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.dumps.pseudonyms import Pseudonyms
from nbrtc.stats.dumps.redact_sdp import DescriptionRedaction, parameters
from nbrtc.stats.dumps.vocabulary import REDACTED, in_plain_words
from nbrtc.stats.interval import Scalar
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.source import StatsSource

_DEEPEST = 32

_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,47}\d{0,2}[A-Za-z_.]{0,24}")
"""Of a member or an event: a word with few digits, as ``base64Certificate`` and ``packetsSentWithEct1``."""

_STAYS = {
    "decoderimplementation": re.compile(r"[A-Za-z][A-Za-z0-9_ ().,:-]{0,79}"),
    "dtlscipher": re.compile(r"[A-Z0-9_]{1,64}"),
    "encoderimplementation": re.compile(r"[A-Za-z][A-Za-z0-9_ ().,:-]{0,79}"),
    "fingerprint": re.compile(r"([0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2}"),
    "fingerprintalgorithm": re.compile(r"sha-\d{1,3}|md5"),
    "googtimingframeinfo": re.compile(r"[\d,-]{1,200}"),
    "mimetype": re.compile(r"(audio|video)/[A-Za-z0-9._-]{1,24}"),
    "scalabilitymode": re.compile(r"[LS]\dT\d(_KEY(_SHIFT)?|h)?"),
    "srtpcipher": re.compile(r"[A-Z0-9_]{1,64}"),
    "tlsversion": re.compile(r"[0-9A-F]{4}"),
    "type": re.compile(r"[a-z][a-z-]{0,31}"),
}
"""Text members (in lower case) that stay where they look as they should."""

_COUNTED = ("mid", "rid", "sdpmid")
"""Members that may be numbers; in getUserMedia `rid` is the renderer's."""

_SECRETS = (
    "credential",
    "icepwd",
    "key",
    "password",
    "pwd",
    "secret",
    "token",
    "username",
    "base64certificate",
)

_NAMING = ("join", "leave")
"""Events whose value is somebody's name."""

_CANDIDATE = re.compile(r"candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ \S+( \S+)*")
_SCHEME = re.compile(r"(https?|wss?|turns?|stuns?|file|blob|data|chrome|chrome-extension):", re.IGNORECASE)
# From the most to the least telling: each of them also calls itself by one of those behind it.
_BROWSERS = ("Edg", "OPR", "SamsungBrowser", "Firefox", "HeadlessChrome", "Chromium", "Chrome", "Version")
_BROWSER = re.compile(rf"({'|'.join(_BROWSERS)})/(\d{{1,4}})", re.ASCII)
_BRANDS = ("Chromium", "Google Chrome", "Microsoft Edge", "Opera", "Brave", "HeadlessChrome")


def redacted(source: StatsSource) -> LoadedStats:
    """All that `source` has now, without what tells who and where; for any thread."""
    redaction = Redaction()
    return LoadedStats(
        [redaction.sample(sample) for sample in source.samples()],
        [redaction.event(event) for event in source.events()],
        redaction.info(source.info),
    )


class Redaction:
    """One pass over statistics; the same thing has the same pseudonym in all of it."""

    def __init__(self) -> None:
        self._names = Pseudonyms()
        self._sdp = DescriptionRedaction(self._names)
        names, sdp = self._names, self._sdp
        self._members: dict[str, Callable[[str], Scalar]] = {
            **dict.fromkeys(("address", "ip", "ipaddress", "relatedaddress"), sdp.address),
            **dict.fromkeys(("usernamefragment", "icelocalusernamefragment", "ufrag"), sdp.ufrag),
            **dict.fromkeys(_SECRETS, lambda value: REDACTED if value else ""),
            **dict.fromkeys(("url", "urls", "origin", "uri"), _scheme),
            **dict.fromkeys(("track", "trackid", "trackidentifier"), sdp.track),
            **dict.fromkeys(("stream", "streams", "streamid", "stream_id", "mslabel"), sdp.stream),
            **dict.fromkeys(("mid", "rid", "sdpmid"), names.section),
            "candidate": self._text,
            "cname": lambda value: names.of("cname", value),
            "deviceid": lambda value: names.of("device", value),
            "foundation": lambda value: names.number("foundation", value),
            "groupid": lambda value: names.of("group", value),
            "label": lambda value: names.of("label", value),
            "sdp": self._text,
            "sdpfmtpline": parameters,
            "useragent": browser,
            "user_agent": browser,
        }

    def sample(self, sample: StatsSample) -> StatsSample:
        """One poll."""
        return StatsSample(
            time_s=sample.time_s,
            peer=self._names.participant(sample.peer),
            generation=sample.generation,
            reports=tuple(self._report(report) for report in sample.reports),
        )

    def event(self, event: StatsEvent) -> StatsEvent:
        """One event; what its value says in words of its own goes."""
        return StatsEvent(
            time_s=event.time_s,
            peer=self._names.participant(event.peer),
            name=event.name if _NAME.fullmatch(event.name) else self._names.of("event", event.name),
            value=self._event_value(event.name, event.value),
            generation=event.generation,
        )

    def _event_value(self, name: str, value: str) -> str:
        """A person or a device may be called by a word of the standards; here the place says it is a name."""
        if name in _NAMING and value:
            return self._names.of("name", value)
        said, colon, label = value.partition(": ")
        if name == "devicechange" and colon:
            return f"{in_plain_words(said)}: {self._names.of('label', label)}"
        return self._text(value)

    def info(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of the browser and the connections."""
        connections = info.get("connections")
        kept: dict[str, Any] = self._walk({k: v for k, v in info.items() if k != "connections"})
        if isinstance(connections, Mapping):
            kept["connections"] = {
                self._names.participant(str(name)): self._walk(about) for name, about in connections.items()
            }
        if isinstance(info.get("user_agent_data"), Mapping):
            kept["user_agent_data"] = _brands(info["user_agent_data"])
        return kept

    def _report(self, report: Mapping[str, Scalar]) -> dict[str, Scalar]:
        kept: dict[str, Scalar] = {}
        for name, value in report.items():
            if name == "id" or (isinstance(value, str) and name.endswith("Id") and not self._handler(name)):
                kept[name] = self._names.object_id(value)
            elif _NAME.fullmatch(name):
                kept[name] = self._member(name, value)
        return kept

    def _member(self, name: str, value: Scalar) -> Scalar:
        handler = self._handler(name)
        if isinstance(value, str):
            stays = _STAYS.get(name.lower())
            if stays is not None:
                return value if stays.fullmatch(value) else REDACTED
            return handler(value) if handler else self._text(value)
        # Chrome's dumps have a number where a text looks like one: a user fragment, a label.
        is_number = type(value) in (int, float) and name.lower() not in _COUNTED
        return handler(str(value)) if handler and is_number else value

    def _handler(self, name: str) -> Callable[[str], Scalar] | None:
        return self._members.get(name.lower())

    def _walk(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """A value of JSON, by the names of its members."""
        if depth > _DEEPEST:
            return REDACTED
        if isinstance(value, Mapping):
            return {
                self._key(str(key)): self._walk(member, str(key), depth + 1) for key, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._walk(member, name, depth + 1) for member in value]
        if name == "id" and isinstance(value, str):
            return self._sdp.track(value)  # of the objects in events only tracks have one
        return self._member(name, value)

    def _key(self, key: str) -> str:
        return key if _NAME.fullmatch(key) else self._names.of("member", key)

    def _text(self, text: str) -> str:
        """JSON member by member, descriptions line by line, and of anything else only plain words."""
        if text[:1] in '{["' and text[-1:] in '}]"':
            try:
                return json.dumps(self._walk(json.loads(text)), separators=(",", ":"))
            except (ValueError, RecursionError):
                return in_plain_words(text)
        head, begin, sdp = text.partition("v=0")
        if begin and "\n" in sdp:
            return in_plain_words(head) + (" " if head else "") + self._sdp.description(begin + sdp)
        found = _CANDIDATE.search(text)
        if found:
            before = in_plain_words(text[: found.start()])
            return f"{before} {self._sdp.candidate(found[0])}".strip()
        return in_plain_words(text)


def browser(user_agent: str) -> str:
    """``"Chrome/156"``: name and major version, from the most to the least telling."""
    found = dict(_BROWSER.findall(user_agent))
    if "Version" in found and "Safari" not in user_agent:
        del found["Version"]
    for name in _BROWSERS:
        if name in found:
            return f"{'Safari' if name == 'Version' else name}/{found[name]}"
    return REDACTED


def _brands(data: Mapping[str, Any]) -> dict[str, Any]:
    brands = data.get("brands")
    return {
        "brands": [
            {"brand": brand["brand"], "version": str(brand.get("version")).partition(".")[0]}
            for brand in (brands if isinstance(brands, list | tuple) else ())
            if isinstance(brand, Mapping)
            and brand.get("brand") in _BRANDS
            and str(brand.get("version")).partition(".")[0].isdigit()
        ],
        "mobile": data.get("mobile") is True,
    }


def _scheme(url: str) -> str:
    """What a URL leads to goes, with its user, query and fragment; ``turn:`` or ``stun:`` stays."""
    found = _SCHEME.match(url)
    if not found:
        return REDACTED if url else ""
    transport = re.search(r"\?transport=(udp|tcp)$", url)
    slashes = "//" if url[found.end() :].startswith("//") else ""
    return f"{found[1].lower()}:{slashes}redacted.invalid{transport[0] if transport else ''}"
