"""An MP4 whose index comes first plays while it is downloaded; what is in it stays as it was."""

import os
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from nbrtc.recordings import faststart
from nbrtc.recordings.faststart import put_index_first


def make(path: Path, pictures: int = 20) -> None:
    """As libavformat writes it, with its index at the end."""
    with av.open(str(path), "w", format="mp4") as file:
        video = file.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = file.add_stream("aac", rate=48_000, layout="stereo")
        random = np.random.default_rng(1)
        for number in range(pictures):
            noise = random.integers(0, 255, (48, 64, 3), np.uint8)
            picture = av.VideoFrame.from_ndarray(noise, "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            file.mux(video.encode(picture))
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.float32), "flt", "stereo")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, 4800 * number, Fraction(1, 48_000)
            file.mux(sound.encode(heard))
        file.mux(video.encode(None))
        file.mux(sound.encode(None))


def kinds(path: Path) -> list[bytes]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        found.append(kind)
        at += struct.unpack_from(">Q", content, at + 8)[0] if size == 1 else size
    return found


def packets(path: Path) -> list[tuple[str, int | None, bytes]]:
    with av.open(str(path)) as file:
        return [(one.stream.type, one.pts, bytes(one)) for one in file.demux() if one.size]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    make(path)
    return path


@pytest.fixture
def opened(film: Path) -> Iterator[int]:
    descriptor = os.open(film, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("chunk_bytes", [faststart.CHUNK_BYTES, 1000])
def test_the_index_comes_first_and_every_packet_stays(
    film: Path, opened: int, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    monkeypatch.setattr(faststart, "CHUNK_BYTES", chunk_bytes)
    before, size_bytes = packets(film), film.stat().st_size
    assert kinds(film)[-1] == b"moov", "libavformat puts it last: else nothing is tested here"
    assert put_index_first(opened)
    found = kinds(film)
    assert found.index(b"moov") < found.index(b"mdat")
    assert packets(film) == before
    assert film.stat().st_size == size_bytes
    assert not put_index_first(opened), "it is first already"
    assert packets(film) == before


def with_large_offsets(film: Path) -> None:
    """Offsets of 64 bits, as in a file of more than 4 GiB; the index is last, so that it may grow."""
    content = film.read_bytes()
    at = content.index(b"moov") - 4
    index = bytearray(content[at:])
    while (table := index.find(b"stco")) >= 0:
        (count,) = struct.unpack_from(">I", index, table + 8)
        offsets = struct.unpack_from(f">{count}I", index, table + 12)
        grown = struct.pack(f">I{count}Q", count, *offsets)
        index[table : table + 4] = b"co64"
        index[table + 8 : table + 12 + 4 * count] = grown
        struct.pack_into(">I", index, table - 4, 16 + 8 * count)
        for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):  # the boxes around it
            around = index.rfind(kind, 0, table)
            (size,) = struct.unpack_from(">I", index, around - 4)
            struct.pack_into(">I", index, around - 4, size + 4 * count)
    film.write_bytes(content[:at] + index)


def test_offsets_of_64_bits_are_moved_too(film: Path) -> None:
    with_large_offsets(film)
    before = packets(film)
    descriptor = os.open(film, os.O_RDWR)
    try:
        assert put_index_first(descriptor)
    finally:
        os.close(descriptor)
    assert kinds(film).index(b"moov") < kinds(film).index(b"mdat")
    assert packets(film) == before


def test_offsets_without_the_bits_stay_where_they_are(film: Path, opened: int) -> None:
    content = bytearray(film.read_bytes())
    struct.pack_into(">I", content, content.rindex(b"stco") + 12, 0xFFFFFFFF)
    film.write_bytes(content)
    assert not put_index_first(opened)
    assert film.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-10],
        lambda content: content[: content.index(b"moov") - 4],
        lambda content: content.replace(b"stco\0\0\0\0\0", b"stco\0\0\0\0\x7f"),
        lambda content: content[: (at := content.index(b"minf") - 4)] + b"\xff" + content[at + 1 :],
    ],
)
def test_what_is_no_whole_file_is_refused_and_left_alone(
    film: Path, opened: int, damage: Callable[[bytes], bytes]
) -> None:
    content = damage(film.read_bytes())
    film.write_bytes(content)
    with pytest.raises(ValueError, match="no complete MP4"):
        put_index_first(opened)
    assert film.read_bytes() == content
