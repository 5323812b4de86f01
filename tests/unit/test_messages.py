"""All that crosses a boundary: both ends are strict, and the page's side is generated from ours."""

import runpy
import typing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from nbrtc import messages
from nbrtc.messages import (
    CallState,
    FrameMessage,
    Hello,
    Intent,
    KernelWire,
    Notification,
    Offer,
    OpenCall,
    Quality,
    Request,
    RoomSettings,
    StateChanged,
    Wire,
    decode_event,
    decode_intent,
    decode_notification,
    decode_request,
    encode_bridge,
    encode_json,
)

JS = Path(__file__).parents[2] / "js"
QUALITY = Quality(640, 480, 15)


def test_the_pages_side_is_the_generated_one() -> None:
    generated = runpy.run_path(str(JS / "generate_messages.py"))["generate"]()

    assert (JS / "src/messages.ts").read_text() == generated, "run: python js/generate_messages.py"


def test_the_page_speaks_camel_case_with_a_type() -> None:
    offer = Offer(id="1", generation=2, sdp="v=0", take_over=True)

    assert encode_json(offer) == b'{"type":"offer","id":"1","generation":2,"sdp":"v=0","takeOver":true}'
    assert decode_intent(encode_json(offer)) == offer


def test_a_state_comes_back_as_it_was() -> None:
    state = CallState(quality=QUALITY, phase="connected", owner="page")

    assert decode_event(encode_json(state)) == state
    changed = StateChanged(call="call", state=state)
    assert decode_notification(encode_bridge(changed)) == changed


NUMPYS: typing.Any = {"name": np.str_("Ada"), "epoch": np.int64(3), "stats_interval_s": np.float32(0.5)}


def test_numpys_scalars_cross_as_what_they_hold() -> None:
    received = decode_request(encode_bridge(OpenCall(call="call", quality=QUALITY, folder="/", **NUMPYS)))
    assert isinstance(received, OpenCall)
    assert (received.name, received.epoch, received.stats_interval_s) == ("Ada", 3, 0.5)
    settings = RoomSettings(chat=typing.cast(bool, np.False_))
    assert encode_json(settings) == b'{"chat":false,"recording":true,"listed":false}'


def test_what_no_message_can_hold_is_refused_untold() -> None:
    name = typing.cast(str, iter({"s3cret"}))
    with pytest.raises(TypeError, match="A value of type set_iterator cannot be sent to nbrtc's engine"):
        encode_bridge(OpenCall(call="call", name=name, quality=QUALITY, folder="/", epoch=0))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'"hello"',
        b"\xff",
        b'{"type":"hello"}',
        b'{"type":"hello","protocol":"1"}',
        b'{"type":"hello","protocol":1,"more":1}',
        b'{"type":"welcome"}',
        b'{"type":"set-quality","id":"1","quality":{"width":1e9,"height":1,"fps":1}}',
        b'{"type":"media","microphoneOn":1,"cameraOn":true}',
        b'{"type":"stats","timeS":0,"peer":"python","generation":1,"reports":[{"deep":{"er":1}}]}',
    ],
)
def test_an_intent_that_is_not_exactly_one_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_intent(body)


def test_a_deeply_nested_message_is_refused_and_not_a_crash() -> None:
    with pytest.raises((msgspec.MsgspecError, RecursionError)):
        decode_intent(b'{"type":"stats","reports":' + b"[" * 100_000)


def test_the_bridge_is_strict_too() -> None:
    for known in (OpenCall(call="call", name="Ada", quality=QUALITY, folder="/", epoch=0),):
        fields = {**msgspec.to_builtins(known), "more": 1}
        with pytest.raises(msgspec.ValidationError, match="more"):
            decode_request(msgspec.msgpack.encode(fields))


@pytest.mark.parametrize(
    "union", [Intent, messages.Event, Request, Notification, messages.Verb, FrameMessage]
)
def test_every_message_of_a_union_has_a_tag_of_its_own(union: object) -> None:
    members = typing.get_args(union)
    tags = [member.__struct_config__.tag for member in members]

    assert None not in tags
    assert len(tags) == len(set(tags))
    assert all(member.__struct_config__.forbid_unknown_fields for member in members)
    assert all(member.__struct_config__.frozen for member in members)
    assert all(issubclass(member, Wire | KernelWire) for member in members)


@pytest.mark.parametrize(
    ("width", "height", "fps", "said"),
    [
        (8, 480, 30, "width"),
        (640, 9000, 30, "height"),
        (640, 480, 0, "frame rate"),
        (640, 480, 61, "frame rate"),
    ],
)
def test_a_quality_out_of_bounds_cannot_be_made(width: int, height: int, fps: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"The {said}.* must be between"):
        Quality(width, height, fps)


def test_every_name_is_exported() -> None:
    exported = {name for name, value in vars(messages).items() if isinstance(value, type)}

    assert exported <= set(messages.__all__)
    assert Hello.__name__ in exported
