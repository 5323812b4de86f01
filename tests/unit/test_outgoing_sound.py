"""The link's track of sound: on one grid of 20 ms, silence where Python sends nothing."""

import asyncio
import time

from nbrtc.engine.hearing import BLOCK, BLOCK_S
from nbrtc.engine.outgoing_sound import WAITING, OutgoingSound, step
from nbrtc.engine.silence import Silence


async def test_it_is_silence_on_the_grid_while_python_sends_nothing() -> None:
    track = OutgoingSound()
    packets = [await track.recv() for _ in range(4)]
    assert [bytes(packet) for packet in packets] == [Silence.OPUS] * 4
    stamps = [packet.pts or 0 for packet in packets]
    assert stamps == [stamps[0] + BLOCK * n for n in range(4)]
    assert time.monotonic() >= stamps[-1] / 48_000
    assert track.sent == 0


async def test_it_sends_what_it_is_given_and_waits_for_more() -> None:
    track = OutgoingSound()
    silence = await track.recv()
    track.use(True)
    number = (silence.pts or 0) // BLOCK
    track.put(b"old", number)  # its step was sent as silence already
    track.put(b"one", number + 1)
    track.put(b"two", number + 2)
    assert [bytes(await track.recv()) for _ in range(2)] == [b"one", b"two"]
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.put(b"three", number + 3)
    packet = await waiting
    assert (bytes(packet), packet.pts) == (b"three", BLOCK * (number + 3))
    assert track.sent == 3


async def test_silence_comes_again_when_python_ends_also_for_who_waits() -> None:
    track = OutgoingSound()
    track.use(True)
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.use(False)
    track.put(b"late", step(time.monotonic()) + 5)
    assert bytes(await waiting) == Silence.OPUS
    assert bytes(await track.recv()) == Silence.OPUS


async def test_a_sender_that_was_stuck_gets_the_newest_only() -> None:
    track = OutgoingSound()
    track.use(True)
    now = step(time.monotonic())
    for number in range(now - 20, now):
        track.put(b"%d" % number, number)
    first = await track.recv()
    assert (first.pts or 0) // BLOCK == now - WAITING


async def test_what_is_older_than_a_second_is_not_sent_any_more() -> None:
    track = OutgoingSound()
    track.use(True)
    now = step(time.monotonic())
    track.put(b"old", now - round(1.5 / BLOCK_S))
    track.put(b"new", now)
    assert bytes(await track.recv()) == b"new"
