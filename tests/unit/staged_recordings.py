"""Small real recordings as a call leaves them behind: a folder, a file for each piece, a manifest.

Every picture carries its number as light and dark fields, and everybody a tint of their own; a flash goes
with a beep. So a test can tell who is seen, which picture it is, and when something happened.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal, cast

import av
import msgspec
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from nbrtc.recordings import manifest
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.manifest import Gap, Manifest, Moment, Person, Piece, Said
from nbrtc.recordings.mkv import Kind, MatroskaWriter, Track
from tests.priority import opened

VideoCodec = Literal["VP8", "VP9", "AV1", "H264"]
Luma = NDArray[np.uint8]

NUMBERS = 2048
"""Pictures are numbered modulo this."""
DARK, LIGHT = 50, 200
BEEP_S = 0.1
"""How long a flash and its beep last."""
TINTS = {"grey": (128, 128), "blue": (170, 100), "red": (100, 170), "green": (90, 90)}
"""U and V of everybody's pictures."""

OPUS_HEAD = b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"
_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    "VP8": ("libvpx", "V_VP8", {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0"}),
    "VP9": ("libvpx-vp9", "V_VP9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "AV1": ("libsvtav1", "V_AV1", {"preset": "11", "svtav1-params": "rc=2:pred-struct=1"}),
    "H264": ("libx264", "V_MPEG4/ISO/AVC", {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}),
}


@dataclass(frozen=True)
class Clip:
    """What is in one piece. Times in `_ms` are the recording's, those in `_s` the clip's own."""

    start_ms: float = 0.0
    seconds: float = 4.0
    video: VideoCodec | None = "VP8"
    audio: bool = True
    size: tuple[int, int] = (320, 180)
    sizes: tuple[tuple[float, tuple[int, int]], ...] = ()
    """Later sizes of the picture and from when, as (seconds, (width, height))."""
    fps: float = 30.0
    flashes_ms: tuple[float, ...] = ()
    """When picture and sound flash and beep together."""
    speaks_ms: tuple[tuple[float, float], ...] = ()
    """When a steady voice is heard, as (from, to)."""
    voice_hz: float = 300.0
    missing_ms: tuple[tuple[float, float], ...] = ()
    """When nothing of it was received, as (from, to)."""
    video_from_s: float = 0.0
    """When the camera begins."""
    first_number: int = 0
    key_every: int = 30
    rate_hz: int = 48_000
    """What the microphone's clock really does in a second of the recording's."""
    busy: bool = False
    """Pictures as hard to encode as a person before a camera."""


@dataclass(frozen=True)
class Actor:
    """One person and the files of them."""

    name: str
    clips: tuple[Clip, ...] = ()
    id: str = ""
    """Made of the name if empty; ``"you"`` for whoever recorded."""
    tint: str = "grey"
    joined_ms: float = 0.0
    left_ms: float | None = None
    acknowledged_ms: float | None = 0.0
    events: tuple[tuple[float, str, str], ...] = field(default_factory=tuple)
    """(milliseconds, name, value), such as ``(2000, "camera", "off")``."""


def stage(
    folder: Path,
    *actors: Actor,
    duration_ms: float | None = None,
    chat: Sequence[Said] = (),
    room: str = "lesson",
    finished: bool = True,
) -> Manifest:
    """Make the recording's folder with everything in it.

    With `finished` False it is as a crash leaves it: files with ``.partial`` behind their names, a manifest
    that says "recording", and the events only in the journal.
    """
    folder.mkdir(mode=0o700)
    taken: dict[str, int] = {}
    people = []
    for actor in actors:
        pieces = []
        for clip in actor.clips:
            taken[actor.name] = taken.get(actor.name, 0) + 1
            number = taken[actor.name]
            name = f"{actor.name}{f'-{number}' if number > 1 else ''}.mkv"
            pieces.append(_write_piece(folder / name, clip, actor.tint, finished=finished))
        people.append(
            Person(
                id=actor.id or actor.name.lower(),
                name=actor.name,
                joined_ms=actor.joined_ms,
                left_ms=actor.left_ms,
                acknowledged_ms=actor.acknowledged_ms,
                pieces=tuple(pieces),
            )
        )
    events = sorted(_events(people, actors), key=lambda moment: moment.time_ms)
    if duration_ms is None:
        ends = [p.start_ms + p.duration_ms for person in people for p in person.pieces]
        duration_ms = max(ends, default=0.0)
    whole = Manifest(
        id="staged",
        started_at_s=1_700_000_000.0,
        room=room,
        name=next((actor.name for actor in actors if actor.id == "you"), ""),
        made_by="nbrtc test",
        state="complete" if finished else "recording",
        duration_ms=duration_ms if finished else 0.0,
        people=tuple(people),
        events=tuple(events) if finished else (),
        chat=tuple(chat) if finished else (),
    )
    journal: list[Moment | Said] = sorted([*events, *chat], key=lambda line: line.time_ms)
    (folder / manifest.JOURNAL).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in journal))
    (folder / manifest.STATISTICS).write_bytes(gzip.compress(b""))
    manifest.write(folder, whole)
    return whole


def draw(number: int, width: int, height: int, *, flash: bool = False) -> Luma:
    """A luma plane of 4 x 4 fields: eleven bits and their parity, and below them a band that flashes."""
    bits = [number % NUMBERS >> bit & 1 for bit in range(11)]
    cells = np.array([*bits, sum(bits) % 2, *([flash] * 4)]).reshape(4, 4)
    rows = np.minimum(np.arange(height) * 4 // height, 3)
    columns = np.minimum(np.arange(width) * 4 // width, 3)
    return np.where(cells[rows][:, columns] == 1, LIGHT, DARK).astype(np.uint8)


def number_in(luma: Luma) -> int | None:
    """The number that a picture carries; None if it is damaged, or no such picture."""
    cells = _cells(luma)[:3].ravel()
    if np.any(np.abs(cells - (DARK + LIGHT) / 2) < 30):
        return None
    bits = (cells > (DARK + LIGHT) / 2).astype(int)
    if bits[:11].sum() % 2 != bits[11]:
        return None
    return int(sum(bit << index for index, bit in enumerate(bits[:11])))


def flashes(luma: Luma) -> bool:
    """Whether a picture flashes; looked for at the right, where no caption stands."""
    return bool(_cells(luma)[3, 3] > (DARK + LIGHT) / 2)


def luma_of(frame: av.VideoFrame) -> Luma:
    """The Y plane of a yuv420p frame."""
    return plane(frame, 0)


def plane(frame: av.VideoFrame, index: int) -> Luma:
    """One plane of a yuv420p frame, without its padding."""
    one = frame.planes[index]
    rows: Luma = np.frombuffer(memoryview(one), np.uint8).reshape(-1, one.line_size)
    return rows[: one.height, : one.width]


def _cells(luma: Luma) -> NDArray[np.float64]:
    height, width = luma.shape
    return np.array(
        [
            [
                luma[
                    row * height // 4 + height // 16 : (row + 1) * height // 4 - height // 16,
                    column * width // 4 + width // 16 : (column + 1) * width // 4 - width // 16,
                ].mean()
                for column in range(4)
            ]
            for row in range(4)
        ]
    )


def _events(people: list[Person], actors: Sequence[Actor]) -> Iterator[Moment]:
    for person, actor in zip(people, actors, strict=True):
        if person.id != "you":
            yield Moment(time_ms=person.joined_ms, peer=person.id, name="join", value=person.name)
            if person.left_ms is not None:
                yield Moment(time_ms=person.left_ms, peer=person.id, name="leave", value=person.name)
        told = {name for _, name, _ in actor.events}
        standing = {
            "camera": any(piece.video_codec for piece in person.pieces),
            "microphone": any(piece.audio_codec for piece in person.pieces),
            "screen": False,
        }
        for name, on in standing.items():
            if name not in told:
                yield Moment(person.joined_ms, person.id, name, "on" if on else "off")
        for time_ms, name, value in actor.events:
            yield Moment(time_ms=time_ms, peer=person.id, name=name, value=value)


def _write_piece(path: Path, clip: Clip, tint: str, *, finished: bool) -> Piece:
    file = RecordingFile(path)
    writer = MatroskaWriter(file)
    blocks: list[tuple[int, int, bytes, bool]] = []
    width = height = 0
    if clip.video:
        encoded = list(_pictures(clip, tint))
        sizes = [clip.size, *(size for _, size in clip.sizes)]
        width, height = max(sizes, key=lambda size: size[0] * size[1])
        private = _avc(encoded[0][1]) if clip.video == "H264" else b""
        writer.set_track(Track("video", _CODECS[clip.video][1], private, width, height))
        if clip.video == "H264":
            encoded = [(time_ms, _with_lengths(data), keyframe) for time_ms, data, keyframe in encoded]
        blocks += [(round(time_ms), 0, data, keyframe) for time_ms, data, keyframe in encoded]
    if clip.audio:
        writer.set_track(Track("audio", "A_OPUS", OPUS_HEAD))
        blocks += [(round(time_ms), 1, data, True) for time_ms, data in _sounds(clip)]
    for time_ms, kind, data, keyframe in sorted(blocks, key=lambda one: one[:2]):
        lasts_ms = 20 if kind else round(1000 / clip.fps)
        writer.write("audio" if kind else "video", time_ms, data, keyframe=keyframe, duration_ms=lasts_ms)
    if finished:
        writer.finish()
        file.publish()
    file.close()
    there: dict[Kind, bool] = {"video": clip.video is not None, "audio": clip.audio}
    kinds = [kind for kind, had in there.items() if had]
    gaps = [Gap(from_ms, to_ms, kind) for from_ms, to_ms in clip.missing_ms for kind in kinds]
    return Piece(
        file=path.name,
        start_ms=clip.start_ms,
        duration_ms=float(writer.duration_ms) if finished else 0.0,
        size_bytes=file.size_bytes,
        video_codec=clip.video or "",
        audio_codec="opus" if clip.audio else "",
        width=width,
        height=height,
        state="complete" if finished else "writing",
        gaps=tuple(gaps),
    )


def _pictures(clip: Clip, tint: str) -> Iterator[tuple[float, bytes, bool]]:
    """(milliseconds in the file, data, keyframe) of each picture that was received."""
    assert clip.video is not None
    begins = [clip.video_from_s, *(at_s for at_s, _ in clip.sizes), clip.seconds]
    number = clip.first_number
    for size, from_s, to_s in zip([clip.size, *(s for _, s in clip.sizes)], begins, begins[1:], strict=False):
        count = round((to_s - from_s) * clip.fps)
        times_ms = [(from_s + index / clip.fps) * 1000 for index in range(count)]
        lit = [
            any(0 <= clip.start_ms + time_ms - at_ms < BEEP_S * 1000 for at_ms in clip.flashes_ms)
            for time_ms in times_ms
        ]
        received = [not _missing(clip, clip.start_ms + time_ms) for time_ms in times_ms]
        # After a hole a recording goes on with a keyframe.
        keys = [
            index % clip.key_every == 0 or (received[index] and not received[index - 1])
            for index in range(count)
        ]
        encoded = _encode(clip.video, size, tint, number, tuple(lit), tuple(keys), clip.busy)
        number += count
        for time_ms, here, (data, keyframe) in zip(times_ms, received, encoded, strict=True):
            if here:
                yield time_ms, data, keyframe


@cache
def _encode(
    codec: VideoCodec,
    size: tuple[int, int],
    tint: str,
    first: int,
    lit: tuple[bool, ...],
    keys: tuple[bool, ...],
    busy: bool,
) -> list[tuple[bytes, bool]]:
    name, _, options = _CODECS[codec]
    encoder = cast(VideoCodecContext, VideoCodecContext.create(name, "w"))
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 30), Fraction(30)
    encoder.bit_rate, encoder.options = (
        (1_500_000 if busy else 3_000_000 if codec == "AV1" else 400_000),
        dict(options),
    )
    opened(encoder)
    texture = np.random.default_rng(1).normal(0, 6, (size[1] + 64, size[0] + 64)) if busy else None
    packets = []
    for index, (flash, key) in enumerate(zip(lit, keys, strict=True)):
        luma = draw(first + index, *size, flash=flash)
        if texture is not None:  # it moves, as a person does
            at = round(32 + 20 * np.sin(index / 15))
            luma = (luma + texture[at : at + size[1], at : at + size[0]]).clip(0, 255).astype(np.uint8)
        frame = av.VideoFrame(*size, "yuv420p")
        plane(frame, 0)[:] = luma
        plane(frame, 1)[:], plane(frame, 2)[:] = TINTS[tint]
        frame.pts, frame.pict_type = index, PictureType.I if key else PictureType.NONE
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert len(packets) == len(lit), f"{name} made {len(packets)} packets of {len(lit)} pictures"
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


def _sounds(clip: Clip) -> Iterator[tuple[float, bytes]]:
    count = round(clip.seconds * clip.rate_hz / 960)
    times_ms = clip.start_ms + np.arange(count * 960) / clip.rate_hz * 1000
    loud = np.zeros(len(times_ms))
    for at_ms in clip.flashes_ms:
        beeps = (times_ms >= at_ms) & (times_ms < at_ms + BEEP_S * 1000)
        loud = np.where(beeps, 0.5 * np.sin(2 * np.pi * times_ms), loud)
    for from_ms, to_ms in clip.speaks_ms:
        voice = 0.2 * np.sin(2 * np.pi * clip.voice_hz * times_ms / 1000)
        loud = np.where((times_ms >= from_ms) & (times_ms < to_ms), loud + voice, loud)
    encoder = AudioCodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48000), 64_000
    encoder.options = {"frame_duration": "20", "application": "lowdelay"}
    for index in range(count):
        samples = (32767 * loud[index * 960 : (index + 1) * 960]).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, index * 960, Fraction(1, 48000)
        (packet,) = encoder.encode(frame)
        if not _missing(clip, times_ms[index * 960]):
            yield index * 960_000 / clip.rate_hz, bytes(packet)


def _missing(clip: Clip, time_ms: float) -> bool:
    return any(from_ms <= time_ms < to_ms for from_ms, to_ms in clip.missing_ms)


def _units(data: bytes) -> list[bytes]:
    """The units of an Annex B access unit."""
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1") if unit.rstrip(b"\0")]


def _with_lengths(data: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in _units(data))


def _avc(keyframe: bytes) -> bytes:
    """AVCDecoderConfigurationRecord of the first keyframe."""
    sps = next(unit for unit in _units(keyframe) if unit[0] & 31 == 7)
    pps = next(unit for unit in _units(keyframe) if unit[0] & 31 == 8)
    sets = b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps + b"\x01" + len(pps).to_bytes(2, "big") + pps
    return b"\x01" + sps[1:4] + sets
