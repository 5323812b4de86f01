"""Statistics at a glance: what the repr and a notebook's cell show."""

from collections.abc import Mapping, Sequence, Sized
from datetime import UTC, datetime
from html import escape
from math import isnan

from nbrtc.stats.row import StatsRow
from nbrtc.stats.source import StatsSource

NOTHING_YET = "No statistics have arrived yet: the first come a second after the call connects."
NOTHING_EVER = "There are no statistics here, and none will come."
MAX_ROWS = 40
"""A table of more is no glance; a dump may have hundreds of connections."""

HEADINGS = (
    "participant",
    "direction",
    "kind",
    "bitrate (kbit/s)",
    "fps",
    "size",
    "RTT (ms)",
    "loss (%)",
)


def sentence(source: StatsSource) -> str:
    """How much there is, from when, and of a dump what it is and of which browser."""
    newest = source.samples(newest=1)
    if not newest:
        return "no samples yet" if source.is_live else "no samples"
    count = len(source) if isinstance(source, Sized) else len(source.samples())
    words = f"{count} {'sample' if count == 1 else 'samples'}, the newest of {_clock(newest[-1].time_s)}"
    format_ = source.info.get("format", "nbrtc")
    if format_ == "nbrtc":
        return words
    connections = len(source.participants())
    words = f"{words}, of {connections} {'connection' if connections == 1 else 'connections'}"
    user_agent = source.info.get("user_agent")
    browser = _browser(str(user_agent)) if user_agent else _brand(source.info.get("user_agent_data"))
    return f"{words}; {format_}{f', {browser}' if browser else ''}"


def html(source: StatsSource, rows: Sequence[StatsRow]) -> str:
    """A table of the newest rows, with the sentence above."""
    if not rows:
        return f"<p>{NOTHING_YET if source.is_live else NOTHING_EVER}</p>"
    head = "".join(f"<th>{name}</th>" for name in HEADINGS)
    body = "".join(_line(row) for row in rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        body += f'<tr><td colspan="{len(HEADINGS)}">and {len(rows) - MAX_ROWS} more</td></tr>'
    caption = f"<caption>CallStats: {escape(sentence(source))}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _line(row: StatsRow) -> str:
    width, height = (_text(pixels) for pixels in (row.frame_width, row.frame_height))
    cells = (
        row.participant,
        row.direction,
        row.kind,
        _text(row.bitrate_bps / 1000),
        _text(row.fps),
        f"{width} x {height}" if row.frame_width > 0 else "",
        _text(row.rtt_s * 1000),
        _text(row.loss_fraction * 100, digits=1),
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _text(value: float, *, digits: int = 0) -> str:
    return "" if isnan(value) else f"{value:.{digits}f}"


def _clock(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _browser(user_agent: str) -> str:
    """Name and major version; the most telling product comes late, and Chrome calls itself Safari, too."""
    products = dict(part.split("/", 1) for part in user_agent.split() if "/" in part)
    for name in ("Edg", "OPR", "Firefox", "Chrome", "HeadlessChrome", "Version", "Safari"):
        if name in products:
            label = {"Edg": "Edge", "OPR": "Opera", "Version": "Safari"}.get(name, name)
            return f"{label} {products[name].partition('.')[0]}"
    return user_agent[:60]


def _brand(data: object) -> str:
    """The same of User-Agent Client Hints, which rtcstats has instead, without the brand that is none."""
    brands = data.get("brands") if isinstance(data, Mapping) else None
    named = [each for each in brands if isinstance(each, Mapping)] if isinstance(brands, list) else []
    known = {str(each.get("brand")): str(each.get("version")) for each in named}
    real = [name for name in known if not ("Not" in name and "Brand" in name)]
    # Every browser of the family is Chromium, too.
    name = next((name for name in real if name != "Chromium"), "Chromium" if real else "")
    return f"{name} {known[name]}"[:60] if name else ""
