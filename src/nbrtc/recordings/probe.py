"""What a media file says about itself, without decoding a picture."""

import math
from pathlib import Path
from typing import NamedTuple

import av

from nbrtc.errors import RecordingError
from nbrtc.recordings.picture_size import picture_size
from nbrtc.recordings.regular import open_regular
from nbrtc.recordings.vetting import is_time

_NAMES = {"vp8": "VP8", "vp9": "VP9", "av1": "AV1", "libdav1d": "AV1", "h264": "H264"}
"""libavcodec's names, as `nbrtc.engine.feed.EncodedFrame.codec` has them; the others' are the same."""


class Probe(NamedTuple):
    """What is in a file."""

    duration_ms: float
    """To the end of its last frame."""
    video_codec: str
    """``"VP8"``, ``"VP9"``, ``"AV1"``, ``"H264"``; empty without pictures."""
    audio_codec: str
    """``"opus"``, ``"aac"``; empty without sound."""
    width: int
    """Of the largest picture where all packets were walked through, else of the first."""
    height: int
    packets: int
    """How many frames there are; 0 where they were not counted, because the header has the duration."""


def probe(path: Path, *, count: bool = False) -> Probe:
    """Look into a Matroska, WebM or MP4 file, whole or cut off. Blocks on the disk.

    Parameters
    ----------
    path
        The file.
    count
        Walk through all packets: the duration is then that of what is really there.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    try:
        with open_regular(path) as file:
            start = file.read(8)
            file.seek(0)
            # a fixed format: no content can turn into a protocol or a playlist
            form = "mp4" if start[4:] == b"ftyp" else "matroska"
            with av.open(file, "r", format=form) as container:
                video = next(iter(container.streams.video), None)
                audio = next(iter(container.streams.audio), None)
                duration_ms, packets = (container.duration or 0) / 1000, 0
                context = None if video is None else video.codec_context
                size = (0, 0) if context is None else (context.width, context.height)
                if count or not duration_ms:
                    duration_ms = 0.0
                    try:
                        for packet in container.demux():
                            if packet.pts is None or not packet.size:
                                continue
                            length = packet.duration or 0
                            packets += 1
                            if packet.stream is video and packet.is_keyframe:
                                shown = picture_size(_name(video), bytes(packet)) or size
                                size = max(size, shown, key=math.prod)
                            duration_ms = max(
                                duration_ms, float((packet.pts + length) * packet.time_base * 1000)
                            )
                    except av.FFmpegError:
                        if not packets:
                            raise  # else it was cut off here
                if not is_time(duration_ms):
                    raise RecordingError(
                        f"{str(path)!r} says that it lasts {duration_ms:g} ms: it is no recording"
                    )
                return Probe(
                    duration_ms,
                    "" if video is None else _name(video),
                    "" if audio is None else _name(audio),
                    *size,
                    packets,
                )
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(f"{str(path)!r} cannot be read ({error}): it is no recording") from error


def _name(stream: "av.VideoStream | av.AudioStream") -> str:
    # a codec that this build cannot decode has no context, but a file may hold it
    name = stream.codec_context.name if stream.codec_context is not None else ""
    return _NAMES.get(name, name)
