"""Dumps of rtcstats: a JSON array a line, what was called or what happened; getStats as differences.

Two writers matter: rtcstats itself and Chrome's internals page (file format 3, the first line says
RTCStatsDump), and jitsi's fork, whose times are absolute and whose older files hold the statistics before the
standard.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from nbrtc.errors import DumpError
from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.dumps.limits import LATEST_MS, LIMITS, Limits, decode, refuse, seconds
from nbrtc.stats.dumps.rtcstats_codes import METHODS
from nbrtc.stats.dumps.rtcstats_delta import Snapshots
from nbrtc.stats.dumps.wording import event_value, plain, unquoted
from nbrtc.stats.loaded import LoadedStats

MAGIC = b"RTCStatsDump"

_KNOWN = {*METHODS.values(), "getstats", "connectionInfo", "identity", "transceiverAdded"}
_MEDIA = "navigator.mediaDevices."
_OF_NO_CONNECTION = (_MEDIA, "MediaStreamTrack.", "HTMLMediaElement.")


def read_rtcstats(data: bytes, name: str, *, is_cut: bool = False, limits: Limits = LIMITS) -> LoadedStats:
    """Read a dump of rtcstats.

    Parameters
    ----------
    name
        The file, for errors and warnings.
    is_cut
        Whether it is known that the end is missing.

    Warns
    -----
    UserWarning
        If the end is missing; what was complete is loaded.

    Raises
    ------
    DumpError
        If it is foreign, damaged before its end, or beyond the limits.
    """
    reader = _Reader(name, limits)
    reader.read(data, is_cut)
    if reader.is_truncated:
        warnings.warn(
            f"{name} ends in the middle of line {reader.line}: its {len(reader.samples)} complete polls were "
            "loaded. The dump was not saved or downloaded to its end.",
            stacklevel=4,  # the line that calls load_dump
        )
    return LoadedStats(reader.samples, reader.events, reader.info())


class _Reader:
    """One pass over the lines."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.samples: list[StatsSample] = []
        self.events: list[StatsEvent] = []
        self.is_truncated = False
        self.line = 0
        self._name = name
        self._limits = limits
        self._is_jitsi = True
        self._clock_ms = 0.0
        self._values = 0
        self._snapshots: dict[str, Snapshots] = {}
        self._connections: dict[str, dict[str, Any]] = {}
        self._about: dict[str, Any] = {}
        self._knows = False

    def info(self) -> dict[str, Any]:
        """What `LoadedStats.info` says."""
        return {
            "format": "rtcstats-jitsi" if self._is_jitsi else "rtcstats",
            "truncated": self.is_truncated,
            **self._about,
            "connections": self._connections,
            "unplaced_values": 0,
        }

    def read(self, data: bytes, is_cut: bool) -> None:
        """Read all lines."""
        size = len(data)
        begin = self._head(data)
        while begin < size:
            end = data.find(b"\n", begin)
            is_last = end < 0
            line = data[begin : size if is_last else end].strip()
            begin = size if is_last else end + 1
            self.line += 1
            if not line:
                continue
            if len(line) > self._limits.line_bytes:
                raise DumpError(
                    f"Line {self.line} of {self._name} has {len(line)} bytes, more than the "
                    f"{self._limits.line_bytes} that are read: this is no dump of rtcstats."
                )
            try:
                row: list[Raw] = decode(line, list[Raw], f"Line {self.line} of {self._name}")
            except DumpError:
                if is_last and self._knows:
                    self.is_truncated = True
                    return
                raise
            self._row(row)
        self.is_truncated = is_cut
        if not self._knows:
            raise DumpError(
                f"{self._name} consists of JSON lines, but none is an event of rtcstats: choose another file."
            )

    def _head(self, data: bytes) -> int:
        """Read what stands before the events; returns where they begin."""
        begin = 0
        if data.startswith(MAGIC):
            begin = data.find(b"\n") + 1
            self._is_jitsi = False
            self.line = 1
            if not begin:
                raise DumpError(f"{self._name} ends after its first line: create or download the dump again.")
        elif not data.lstrip().startswith(b"{"):
            return 0
        end = data.find(b"\n", begin)
        line = data[begin : end if end >= 0 else len(data)]
        about = decode(line, dict[str, Raw], f"Line {self.line + 1} of {self._name}")
        self.line += 1
        members = {name: plain(value) for name, value in about.items()}
        version = members.pop("fileFormat", None)
        if not self._is_jitsi and version != 3:
            raise DumpError(
                f"{self._name} is an rtcstats dump in format {version!r}; "
                "format 3 and jitsi's lines are read."
            )
        self._client(members)
        self._knows = not self._is_jitsi
        return len(data) if end < 0 else end + 1

    def _row(self, row: list[Raw]) -> None:
        if len(row) < 3:
            raise self._damaged("has fewer than three parts")
        method, connection, moment = plain(row[0]), plain(row[1]), plain(row[-1])
        has_time = type(moment) in (int, float)
        if not has_time and not (self._is_jitsi and self._clock_ms):
            raise self._damaged("has no time at its end")
        if isinstance(method, bool) or not isinstance(method, str | int):
            raise self._damaged("does not begin with the name of a method")
        method = METHODS.get(str(method), str(method))
        if has_time:  # jitsi's server adds lines that have none
            passed = moment if abs(moment) < LATEST_MS else 2 * LATEST_MS  # refused below, without overflow
            self._clock_ms = passed if self._is_jitsi else self._clock_ms + passed
        if seconds(self._clock_ms) is None:
            raise self._damaged(f"is dated {str(moment)[:40]}, which is no time in ms since 1970")
        self._knows = self._knows or method in _KNOWN
        peer = "" if connection is None else str(connection)[:200]
        value = row[2] if len(row) > 3 or not has_time else None
        if method in ("getStats", "getstats"):
            self._poll(peer, value)
        else:
            self._event(method, peer, value, row[3:-1])

    def _poll(self, peer: str, value: Raw | None) -> None:
        stats = plain(value)
        if not isinstance(stats, dict):
            raise self._damaged("has no statistics after getStats")
        snapshots = self._snapshots.get(peer)
        if snapshots is None:
            snapshots = self._snapshots[peer] = Snapshots(names_are_coded=not self._is_jitsi)
            self._connections.setdefault(peer, {})
            refuse(len(self._snapshots), self._limits.connections, "connections")
        try:
            time_s, reports = snapshots.add(stats, self._clock_ms)
        except ValueError as error:
            raise self._damaged(str(error)) from error
        self._values += sum(map(len, reports))
        refuse(self._values, self._limits.values, "values")
        self.samples.append(StatsSample(time_s, peer, 1, reports))
        refuse(len(self.samples), self._limits.polls, "polls")

    def _event(self, method: str, peer: str, value: Raw | None, extra: list[Raw]) -> None:
        time_s = self._clock_ms / 1000
        if method == "create":
            self._created(peer, plain(value), extra)
            if not peer:
                return
        elif method == "connectionInfo":
            self._client(plain(value))
        if method.startswith(_OF_NO_CONNECTION):
            peer = ""
        text = unquoted(event_value(value))
        if method.startswith(_MEDIA):
            method = method.removeprefix(_MEDIA)
            text = _media(plain(value), extra) or text
        self.events.append(
            StatsEvent(time_s, peer, method[:200], text[: self._limits.text], 1 if peer else 0)
        )
        refuse(len(self.events), self._limits.events, "events")

    def _created(self, peer: str, value: Any, extra: list[Raw]) -> None:
        """A connection, or (without one) Chrome's description of itself and its machine."""
        if not peer:
            self._client(value)
            return
        refuse(len(self._connections), self._limits.connections, "connections")
        about = self._connections.setdefault(peer, {})
        about["rtcConfiguration"] = value
        url = next(_texts(extra), None)
        if url:
            about["url"] = url

    def _client(self, members: Any) -> None:
        """What a dump says of its browser, wherever it says it."""
        if isinstance(members, str):  # jitsi's server writes it as JSON in a string, sometimes
            members = decode(members, object, f"Line {self.line} of {self._name}")
        if not isinstance(members, dict):
            return
        names = {"userAgent": "user_agent", "userAgentData": "user_agent_data", "url": "url"}
        for name, label in names.items():
            if members.get(name):
                self._about.setdefault(label, members[name])
        machine = {
            name: members[name]
            for name in ("deviceMemory", "hardwareConcurrency", "cpuPerformance")
            if name in members
        }
        if machine:
            self._about.setdefault("machine", machine)

    def _damaged(self, what: str) -> DumpError:
        return DumpError(
            f"Line {self.line} of {self._name} {what}: the dump is damaged or of another program."
        )


def _media(value: Any, extra: list[Raw]) -> str:
    """A request for media or its result as a JSON object, with the id that pairs them where there is one."""
    request = next(_texts(extra), None)
    if request is None:
        return ""
    members = value if isinstance(value, dict) else {"tracks": value} if value is not None else {}
    return msgspec.json.encode({**members, "request_id": request}).decode()


def _texts(extra: list[Raw]) -> Iterator[str]:
    """What stands between value and time, and is a text."""
    return (text for text in map(plain, extra) if isinstance(text, str))
