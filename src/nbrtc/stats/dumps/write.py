"""Writing a dump like those of chrome://webrtc-internals (the style of Chrome 149 and later).

Viewers know nothing of participants, nor of what happens in a call outside its connections. That stands under
the key ``nbrtc``, at the top and in each connection, where they do not look:

- in a connection ``participant``, ``generation``, ``times`` (of its polls, seconds since 1970) and ``first``
  (which poll each stats object appeared in);
- at the top ``version``, and ``events``: those that belong to no connection.
"""

import gzip
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.dumps.redact import redacted
from nbrtc.stats.dumps.series import ConnectionSeries, encoded
from nbrtc.stats.source import StatsSource

VERSION = 1
"""Of what stands under the key ``nbrtc``."""

MEDIA_REQUESTS = ("getUserMedia", "getDisplayMedia")

_CHROMES_KEY = re.compile(r"\d{1,9}-\d{1,9}")
_WORDS = re.compile(r"[\w.:+/ -]*")
_QUOTED = re.compile(r'"[\w.:+/ -]*"')
"""A value that readers would take for a state, and unquote."""

_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Only a file that did not exist: not another's, and nothing at the end of a planted symbolic link."""


def save_dump(source: StatsSource, path: str | Path, *, redact: bool = False) -> Path:
    """Write everything that `source` has, whole or not at all; for any thread.

    Parameters
    ----------
    path
        Compressed if it ends in ``.gz``. Only its owner may read the file, unless it is redacted.
    redact
        Remove what tells who and where: see `nbrtc.stats.dumps.redact`.

    Raises
    ------
    FileExistsError
        If `path` exists; it is not overwritten.
    FileNotFoundError
        If its folder does not exist.
    """
    path = Path(path)
    _refuse_existing(path)
    data = encoded(document(redacted(source) if redact else source))
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    _publish(data, path, mode=0o666 if redact else 0o600)
    return path


def document(source: StatsSource) -> dict[str, Any]:
    """The dump as a dictionary, ready for JSON."""
    connections: dict[tuple[str, int], _Connection] = {}
    for sample in source.samples():
        connections.setdefault((sample.peer, sample.generation), _Connection()).samples.append(sample)
    media: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for event in source.events():
        row = _media_row(event)
        if row is not None:
            media.append(row)
        elif event.peer and event.generation > 0 and not _QUOTED.fullmatch(event.value):
            connections.setdefault((event.peer, event.generation), _Connection()).updates.append(
                _update(event)
            )
        else:
            others.append(msgspec.structs.asdict(event))
    about = source.info.get("connections", {})
    names = _names(connections)
    return {
        **_machine(source.info),
        "getUserMedia": media,
        "PeerConnections": {
            names[key]: connection.entry(*key, about.get(key[0], {}))
            for key, connection in connections.items()
        },
        **_browser(source.info),
        "nbrtc": {"version": VERSION, "events": others},
    }


class _Connection:
    """What one entry of PeerConnections is made of."""

    def __init__(self) -> None:
        self.samples: list[StatsSample] = []
        self.updates: list[dict[str, Any]] = []

    def entry(self, participant: str, generation: int, about: Mapping[str, Any]) -> dict[str, Any]:
        series = ConnectionSeries(self.samples)
        configuration = about.get("rtcConfiguration", {})
        constraints = {"constraints": about["constraints"]} if "constraints" in about else {}
        return {
            **constraints,
            "pid": about.get("pid", 0),
            "rtcConfiguration": configuration
            if isinstance(configuration, str)
            else encoded(configuration).decode(),
            "stats": series.stats(),
            "updateLog": self.updates,
            "url": about.get("url", ""),
            "nbrtc": {
                "participant": participant,
                "generation": generation,
                "times": series.times_s,
                "first": series.first,
            },
        }


def _names(keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Chrome's keys are ``"<renderer>-<connection>"``: a loaded one keeps its own, others are counted."""
    names: dict[tuple[str, int], str] = {}
    counted = 0
    wanted = {key: key[0] for key in keys if _CHROMES_KEY.fullmatch(key[0]) and key[1] == 1}
    for key in keys:
        if key in wanted:
            names[key] = wanted[key]
            continue
        counted += 1
        while f"1-{counted}" in wanted.values():
            counted += 1
        names[key] = f"1-{counted}"
    return names


def _update(event: StatsEvent) -> dict[str, Any]:
    """An entry of updateLog; states are JSON since Chrome 142, other values were before."""
    is_state = event.name.endswith("statechange") and _WORDS.fullmatch(event.value)
    value = f'"{event.value}"' if is_state else event.value
    return {"type": event.name, "value": value, "timestamp": 1000 * event.time_s}


def _media_row(event: StatsEvent) -> dict[str, Any] | None:
    """A request for camera, microphone or screen, or its result; None where it is none as Chrome has them."""
    name = next((name for name in MEDIA_REQUESTS if event.name.startswith(name)), None)
    if name is None or event.peer or event.generation:
        return None
    try:
        members = msgspec.json.decode(event.value)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    if not isinstance(members, dict) or encoded(members).decode() != event.value:
        return None
    suffix = "OnFailure" if "error" in members else "OnSuccess" if "stream_id" in members else ""
    if event.name != name + suffix:
        return None
    return {**members, "request_type": name, "timestamp": 1000 * event.time_s}


def _machine(info: Mapping[str, Any]) -> dict[str, Any]:
    saved_at_s = info.get("saved_at_s", time.time())
    return {**info.get("machine", {}), "timestamp": round(1000 * saved_at_s)}


def _browser(info: Mapping[str, Any]) -> dict[str, Any]:
    """A live call has pages of several browsers, so that none is named."""
    data = info.get("user_agent_data")
    return {"UserAgent": info.get("user_agent", ""), **({} if data is None else {"UserAgentData": data})}


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(
            f"{str(path)!r} exists and is not overwritten: move it away or choose another name."
        )


def _publish(data: bytes, path: Path, mode: int) -> None:
    """Write below another name, then take the final one: it never shows half a dump, nor replaces a file."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        descriptor = os.open(partial, _FRESH, mode)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The folder {str(path.parent)!r} does not exist: create it or choose another."
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Reserving the name makes the rename refuse to overwrite on every file system; network folders
            # often lack hard links.
            os.close(os.open(path, _FRESH, mode))
        except FileExistsError:
            _refuse_existing(path)
            raise
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
