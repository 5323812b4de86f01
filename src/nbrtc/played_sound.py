"""Sounds that Python plays into a call: what `call.play` gives back, and all of them."""

import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .bridge import Bridge
from .errors import EngineError
from .messages import PlaySound, SoundEnded, StopSound, Verb
from .paths import expanded
from .sound import write_wave

OPEN_S = 15.0
"""The engine has so long to open a file."""

Ask = Callable[[Verb, float], msgspec.Raw]


class PlayedSound:
    """A sound in the call, from `Call.play` to its end. Everything may be used from any thread."""

    def __init__(self, name: str, stop: Callable[[], object]) -> None:
        self.name = name
        """The file's, or "samples"."""
        self.duration_s: float | None = None
        """How long it is, in seconds; None where its file does not say."""
        self.error = ""
        """Why it ended before its time, as a sentence; empty where nothing went wrong."""
        self._stop = stop
        self._ended = threading.Event()

    @property
    def is_playing(self) -> bool:
        """Whether the others still hear it."""
        return not self._ended.is_set()

    def stop(self) -> None:
        """End it now. Idempotent.

        Raises
        ------
        EngineError
            If the engine does not answer.
        """
        if self.is_playing:
            self._stop()

    def wait(self, timeout_s: float | None = None) -> "PlayedSound":
        """Block until it has ended; returns the sound.

        Raises
        ------
        TimeoutError
            If it has not within `timeout_s` seconds.
        """
        if not self._ended.wait(timeout_s):
            raise TimeoutError(f"{self.name} still plays after {timeout_s:g} s.")
        return self

    def end(self, error: str = "") -> None:
        """It has ended. Called by the call."""
        if not self._ended.is_set():
            self.error = error
            self._ended.set()

    def __repr__(self) -> str:
        length = "" if self.duration_s is None else f" of {self.duration_s:.1f} s"
        return f"<nbrtc.PlayedSound {self.name}{length}, {'playing' if self.is_playing else 'ended'}>"


class PlayedSounds:
    """Those of one call that still play.

    Parameters
    ----------
    bridge
        Its engine has the folder for samples.
    folder
        The notebook's, which relative paths are below.
    ask
        Sends a verb to the engine and returns its word.
    """

    def __init__(self, bridge: Bridge, folder: Path, ask: Ask) -> None:
        self._bridge = bridge
        self._folder = folder
        self._ask = ask
        self._lock = threading.Lock()
        self._sounds: dict[str, PlayedSound] = {}

    def play(self, sound: object, rate: object) -> PlayedSound:
        """Play samples or a file, from now on.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            Saying what is no sound.
        CallError
            If nobody is in the call, the file cannot be read, or too many sounds play.
        """
        if isinstance(sound, (str, os.PathLike)):
            path = to_file(sound, self._folder)
            return self._start(path.name, path, keep=True)
        folder = self._bridge.folder
        if folder is None:
            raise EngineError("There is no engine to play a sound: make a new Call().")
        path = folder / f"sound-{uuid.uuid4().hex}.wav"
        path.touch(mode=0o600)
        try:
            write_wave(path, (sound, rate))
            return self._start("samples", path, keep=False)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _start(self, name: str, path: Path, *, keep: bool) -> PlayedSound:
        identity = uuid.uuid4().hex
        played = PlayedSound(name, lambda: self._ask(StopSound(sound=identity), OPEN_S))
        with self._lock:  # its end may be told before its beginning is answered
            self._sounds[identity] = played
        try:
            value = self._ask(PlaySound(sound=identity, path=str(path), keep=keep), OPEN_S)
        except BaseException:
            with self._lock:
                self._sounds.pop(identity, None)
            raise
        played.duration_s = msgspec.msgpack.decode(value, type=float | None)
        return played

    def ended(self, news: SoundEnded) -> None:
        """The engine says that one has ended."""
        with self._lock:
            played = self._sounds.pop(news.sound, None)
        if played is not None:
            played.end(f"{played.name} could not be played to its end: {news.error}" if news.error else "")

    def lose(self, reason: str) -> None:
        """The engine went, or the call was closed: nothing plays any more."""
        with self._lock:
            lost, self._sounds = list(self._sounds.values()), {}
        for played in lost:
            played.end(reason)


def to_file(value: Any, folder: Path) -> Path:
    """The sound file that somebody means.

    Raises
    ------
    ValueError, FileNotFoundError
        If it is an address in the network, or there is none.
    """
    text = os.fspath(value)
    if not isinstance(text, str):
        raise TypeError(f"A sound is an array of samples or the path of a file, not {value!r}.")
    if "://" in text:
        raise ValueError(f"{text!r} is no file: nothing is played from the network; download it first.")
    path = folder / expanded(text)
    if not path.is_file():
        raise FileNotFoundError(f"There is no sound file {str(path)!r}.")
    return path
