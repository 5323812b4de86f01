"""Copies a finished recording into another container, packet by packet, without decoding."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from nbrtc.errors import RecordingError
from nbrtc.recordings.faststart import put_index_first
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.mkv import CODECS, WEBM_CODECS, Kind, MatroskaWriter, Track
from nbrtc.recordings.picture_size import picture_size
from nbrtc.recordings.regular import open_regular

_CODEC_IDS = {name.lower(): codec_id for name, codec_id in CODECS.items()}
_FITTING = {
    ".mkv": set(_CODEC_IDS),
    ".webm": {name.lower() for name in WEBM_CODECS},
    ".mp4": {"h264", "av1", "vp9", "opus"},
}


def remux(source: Path, target: Path) -> None:
    """Copy the packets of `source`, a Matroska file made here, into a new file `target`.

    Holds a few packets in memory, whatever the length. Blocks on the disk: not for an event loop.

    Parameters
    ----------
    source
        A finished recording, or a ``.partial`` of one that was cut off (Matroska inside).
    target
        Must not exist; its suffix chooses the container: ``.webm``, ``.mkv`` or ``.mp4``.

    Raises
    ------
    RecordingError
        The source is no recording, its codecs do not go into the target, or the disk refused. Nothing of the
        target is left then.
    """
    fitting = _FITTING.get(target.suffix.lower())
    if fitting is None:
        raise RecordingError(f"{str(target)!r} has no known suffix: use one of {', '.join(_FITTING)}")
    try:
        # A file object and a fixed format: no name can turn into a protocol or a playlist.
        with open_regular(source) as opened, av.open(opened, "r", format="matroska") as container:
            codecs = {_codec(stream) for stream in _streams(container)}
            if not codecs or not codecs <= fitting:
                raise RecordingError(
                    f"{str(source)!r} holds {', '.join(sorted(codecs)) or 'nothing'}, which does not go into "
                    f"{target.suffix}: use .mkv"
                )
            _write(container, target)
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(
            f"{str(source)!r} could not be copied into {str(target)!r} ({error}); the source is unchanged: "
            "check that it is a recording and that the disk has room"
        ) from error


def _write(container: InputContainer, target: Path) -> None:
    file = RecordingFile(target)
    try:
        if target.suffix.lower() == ".mp4":
            with open(file.descriptor, "wb", closefd=False) as opened:
                _copy_to_mp4(container, opened)
            put_index_first(file.descriptor)
        else:
            _copy_to_matroska(container, file, webm=target.suffix.lower() == ".webm")
    except BaseException:
        file.discard()
        raise
    file.publish()


def _copy_to_matroska(container: InputContainer, file: RecordingFile, *, webm: bool) -> None:
    writer = MatroskaWriter(file, "webm" if webm else "matroska")
    tracks: dict[Kind, Track] = {}
    for stream in _streams(container):
        context = stream.codec_context
        size = (context.width, context.height) if isinstance(context, av.VideoCodecContext) else (0, 0)
        track = Track(_kind(stream), _CODEC_IDS[_codec(stream)], context.extradata or b"", *size)
        tracks[track.kind] = track
        writer.set_track(track)
    for packet in _packets(container):
        time_ms, lasts_ms = (
            round((ticks or 0) * packet.time_base * 1000) for ticks in (packet.pts, packet.duration)
        )
        kind, data = _kind(packet.stream), bytes(packet)
        if isinstance(packet.stream, av.VideoStream) and packet.is_keyframe:
            # The source's header said the largest size, but libavformat tells that of the first picture.
            size = picture_size(_codec(packet.stream), data) or (0, 0)
            if size[0] * size[1] > tracks[kind].width * tracks[kind].height:
                tracks[kind] = replace(tracks[kind], width=size[0], height=size[1])
                writer.set_track(tracks[kind])
        writer.write(kind, time_ms, data, keyframe=packet.is_keyframe, duration_ms=lasts_ms)
    writer.finish()


def _copy_to_mp4(container: InputContainer, opened: BinaryIO) -> None:
    # Without the limit the interleaver would keep all sound in memory while the camera is off.
    with av.open(opened, "w", format="mp4", options={"max_interleave_delta": "1000000"}) as output:
        streams = _streams(container)
        copies = {stream.index: output.add_stream_from_template(stream, opaque=True) for stream in streams}
        for packet in _packets(container):
            packet.stream = copies[packet.stream.index]
            output.mux(packet)


def _streams(container: InputContainer) -> list[av.VideoStream | av.AudioStream]:
    return [*container.streams.video, *container.streams.audio]


def _packets(container: InputContainer) -> Iterator["Packet[Stream]"]:
    """Packets with data and a time; the demuxer's last, empty ones only flush decoders."""
    for packet in container.demux(_streams(container)):
        if packet.pts is not None and packet.size:
            yield packet


def _codec(stream: av.VideoStream | av.AudioStream) -> str:
    """The codec's own name; a context's is its decoder's."""
    return stream.codec_context.codec.canonical_name


def _kind(stream: Stream) -> Kind:
    return "video" if stream.type == "video" else "audio"
