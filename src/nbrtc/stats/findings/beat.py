"""A second of one connection, as rules of findings look at it: a poll's rows, and what stands beside them."""

from collections.abc import Mapping
from functools import cached_property
from math import isnan, nan

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import Poll
from nbrtc.stats.interval import Interval, Report, largest, ratio, total
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind, StatsRow


class Beat:
    """What happened on a connection since the poll before.

    Parameters
    ----------
    previous
        A poll of the same generation, or None: then nothing that grows is known.
    current
        The poll to look at.
    """

    def __init__(self, previous: StatsSample | None, current: StatsSample) -> None:
        self._poll = Poll(previous, current)
        self.time_s = current.time_s
        self.seconds = nan if previous is None else current.time_s - previous.time_s
        self.rows: Mapping[tuple[Direction, Kind], StatsRow] = {
            (row.direction, row.kind): row for row in self._poll.rows()
        }
        self.requests = {direction: self._keyframe_requests(direction) for direction in DIRECTIONS}
        """Requests for a whole picture (PLI and FIR) by whoever receives; NaN where nothing says so."""

    def row(self, direction: Direction, kind: Kind) -> StatsRow | None:
        """The metrics of what goes this way, if anything does."""
        return self.rows.get((direction, kind))

    @cached_property
    def packets(self) -> Mapping[Direction, tuple[float, float]]:
        """Packets lost and expected of picture and sound together, as far as both are known."""
        return {direction: self._packets(direction) for direction in DIRECTIONS}

    def _packets(self, direction: Direction) -> tuple[float, float]:
        lost, expected = 0.0, 0.0
        for kind in KINDS:
            row = self.rows.get((direction, kind))
            if row is None:
                continue
            # What a sender sent holds what was lost; what a receiver received does not.
            packets = row.packets if direction == "send" else row.packets + row.packets_lost
            if not isnan(row.loss_fraction) and not isnan(packets):
                lost += row.loss_fraction * packets
                expected += packets
        return lost, expected

    # --- sending

    @cached_property
    def is_screen(self) -> bool:
        """What is sent is a shared screen, as Chromium marks it."""
        return any(stream.now.get("contentType") == "screenshare" for stream in self._poll.sent["video"])

    @cached_property
    def camera(self) -> Interval:
        """What goes into the video encoder (``media-source``); an empty report where nothing says so."""
        sources = (self._poll.source(stream) for stream in self._poll.sent["video"])
        return next((source for source in sources if source.now), Interval({}, None))

    @cached_property
    def camera_fps(self) -> float:
        """Pictures a second that the camera delivers."""
        counted = self.camera.rate("frames")
        return self.camera.gauge("framesPerSecond") if isnan(counted) else counted

    @property
    def camera_pixels(self) -> float:
        """Pixels of the camera's picture."""
        return self.camera.gauge("width") * self.camera.gauge("height")

    def is_active(self, kind: Kind) -> bool | None:
        """Whether anything of this kind is meant to be sent; None where the browser does not say."""
        said = [
            (stream.now["active"] is True and "mediaSourceId" in stream.now)
            for stream in self._poll.sent[kind]
            if "active" in stream.now
        ]
        return any(said) if said else None

    @cached_property
    def report_age_s(self) -> float:
        """How old the receiver's newest word about our streams is (RTCP); NaN where there never was one."""
        newest_ms, polled_ms = (
            largest(report.gauge("timestamp") for kind in KINDS for report in reports[kind])
            for reports in (self._poll.reports, self._poll.sent)
        )
        return (polled_ms - newest_ms) / 1000

    # --- receiving

    @cached_property
    def stretched_fraction(self) -> float:
        """Share of the received sound that was slowed down or hurried to keep the jitter buffer right."""
        return ratio(
            (
                stream.grown("insertedSamplesForDeceleration")
                + stream.grown("removedSamplesForAcceleration"),
                stream.grown("totalSamplesReceived"),
            )
            for stream in self._poll.received["audio"]
        )

    @cached_property
    def audible_concealment(self) -> float:
        """Share of the received sound that was made up to be heard."""
        return self._poll.audible_concealment()

    @cached_property
    def freeze_share(self) -> float:
        """Freezes that ended since the poll before, as a share of the time; above 1 if they began earlier."""
        return self._poll.frozen_s() / self.seconds

    def sent_by_them(self, kind: Kind) -> float:
        """RTP packets that the other end says it sent (``remote-outbound-rtp``)."""
        reports = self._poll.of_type("remote-outbound-rtp", kind)
        return total(report.grown("packetsSent") for report in reports)

    def _keyframe_requests(self, direction: Direction) -> float:
        row = self.rows.get((direction, "video"))
        if row is None:
            return nan
        fir = [stream.grown("firCount") for stream in self._poll.streams(direction, "video")]
        known = [count for count in (row.pli, *fir) if not isnan(count)]
        return sum(known) if known else nan

    # --- the path

    @cached_property
    def path_bytes_received(self) -> float:
        """Bytes that arrived on the selected candidate pair, of whatever kind."""
        return total(pair.grown("bytesReceived") for pair in self._poll.pairs)

    @cached_property
    def candidates(self) -> tuple[Report, Report] | None:
        """The local and the remote candidate of the selected pair, where the poll has them."""
        for pair in self._poll.pairs:
            local = self._poll.report(pair.now.get("localCandidateId"))
            remote = self._poll.report(pair.now.get("remoteCandidateId"))
            if local or remote:
                return local, remote
        return None
