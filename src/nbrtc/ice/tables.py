"""What was seen of ICE, as tables."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..messages import (
    CandidateFailed,
    CandidateRefused,
    CandidateSeen,
    IceRecord,
    IceStateSeen,
    PairSeen,
    ServerProbe,
)
from .redact import Redaction

if TYPE_CHECKING:
    import pandas as pd

CONNECTION = ("participant", "generation")
CANDIDATES = (
    *CONNECTION, "side", "id", "type", "protocol", "relay_protocol", "address", "port", "url", "priority",
    "related_address", "related_port", "foundation",
)  # fmt: skip
PAIRS = (
    *CONNECTION, "state", "nominated", "selected", "local_type", "local_address", "local_port", "remote_type",
    "remote_address", "remote_port", "protocol", "relay_protocol", "rtt_s", "requests_sent",
    "responses_received", "local_id", "remote_id",
)  # fmt: skip
EVENTS = (*CONNECTION, "event", "value", "text")
PROBES = ("url", "by", "ok", "transport", "rtt_s", "candidate_types", "error_code", "error")

Address = Callable[[str], str]


def candidates(records: Sequence[IceRecord], *, redact: bool) -> "pd.DataFrame":
    """A line for each candidate, at the time when it was first seen."""
    hide = _hider(redact)
    lines: dict[tuple[object, ...], dict[str, Any]] = {}
    for record in records:
        if isinstance(record, CandidateSeen):
            line = {
                "time": record.time_s,
                **_connection(record),
                "side": "remote" if record.is_remote else "local",
                "id": record.id,
                "type": record.candidate_type,
                "protocol": record.protocol,
                "relay_protocol": record.relay_protocol,
                "address": hide(record.address),
                "port": record.port,
                "url": record.url,
                "priority": record.priority,
                "related_address": hide(record.related_address),
                "related_port": record.related_port,
                "foundation": record.foundation,
            }
            lines.setdefault((record.peer, record.generation, record.is_remote, record.id), line)
    return _frame(lines.values(), CANDIDATES, integers=("generation", "port", "priority", "related_port"))


def pairs(records: Sequence[IceRecord], *, redact: bool) -> "pd.DataFrame":
    """A line for each pair as it was seen last, at the time when it was first seen."""
    hide = _hider(redact)
    ends = _ends(records)
    lines: dict[tuple[object, ...], dict[str, Any]] = {}
    for record in records:
        if not isinstance(record, PairSeen):
            continue
        local = ends.get((record.peer, record.generation, record.local_id))
        remote = ends.get((record.peer, record.generation, record.remote_id))
        key = (record.peer, record.generation, record.local_id, record.remote_id)
        if record.selected:  # one pair of a connection carries the media
            for other, line in lines.items():
                if other[:2] == key[:2]:
                    line["selected"] = False
        lines[key] = {
            "time": lines[key]["time"] if key in lines else record.time_s,
            **_connection(record),
            "state": record.state,
            "nominated": record.nominated,
            "selected": record.selected,
            **_end("local", local, hide),
            **_end("remote", remote, hide),
            "protocol": None if local is None else local.protocol,
            "relay_protocol": None if local is None else local.relay_protocol,
            "rtt_s": record.rtt_s,
            "requests_sent": record.requests_sent,
            "responses_received": record.responses_received,
            "local_id": record.local_id,
            "remote_id": record.remote_id,
        }
    integers = ("generation", "local_port", "remote_port", "requests_sent", "responses_received")
    return _frame(lines.values(), PAIRS, integers=integers)


def events(records: Sequence[IceRecord], *, redact: bool) -> "pd.DataFrame":
    """States, errors and refusals, in order."""
    hide = _hider(redact)
    lines: list[dict[str, Any]] = []
    for record in records:
        line = {"time": record.time_s, **_connection(record)}
        match record:
            case IceStateSeen():
                lines.append({**line, "event": record.what, "value": record.state, "text": ""})
            case CandidateFailed():
                text = f"{record.url}: {record.error_text}"
                lines.append({**line, "event": "error", "value": str(record.error_code), "text": text})
            case CandidateRefused():
                value = hide(record.address)
                text = record.reason.replace(record.address, value) if record.address else record.reason
                lines.append({**line, "event": "refused", "value": value, "text": text})
            case PairSeen(selected=True):
                lines.append({**line, "event": "selected", "value": _types(record, records), "text": ""})
            case _:
                continue
    return _frame(lines, EVENTS, integers=("generation",))


def probes(found: Sequence[ServerProbe]) -> "pd.DataFrame":
    """A line for each answer of a server, or the lack of one."""
    lines = [
        {
            "time": probe.time_s,
            **{name: getattr(probe, name) for name in PROBES},
            "candidate_types": ", ".join(probe.candidate_types),
        }
        for probe in found
    ]
    return _frame(lines, PROBES, integers=("error_code",))


def _frame(lines: Any, columns: Sequence[str], *, integers: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(list(lines), columns=["time", *columns])
    frame["time"] = pd.to_datetime(frame["time"].astype(float), unit="s", utc=True)
    for name in integers:
        frame[name] = frame[name].astype("Int64")
    if "rtt_s" in frame:
        frame["rtt_s"] = frame["rtt_s"].astype(float)
    return frame.set_index("time")


def _hider(redact: bool) -> Address:
    return Redaction() if redact else str


def _connection(record: IceRecord) -> dict[str, Any]:
    return {"participant": record.peer, "generation": record.generation}


def _ends(records: Sequence[IceRecord]) -> dict[tuple[str, int, str], CandidateSeen]:
    return {
        (record.peer, record.generation, record.id): record
        for record in records
        if isinstance(record, CandidateSeen)
    }


def _end(side: str, seen: CandidateSeen | None, hide: Address) -> dict[str, Any]:
    return {
        f"{side}_type": None if seen is None else seen.candidate_type,
        f"{side}_address": "" if seen is None else hide(seen.address),
        f"{side}_port": None if seen is None else seen.port,
    }


def _types(pair: PairSeen, records: Sequence[IceRecord]) -> str:
    ends = _ends(records)
    local, remote = (
        ends.get((pair.peer, pair.generation, identity)) for identity in (pair.local_id, pair.remote_id)
    )
    return f"{local.candidate_type if local else '?'} - {remote.candidate_type if remote else '?'}"
