"""What Python sends of sound: effect and played sounds mixed, on the beat; nothing runs without them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import numpy as np
import pytest

from nbrtc.engine.audio_effect import Listener
from nbrtc.engine.feed import EncodedFrame, Feed
from nbrtc.engine.heard import HeardSound
from nbrtc.engine.hearing import BLOCK, opus_decoder
from nbrtc.engine.mixing import OpusPen
from nbrtc.engine.outgoing_sound import OutgoingSound
from nbrtc.engine.silence import Silence
from nbrtc.engine.sound_desk import MOST_SOUNDS, SoundDesk
from nbrtc.errors import CallError
from nbrtc.messages import AudioHeader, SetAudioEffect
from nbrtc.sound import write_wave
from tests.loopback.bots import loudest_hertz

PATIENCE_S = 20.0


def tone(hertz: float, seconds: float, rate: int = 48_000) -> Any:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


class Stage:
    """A desk, and a link that is none: its track is read as the sender does."""

    def __init__(self, folder: Path) -> None:
        self.ended: list[tuple[str, str]] = []
        self.playing: list[bool] = []
        self.behind: list[tuple[int, int]] = []
        self.desk = SoundDesk(
            self.playing.append,
            lambda *news: self.ended.append(news),
            lambda *counts: self.behind.append(counts),
        )
        self.microphone = Feed("audio", lambda: None)
        self.sound = OutgoingSound()
        self.heard = HeardSound(self.microphone)
        self.sent: list[EncodedFrame] = []
        self.recorded: list[EncodedFrame] = []
        self._folder = folder
        self._pen, self._said = OpusPen(), 0
        self._reader = asyncio.create_task(self._read())

    def attach(self) -> None:
        link = SimpleNamespace(
            audio=SimpleNamespace(feed=self.microphone), sound=self.sound, heard=self.heard
        )
        self.desk.attach(cast(Any, link))

    def record(self) -> None:
        self.heard.feed.subscribe(self.recorded.append)

    def file(self, samples: Any, rate: int = 48_000) -> str:
        path = self._folder / f"{len(list(self._folder.iterdir()))}.wav"
        write_wave(path, (samples, rate))
        return str(path)

    def say(self, samples: Any) -> None:
        """20 ms of the microphone."""
        now_s = asyncio.get_running_loop().time()
        data = self._pen.write(samples)
        self.microphone.push(EncodedFrame("audio", "opus", BLOCK * self._said, 48_000, True, data, now_s))
        self._said += 1

    async def talk(self, hertz: float, seconds: float) -> None:
        """The microphone, as fast as time passes."""
        samples = tone(hertz, seconds)
        for start in range(0, len(samples), BLOCK):
            self.say(samples[start : start + BLOCK, None])
            await asyncio.sleep(0.02)

    def run(self, function: Callable[[Any], Any], channels: int = 1) -> None:
        """The kernel's end, without one."""

        def take(header: AudioHeader, data: bytes) -> None:
            made = function(np.frombuffer(data, np.int16).reshape(BLOCK, channels))
            self.desk.result(header, memoryview(np.ascontiguousarray(made).tobytes()))
            self.desk.ask(listener, header.number)

        listener = Listener(b"kernel", take)
        self.desk.ask(listener, -1)

    @property
    def voiced(self) -> list[EncodedFrame]:
        """What was sent of Python's."""
        return [frame for frame in self.sent if frame.data != Silence.OPUS]

    async def until(self, condition: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + PATIENCE_S
        while not condition():
            assert loop.time() < limit_s, "waited in vain"
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.desk.close()

    async def _read(self) -> None:
        while True:
            packet = await self.sound.recv()
            self.sent.append(EncodedFrame("audio", "opus", packet.pts or 0, 48_000, True, bytes(packet), 0.0))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    folder = tmp_path / "sounds"
    folder.mkdir()
    stage = Stage(folder)
    stage.attach()
    yield stage
    await stage.close()


def loud(frames: list[EncodedFrame]) -> list[EncodedFrame]:
    """Those that are no silence once they are decoded."""
    decoder = opus_decoder(1)
    decoded = [decoder.decode(av.Packet(frame.data))[0].to_ndarray() for frame in frames]
    return [frame for frame, sound in zip(frames, decoded, strict=True) if np.abs(sound).max() > 300]


async def test_a_sound_is_played_once_with_its_pitch_and_length(stage: Stage) -> None:
    path = stage.file(tone(1000, 0.5, 16_000), 16_000)
    assert await stage.desk.play("one", path, keep=False) == pytest.approx(0.5)
    assert stage.playing == [True]
    await stage.until(lambda: stage.ended)
    assert (stage.ended, stage.playing) == ([("one", "")], [True, False])
    assert loudest_hertz(loud(stage.voiced)) == pytest.approx(1000, abs=5)
    assert len(loud(stage.voiced)) == pytest.approx(25, abs=2)
    await stage.until(lambda: not Path(path).exists())
    stamps = [frame.timestamp for frame in stage.sent]
    assert stamps == sorted(set(stamps))


async def test_a_file_of_the_users_stays(stage: Stage) -> None:
    path = Path(stage.file(tone(1000, 0.1)))
    await stage.desk.play("one", str(path), keep=True)
    await stage.close()
    assert stage.ended == [("one", "")]
    assert list(path.parent.iterdir()) == [path]


async def test_several_are_mixed_each_can_be_stopped_and_too_many_are_refused(stage: Stage) -> None:
    for number in range(MOST_SOUNDS):
        await stage.desk.play(str(number), stage.file(tone(500 + 500 * number, 30)), keep=False)
    path = stage.file(tone(1, 1))
    with pytest.raises(CallError, match="8 sounds play already"):
        await stage.desk.play("more", path, keep=True)
    stage.desk.stop("3")
    assert stage.ended == [("3", "")]
    stage.desk.stop("3")
    stage.desk.stop(None)
    assert len(stage.ended) == MOST_SOUNDS
    assert stage.playing == [True, False]
    await stage.close()
    await stage.until(lambda: [Path(path)] == list(Path(path).parent.iterdir()))


@pytest.mark.parametrize("content", [b"", b"no sound at all"])
async def test_what_cannot_be_read_is_refused_and_nothing_plays(
    stage: Stage, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(CallError, match=r"bad\.wav' cannot be played"):
        await stage.desk.play("bad", str(path), keep=False)
    assert (stage.playing, stage.ended) == ([], [])
    assert not path.exists()


async def test_an_effects_results_are_sent_and_nothing_of_the_microphone(stage: Stage) -> None:
    stage.record()
    stage.desk.use_effect(SetAudioEffect("octave()"))
    stage.run(lambda sound: (sound.astype(np.int32) ** 2 // 2**14 - 2000).astype(np.int16))
    await stage.talk(440, 0.6)
    assert loudest_hertz(loud(stage.voiced)[5:]) == pytest.approx(880, abs=10)
    assert loudest_hertz(stage.recorded[5:]) == pytest.approx(880, abs=10)
    stage.desk.use_effect(None)
    await stage.until(lambda: stage.sent[-1].data == Silence.OPUS)
    count = len(stage.recorded)
    await stage.talk(440, 0.4)
    assert loudest_hertz(stage.recorded[count:]) == pytest.approx(440, abs=10)
    steps = np.diff([frame.timestamp for frame in stage.recorded])
    assert np.all(steps >= BLOCK)


async def test_an_effect_whose_function_does_not_answer_leaves_silence_also_in_a_recording(
    stage: Stage,
) -> None:
    stage.record()
    stage.desk.use_effect(SetAudioEffect("sleeps()"))
    await stage.talk(440, 0.5)
    assert loud(stage.sent) == []
    assert stage.recorded == []
    effect = stage.desk._effect
    assert effect is not None
    assert effect.late > 0
    await stage.until(lambda: stage.behind)  # the function takes no block that could tell of it
    late, dropped = stage.behind[0]
    assert 0 < late <= effect.late
    assert effect.untold() == (effect.late - late, effect.dropped - dropped)


async def test_a_function_that_asks_before_its_effect_is_known_is_served(stage: Stage) -> None:
    stage.run(lambda sound: sound)
    stage.desk.use_effect(SetAudioEffect("same()"))
    await stage.talk(440, 0.4)
    assert loud(stage.voiced)


async def test_an_effect_and_a_sound_are_heard_together(stage: Stage) -> None:
    stage.desk.use_effect(SetAudioEffect("halves()", channels=2))
    stage.run(lambda sound: sound // 2, channels=2)
    await stage.desk.play("one", stage.file(tone(2000, 10)), keep=False)
    await stage.talk(440, 0.6)
    spectrum = strengths(stage.voiced[20:])
    assert spectrum(440) > 5 * spectrum(1200)
    assert spectrum(2000) > 5 * spectrum(1200)


async def test_a_recording_has_the_microphone_beside_what_is_played_and_alone_afterwards(
    stage: Stage,
) -> None:
    stage.record()
    await stage.desk.play("one", stage.file(tone(2000, 10)), keep=False)
    await stage.talk(440, 0.6)
    both = strengths(stage.recorded[15:])
    assert both(440) > 5 * both(1200)
    assert both(2000) > 5 * both(1200)
    down = strengths(stage.voiced[15:])
    assert down(440) < down(2000) / 100, "the person's own voice came back"
    stage.desk.stop(None)
    count = len(stage.recorded)
    await stage.talk(440, 0.4)
    assert loudest_hertz(stage.recorded[count:]) == pytest.approx(440, abs=10)
    assert np.all(np.diff([frame.timestamp for frame in stage.recorded]) >= BLOCK)


async def test_without_a_recording_the_microphone_is_not_even_decoded(stage: Stage) -> None:
    await stage.desk.play("one", stage.file(tone(2000, 10)), keep=False)
    await stage.talk(440, 0.1)
    assert stage.desk._hearing is None


async def test_a_new_link_goes_on_where_the_old_one_ended(stage: Stage) -> None:
    stage.desk.use_effect(SetAudioEffect("same()"))
    stage.run(lambda sound: sound)
    await stage.talk(440, 0.3)
    stage.desk.detach()
    stage.say(tone(440, 0.02)[:, None])
    assert stage.desk._hearing is None
    stage.attach()
    count = len(stage.voiced)
    await stage.talk(440, 0.3)
    assert loud(stage.voiced[count:])


async def test_nothing_runs_while_there_is_nothing_to_send(stage: Stage) -> None:
    await stage.desk.play("one", stage.file(tone(1000, 0.1)), keep=False)
    await stage.until(lambda: stage.ended)
    await stage.until(lambda: not stage.desk._is_beating)
    await stage.until(lambda: stage.sent[-1].data == Silence.OPUS)
    await stage.desk.close()
    await stage.desk.close()


def strengths(frames: list[EncodedFrame]) -> Callable[[float], float]:
    """The spectrum of packets, by frequency."""
    decoder = opus_decoder(1)
    sound = np.concatenate([decoder.decode(av.Packet(frame.data))[0].to_ndarray()[0] for frame in frames])
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    step = 48_000 / len(sound)
    return lambda hertz: float(spectrum[round(hertz / step) - 3 : round(hertz / step) + 4].max())
