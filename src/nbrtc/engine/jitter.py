"""Jitter buffers of the link: depayloaded RTP packets in, whole frames in order out.

They stand in for aiortc's, which keeps every video frame until the next one begins, adds 200 ms of delay to
audio for every lost packet, and stalls for 512 packets on one that never comes. A frame leaves here in the
call that completes it; a hole is waited for a bounded time and then given up, so that delay never piles up.

No I/O and no clock: the caller passes `now_s`, of any clock that does not step (`time.monotonic`).
"""

from dataclasses import dataclass

from nbrtc.engine.codecs import starts_keyframe

RESTART_JUMP = 3000
"""A jump so far means that the sender began again (MAX_DROPOUT of RFC 3550, appendix A.1)."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A whole frame as it leaves the buffer."""

    data: bytes
    timestamp: int
    """RTP ticks, unwrapped: it does not jump back where 32 bits wrap."""
    keyframe: bool
    """Decodable without any earlier frame; always True for audio."""
    arrived_s: float
    """When the last of its packets arrived."""
    after_gap: bool = False
    """A frame before this one was lost; for video such a frame is always a keyframe."""


@dataclass(slots=True)
class Counters:
    """What a buffer has seen since its start. A repair is neither lost nor late."""

    packets: int = 0
    frames: int = 0
    lost_packets: int = 0
    """Sequence numbers given up. One that was only late counts here, and as `late` when it comes."""
    skipped_frames: int = 0
    """Frames of which something arrived and nothing was released."""
    late: int = 0
    """Packets of a frame that was released or given up before, copies of them included."""
    duplicates: int = 0
    """Copies of packets that still waited."""
    restarts: int = 0
    delay_s: float = 0.0
    """What the last frame spent here, from its first packet's arrival to its release."""
    total_delay_s: float = 0.0
    """Sum of that over all frames."""


class Unwrapper:
    """Turns a counter that wraps at 2**bits into one that does not: the nearest to the last."""

    def __init__(self, bits: int) -> None:
        self.last: int | None = None
        self._span = 1 << bits

    def near(self, value: int) -> int:
        """`value` unwrapped; the last value stays what it was."""
        if self.last is None:
            return value
        return self.last + (value - self.last + self._span // 2) % self._span - self._span // 2


@dataclass(frozen=True, slots=True)
class _Packet:
    timestamp: int
    marker: bool
    payload: bytes
    starts_keyframe: bool
    arrived_s: float


@dataclass(slots=True)
class _Hole:
    """A sequence number that was overtaken."""

    noticed_s: float
    asked_s: float = 0.0
    tries: int = 0


class VideoJitterBuffer:
    """Assembles video frames; after a hole that nobody filled it goes on with the next keyframe.

    A frame leaves when all its packets are there: up to one with the marker bit (RFC 3550, section 5.1) or,
    from senders that set none, up to one with another timestamp. The first frame ever is a keyframe too.

    Bounded: the oldest hole is given up when 1,024 sequence numbers or 4 MiB wait behind it.
    """

    MAX_SPAN = 1024
    MAX_BYTES = 4 << 20
    NACK_TRIES = 10
    REORDER_S = 0.01
    REORDER_PACKETS = 3
    """A hole is asked for after 10 ms or three later packets: before, it may only be reordering."""

    def __init__(self) -> None:
        self.rtt_s = 0.1
        """Round-trip time, set by the caller whenever it learns it."""
        self.waits_for_keyframe = True
        self.last_timestamp: int | None = None
        """Unwrapped timestamp of the last frame released."""
        self.counters = Counters()
        self._sequence = Unwrapper(16)  # its last value is the highest sequence number so far
        self._timestamps = Unwrapper(32)
        self._packets: dict[int, _Packet] = {}
        self._holes: dict[int, _Hole] = {}  # in ascending order
        self._bytes = 0
        self._next = 0  # everything before it was released or given up
        self._dropped_timestamp: int | None = None
        self._keyframe_asked_s: float | None = None

    @property
    def wait_s(self) -> float:
        """How long a hole is waited for: three retransmissions.

        Giving up sooner does not bring the picture back sooner: a keyframe comes a round trip later at the
        earliest and, being large, is itself the likeliest frame to lose a packet. Simulated at 30 fps and
        100 ms round trip: 1.5 round trips + 40 ms released 96% of the frames at 2% loss and 25% at 10%, this
        wait 100% and 96%. The median delay at 2% is the same.
        """
        return min(max(3.3 * self.rtt_s + 0.04, 0.06), 0.8)

    def add(
        self,
        sequence_number: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        now_s: float,
        keyframe_start: bool | None = None,
    ) -> list[Assembled]:
        """Take a packet and return the frames that it completes, mostly one or none.

        Parameters
        ----------
        sequence_number, timestamp, marker
            As in the RTP header: 16 bits, 32 bits, one bit.
        payload
            Depayloaded; empty for a packet of padding, which only fills its sequence number.
        keyframe_start
            A keyframe begins in this packet. None reads it from the payload (VP8 and H.264).
        """
        self.counters.packets += 1
        sequence = self._sequence.near(sequence_number)
        highest = self._sequence.last
        if highest is None or abs(sequence - highest) >= RESTART_JUMP:
            self._start(sequence, restarted=highest is not None)
        elif sequence < self._next:
            self.counters.late += 1
            return []
        elif sequence in self._packets:
            self.counters.duplicates += 1
            return []
        elif sequence > highest:
            self._sequence.last = sequence
            if sequence - self._next >= self.MAX_SPAN:
                self._give_up(sequence - self.MAX_SPAN)
            for lost in range(max(highest + 1, self._next), sequence):
                self._holes[lost] = _Hole(noticed_s=now_s)
        self._holes.pop(sequence, None)
        starts = starts_keyframe(payload) if keyframe_start is None else keyframe_start
        self._packets[sequence] = _Packet(timestamp, marker, payload, starts, now_s)
        self._bytes += len(payload)
        frames = self._release(now_s)
        while self._bytes > self.MAX_BYTES:
            self._give_up(next(iter(self._holes), self._sequence.last or 0))
            frames += self._release(now_s)
        return frames

    def expire(self, now_s: float) -> list[Assembled]:
        """Give up holes whose time has come; to be called every 50 ms or so, for when packets stop."""
        return self._release(now_s)

    def missing(self, now_s: float) -> list[int]:
        """Sequence numbers to ask for now (generic NACK, RFC 4585, section 6.2.1); the call counts as asking.

        Each comes at most ten times, a round trip apart.
        """
        due = []
        highest = self._sequence.last or 0
        for sequence, hole in self._holes.items():
            if hole.tries == 0:
                overtaken = highest - sequence >= self.REORDER_PACKETS
                ask = overtaken or now_s - hole.noticed_s >= self.REORDER_S
            else:
                ask = hole.tries < self.NACK_TRIES and now_s - hole.asked_s >= max(self.rtt_s, 0.02)
            if ask:
                hole.tries += 1
                hole.asked_s = now_s
                due.append(sequence & 0xFFFF)
        return due

    def needs_keyframe(self, now_s: float) -> bool:
        """Whether to ask for a keyframe now (PLI, RFC 4585, section 6.3.1); True counts as asking.

        It is True again when none has begun to arrive for two round trips, at least 300 ms.
        """
        if not self.waits_for_keyframe or self._sequence.last is None:
            return False
        signs = [packet.arrived_s for packet in self._packets.values() if packet.starts_keyframe]
        if self._keyframe_asked_s is not None:
            signs.append(self._keyframe_asked_s)
        if signs and now_s - max(signs) < max(2 * self.rtt_s, 0.3):
            return False
        self._keyframe_asked_s = now_s
        return True

    # --- frames ---------------------------------------------------------------------------------------

    def _release(self, now_s: float) -> list[Assembled]:
        frames: list[Assembled] = []
        while True:
            self._skip_padding()
            end = self._seek_keyframe() if self.waits_for_keyframe else self._frame_end(self._next)
            if end is not None:
                frames.append(self._take(end, now_s))
                continue
            hole = next(iter(self._holes), None)
            if hole is None or now_s - self._holes[hole].noticed_s < self.wait_s:
                return frames
            self._give_up(hole)

    def _frame_end(self, start: int) -> int | None:
        """The sequence number after the frame that begins at `start`, or None while it is incomplete."""
        sequence = start
        while (packet := self._packets.get(sequence)) is not None:
            if packet.payload and packet.timestamp != self._packets[start].timestamp:
                return sequence
            sequence += 1
            if packet.marker:
                return sequence
        return None

    def _seek_keyframe(self) -> int | None:
        """Go to the earliest complete keyframe and return its end, or drop what cannot be one."""
        for start in sorted(sequence for sequence, packet in self._packets.items() if packet.starts_keyframe):
            end = self._frame_end(start)
            if end is not None:
                self._give_up_before(start)
                return end
        while (packet := self._packets.get(self._next)) is not None and not packet.starts_keyframe:
            self._give_up_before(self._next + 1)
        return None

    def _take(self, end: int, now_s: float) -> Assembled:
        packets = [self._packets.pop(sequence) for sequence in range(self._next, end)]
        frame = Assembled(
            data=b"".join(packet.payload for packet in packets),
            timestamp=self._timestamps.near(packets[0].timestamp),
            keyframe=any(packet.starts_keyframe for packet in packets),
            arrived_s=max(packet.arrived_s for packet in packets),
            after_gap=self.waits_for_keyframe and self.counters.frames > 0,
        )
        self._next = end
        self._bytes -= len(frame.data)
        self._timestamps.last = self.last_timestamp = frame.timestamp
        self.waits_for_keyframe = False
        self.counters.frames += 1
        self.counters.delay_s = now_s - min(packet.arrived_s for packet in packets)
        self.counters.total_delay_s += self.counters.delay_s
        return frame

    def _skip_padding(self) -> None:
        while (packet := self._packets.get(self._next)) is not None and not packet.payload:
            del self._packets[self._next]
            self._next += 1

    # --- giving up ------------------------------------------------------------------------------------

    def _give_up(self, hole: int) -> None:
        """Skip a hole and what it broke; from here on a keyframe is needed."""
        broken = self._packets.get(self._next)
        if not self.waits_for_keyframe or (broken is not None and broken.starts_keyframe):
            self._keyframe_asked_s = None  # a keyframe that broke is asked for again at once
        self.waits_for_keyframe = True
        self._give_up_before(hole + 1)

    def _give_up_before(self, end: int) -> None:
        for sequence in range(self._next, end):
            packet = self._packets.pop(sequence, None)
            if packet is None:
                self._holes.pop(sequence, None)
                self.counters.lost_packets += 1
            elif packet.payload:
                self._bytes -= len(packet.payload)
                self.counters.skipped_frames += packet.timestamp != self._dropped_timestamp
                self._dropped_timestamp = packet.timestamp
        self._next = end

    def _start(self, sequence: int, restarted: bool) -> None:
        if restarted:
            self._give_up_before((self._sequence.last or 0) + 1)
            self.counters.restarts += 1
        self._sequence.last = self._next = sequence
        self.waits_for_keyframe = True
        self._keyframe_asked_s = None


class AudioJitterBuffer:
    """Puts audio packets, each a frame of its own, back in order.

    A hole is waited for at most `WAIT_S`, two packets of Opus: audio is not retransmitted, and what follows a
    loss must not be late for ever. Bounded: the oldest hole is given up when 64 packets wait behind it.
    """

    WAIT_S = 0.04
    MAX_PACKETS = 64

    def __init__(self) -> None:
        self.last_timestamp: int | None = None
        """Unwrapped timestamp of the last frame released."""
        self.counters = Counters()
        self._sequence = Unwrapper(16)  # its last value is the highest sequence number so far
        self._timestamps = Unwrapper(32)
        self._packets: dict[int, _Packet] = {}
        self._next = 0
        self._after_gap = False

    def add(
        self, sequence_number: int, timestamp: int, marker: bool, payload: bytes, now_s: float
    ) -> list[Assembled]:
        """Take a packet and return the frames that are due, in order. Parameters as for video."""
        self.counters.packets += 1
        sequence = self._sequence.near(sequence_number)
        highest = self._sequence.last
        if highest is None or abs(sequence - highest) >= RESTART_JUMP:
            self._after_gap = highest is not None
            self.counters.restarts += self._after_gap
            self.counters.skipped_frames += len(self._packets)
            self._packets.clear()
            self._next = self._sequence.last = sequence
        elif sequence < self._next:
            self.counters.late += 1
            return []
        elif sequence in self._packets:
            self.counters.duplicates += 1
            return []
        else:
            self._sequence.last = max(highest, sequence)
        self._packets[sequence] = _Packet(timestamp, marker, payload, True, now_s)
        return self.expire(now_s)

    def expire(self, now_s: float) -> list[Assembled]:
        """Release what is due; to be called every 50 ms or so, for when packets stop."""
        frames: list[Assembled] = []
        while self._packets:
            packet = self._packets.pop(self._next, None)
            if packet is not None:
                self._next += 1
                if packet.payload:
                    frames.append(self._take(packet, now_s))
                continue
            # the hole was noticed when the first of the packets behind it arrived
            noticed_s = min(packet.arrived_s for packet in self._packets.values())
            if now_s - noticed_s < self.WAIT_S and len(self._packets) <= self.MAX_PACKETS:
                break
            first = min(self._packets)
            self.counters.lost_packets += first - self._next
            self._next = first
            self._after_gap = True
        return frames

    def _take(self, packet: _Packet, now_s: float) -> Assembled:
        self._timestamps.last = self.last_timestamp = self._timestamps.near(packet.timestamp)
        after_gap, self._after_gap = self._after_gap, False
        self.counters.frames += 1
        self.counters.delay_s = now_s - packet.arrived_s
        self.counters.total_delay_s += self.counters.delay_s
        return Assembled(packet.payload, self.last_timestamp, True, packet.arrived_s, after_gap)
