"""Events as labels over a plot: few, the telling ones first, and none over another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nbrtc.messages import StatsEvent
from nbrtc.stats.event_name import plain_name

MOST_LABELS = 12
ROWS = 3
SLOTS = 50
"""What happens within this part of the drawn time shares a label."""
LONGEST = 30
"""Letters of one event's text."""

TICK_ONLY = frozenset({"icecandidate", "addicecandidate", "icecandidateerror"})
NEGOTIATION = (
    "createoffer", "createanswer", "setlocaldescription", "setremotedescription", "negotiationneeded",
    "transceiver", "addtransceiver", "addtrack", "removetrack", "track", "ontrack", "datachannel",
    "createdatachannel", "addstream", "removestream", "icegatheringstatechange", "signalingstatechange",
    "create", "setconfiguration",
)  # fmt: skip
"""Beginnings of names, without an "on" in front and in small letters: dumps have variants of each."""

OF_THE_CALL = frozenset({
    "phase", "join", "leave", "quality", "codec", "effect", "camera-effect", "source", "recording",
    "microphone", "camera", "screen", "presence", "sending",
})  # fmt: skip
"""What people did, and what nbrtc did for them."""

TEXTS = {
    "connectionstatechange": "{}",
    "iceconnectionstatechange": "ICE {}",
    "icegatheringstatechange": "gathering {}",
    "signalingstatechange": "signaling {}",
    "dtlsstatechange": "DTLS {}",
    "selectedcandidatepairchange": "path {}",
    "phase": "{}",
    "connection": "{}",
    "presence": "{}",
    "join": "{} joins",
    "leave": "{} leaves",
}
"""What a change is called where its name and value side by side would be long or odd."""

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One event as it is drawn."""

    time_s: float
    text: str
    rank: int
    """0 what people did or what failed, 1 a connection's state, 2 other, 3 negotiation, 4 candidates."""
    subject: str
    """What it is about: of several within a label, the last of a subject tells."""


@dataclass(frozen=True, slots=True)
class Label:
    """Text for one or several events, and where it stands."""

    time_s: float
    text: str
    rank: int
    row: int = 0
    align: Align = "left"


def marks(events: Iterable[StatsEvent], name_of: Callable[[str], str] | None = None) -> list[Mark]:
    """Events in the order of time, each with its text and rank.

    Parameters
    ----------
    name_of
        Names whom an event is about; None where all are about one.
    """
    found = []
    for event in sorted(events, key=lambda event: event.time_s):
        name = plain_name(event.name)
        text = _text(name, event)
        if name_of and event.peer and name not in ("join", "leave"):
            text = f"{name_of(event.peer)}: {text}"
        found.append(Mark(event.time_s, _cut(text), _rank(name, event.value), f"{event.peer} {name}"))
    return found


def labels(
    found: Sequence[Mark], start_s: float, end_s: float, width_of: Callable[[str], float]
) -> list[Label]:
    """The labels that fit, none of them over another.

    Parameters
    ----------
    found
        From `marks`.
    start_s, end_s
        The drawn time.
    width_of
        Share of the drawn width that a text takes, 0..1.
    """
    span_s = max(end_s - start_s, 1e-9)
    slots = [_grouped(slot) for slot in _slots(found, span_s / SLOTS)]
    wanted = sorted(slots, key=lambda label: (label.rank, label.time_s))
    taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
    placed: list[Label] = []
    for label in wanted:
        if len(placed) == MOST_LABELS:
            break
        at, width = (label.time_s - start_s) / span_s, width_of(label.text)
        align: Align = "left" if at + width <= 1 else "right"
        left, right = (at, at + width) if align == "left" else (at - width, at)
        free = (
            row
            for row, others in enumerate(taken)
            if all(right < other_left or left > other_right for other_left, other_right in others)
        )
        row = next(free, None)
        if row is None or left < 0:
            continue
        taken[row].append((left, right))
        placed.append(Label(label.time_s, label.text, label.rank, row, align))
    return sorted(placed, key=lambda label: label.time_s)


def _slots(found: Sequence[Mark], slot_s: float) -> list[list[Mark]]:
    """Marks that are too near each other for labels of their own."""
    slots: list[list[Mark]] = []
    for mark in found:
        if slots and mark.time_s - slots[-1][0].time_s < slot_s:
            slots[-1].append(mark)
        else:
            slots.append([mark])
    return slots


def _grouped(slot: Sequence[Mark]) -> Label:
    """One text for what happened at nearly one time: the two most telling changes, the rest as a number."""
    rank = min(mark.rank for mark in slot)
    if rank == 4:
        return Label(slot[0].time_s, f"{len(slot)} candidate{'s' if len(slot) > 1 else ''}", rank)
    last = {mark.subject: mark for mark in slot if mark.rank == rank}
    telling = list(last.values())[-2:]
    text = ", ".join(mark.text for mark in telling)
    others = len(slot) - len(telling)
    return Label(telling[0].time_s, f"{text} +{others}" if others else text, rank)


def _rank(name: str, value: str) -> int:
    if name in TICK_ONLY:
        return 4
    if name in OF_THE_CALL or value in ("failed", "disconnected"):
        return 0
    if name in ("connection", "connectionstatechange", "iceconnectionstatechange"):
        return 1
    return 3 if name.startswith(NEGOTIATION) else 2


def _text(name: str, event: StatsEvent) -> str:
    value = " ".join(event.value.split()).strip('"')
    if value in ("{}", "null", "undefined"):
        value = ""
    if name == "join" or name == "leave":
        value = value or event.peer
    if name in TEXTS:
        return TEXTS[name].format(value or name)
    # A value that is a whole document says nothing at this size.
    return event.name if len(value) > 2 * LONGEST or not value else f"{event.name} {value}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
