"""The server's log: one event a line, for people or for machines.

Events, rooms and participants are named; tokens, passcodes, descriptions and chat never are, because no
caller passes them.
"""

import json
import logging
import time
from typing import TextIO

logger = logging.getLogger("nbrtc.signaling")

FIELDS = "nbrtc_fields"


def note(event: str, /, level: int = logging.INFO, **fields: object) -> None:
    """Write one event. Values of clients (ids, names of events) were checked before."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={FIELDS: fields})


class LineFormatter(logging.Formatter):
    """``2025-01-31T12:00:00Z info joined room=physics participant=x7f``; no value can begin a new line."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback after it where there is one."""
        fields = getattr(record, FIELDS, {})
        said = " ".join(f"{key}={json.dumps(str(value))}" for key, value in fields.items())
        moment = self.formatTime(record, self.datefmt)
        line = " ".join(filter(None, (moment, record.levelname.lower(), record.getMessage(), said)))
        return line if not record.exc_info else f"{line}\n{self.formatException(record.exc_info)}"


class JsonFormatter(LineFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, the traceback inside it."""
        said = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def write_to(stream: TextIO, *, as_json: bool) -> None:
    """Send the log of this process to a stream. For a server of its own, not inside an engine."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if as_json else LineFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
