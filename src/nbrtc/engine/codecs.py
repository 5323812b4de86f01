"""What encoded media tells without being decoded: keyframes, and a packet's duration."""

from collections.abc import Iterator

from nbrtc.recordings import av1
from nbrtc.recordings.picture_size import VP8_START_CODE, vp9_size

IDR, SPS = 5, 7
"""NAL unit types (H.264, table 7-1)."""

_ANNEX_B = b"\x00\x00\x01"


def is_keyframe(codec: str, data: bytes) -> bool:
    """Whether a whole frame can be decoded without an earlier one.

    Parameters
    ----------
    codec
        ``"VP8"``, ``"VP9"``, ``"AV1"`` or ``"H264"`` (Annex B), in any case; of others every frame counts.
    data
        The frame, depayloaded. VP8: RFC 6386, section 9.1. VP9: its specification, section 6.2. AV1: it has a
        sequence header and a key frame. H.264: it has an IDR slice or an SPS (RFC 6184).
    """
    match codec.upper():
        case "VP8":
            return len(data) > 0 and data[0] & 1 == 0
        case "VP9":
            return vp9_size(data) is not None
        case "AV1":
            return av1.is_keyframe(data)
        case "H264":
            return any(kind in (IDR, SPS) for kind in _nal_types(data))
        case _:
            return True


def starts_keyframe(payload: bytes) -> bool:
    """Whether a keyframe begins in this packet, told from its depayloaded bytes alone.

    Needs no codec name: a VP8 keyframe carries a start code (RFC 6386, section 9.1) and Annex B begins with
    one. An IDR slice alone does not count: WebRTC senders put the parameter sets in band (RFC 7742,
    section 6.2), browsers before every IDR, so after a hole the packet that was lost may be the SPS.
    """
    if payload[:1] and payload[0] & 1 == 0 and payload[3:6] == VP8_START_CODE:
        return True
    return payload[:4] == b"\x00" + _ANNEX_B and SPS in _nal_types(payload)


def opus_samples(packet: bytes) -> int:
    """How many samples at 48 kHz an Opus packet holds (RFC 6716, section 3.1)."""
    if not packet:
        return 0
    configuration, code = packet[0] >> 3, packet[0] & 3
    if configuration < 12:  # SILK
        frame = (480, 960, 1920, 2880)[configuration % 4]
    elif configuration < 16:  # hybrid
        frame = (480, 960)[configuration % 2]
    else:  # CELT
        frame = (120, 240, 480, 960)[configuration % 4]
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    return frame * frames


def _nal_types(data: bytes) -> Iterator[int]:
    position = data.find(_ANNEX_B)
    while 0 <= position < len(data) - 3:
        yield data[position + 3] & 0x1F
        position = data.find(_ANNEX_B, position + 3)
