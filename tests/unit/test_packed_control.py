"""A page's compressed control messages: read as they were written, and never larger than plain ones."""

import zlib

import pytest

from nbrtc.engine.link import MAX_CONTROL_BYTES, unpacked


def test_a_packed_message_is_read_as_it_was_written() -> None:
    text = b'{"type":"stats"}' * 500

    assert unpacked(zlib.compress(text)) == text


def test_the_longest_plain_message_fits() -> None:
    assert len(unpacked(zlib.compress(bytes(MAX_CONTROL_BYTES)))) == MAX_CONTROL_BYTES


@pytest.mark.parametrize(
    "message",
    [b"", b"no stream", zlib.compress(b"text" * 100)[:-3], zlib.compress(bytes(MAX_CONTROL_BYTES + 1))],
    ids=["empty", "foreign", "cut", "too long"],
)
def test_what_is_no_whole_message_is_refused(message: bytes) -> None:
    with pytest.raises(zlib.error):
        unpacked(message)


def test_a_bomb_is_not_inflated() -> None:
    """64 MiB of zeros in 64 KiB."""
    with pytest.raises(zlib.error, match="longer than"):
        unpacked(zlib.compress(bytes(64 * 2**20), 9))
