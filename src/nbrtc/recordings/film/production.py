"""A film from its recording: time goes by in steps of one picture, sound a little ahead."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import av
import msgspec

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.decoding import SAMPLE_RATE
from nbrtc.recordings.film.encoder import Encoder
from nbrtc.recordings.film.faces import FREEZE_MS, Face
from nbrtc.recordings.film.layouts import Tile, arrange
from nbrtc.recordings.film.lettering import complaint
from nbrtc.recordings.film.picture import Painter
from nbrtc.recordings.film.progress import Progress
from nbrtc.recordings.film.scenes import Role, Scene, Standing, roles, scenes
from nbrtc.recordings.film.speakers import HOLD_MS, Speakers
from nbrtc.recordings.film.voices import BLOCK, Mixer, Track
from nbrtc.recordings.manifest import Manifest, Piece
from nbrtc.recordings.probe import probe

_REPORT_S = 0.25
_EMPTY = "0 s, or nobody agreed to it"


class Abandoned(Exception):
    """Whoever asked for the film does not want it any more."""


class Production:
    """Makes one film. One thread, beside the encoder's.

    Parameters
    ----------
    path
        The recording's manifest; its files lie beside it.
    target
        The film, absolute; must not exist.

    Raises
    ------
    RecordingError
        The recording cannot be read, or is empty, or the target cannot be made.
    """

    def __init__(
        self, path: Path, layout: RecordingLayout, target: Path, *, width: int, height: int, fps: int
    ) -> None:
        if width < 64 or height < 64 or width > 7680 or height > 4320 or width % 2 or height % 2:
            raise RecordingError(
                f"A film cannot have {width}x{height}: use even numbers from 64x64 to 7680x4320"
            )
        if not 1 <= fps <= 120:
            raise RecordingError(f"A film cannot have {fps} pictures a second: use 1 to 120")
        if layout == "separate":
            raise RecordingError("Separate tracks are no film: use the layout 'pip', 'grid' or 'speaker'")
        manifest, self._missing = _usable(manifests.read(path), path.parent)
        self._cast = roles(manifest)
        self._duration_ms = manifest.duration_ms or _end_ms(manifest)
        if not self._cast or self._duration_ms <= 0:
            raise RecordingError(
                f"The recording in {str(path.parent)!r} is empty ({self._missing or _EMPTY}): there is "
                "nothing to make a film of"
            )
        self._layout, self._size, self._fps = layout, (width, height), fps
        self._frames = max(1, round(self._duration_ms * fps / 1000))
        self._scenes = scenes(manifest, self._cast, self._duration_ms)
        self._faces = [_face(role, path.parent, 500 / fps) for role in self._cast]
        self._mixer = Mixer([_tracks(role, path.parent) for role in self._cast])
        self._speakers = Speakers()
        self._painter = Painter(
            [role.name for role in self._cast], manifest.room or "Recording", width, height
        )
        self._arranged: tuple[Scene, tuple[int, ...], tuple[Tile, ...]] | None = None
        self._encoder = Encoder(target, width, height, fps)

    def run(self, progress: Callable[[float], None], abandoned: Callable[[], bool]) -> Progress:
        """Make it all; blocks as long as that takes.

        Parameters
        ----------
        progress
            Called with the fraction that is done, at most four times a second.
        abandoned
            Asked for every picture; once it says so, the unfinished file is removed.

        Raises
        ------
        RecordingError
            A file is missing or the disk refused; the unfinished film is removed.
        Abandoned
            As `abandoned` said.
        """
        try:
            self._make(progress, abandoned)
            path = self._encoder.finish()
        finally:
            self._close()
        return Progress(
            done=str(path),
            duration_s=self._frames / self._fps,
            size_bytes=path.stat().st_size,
            note=" ".join(filter(None, [self._missing, complaint()])),
        )

    def _make(self, progress: Callable[[float], None], abandoned: Callable[[], bool]) -> None:
        reported_s = monotonic()
        progress(0.0)
        rest = list(reversed(self._scenes))
        for index in range(self._frames):
            if abandoned():
                raise Abandoned
            time_ms = index * 1000 / self._fps
            self._sound_until(time_ms + HOLD_MS)
            while len(rest) > 1 and rest[-1].to_ms <= time_ms:
                rest.pop()
            self._encoder.picture(self._picture(rest[-1], time_ms), index)
            if monotonic() - reported_s >= _REPORT_S:
                reported_s = monotonic()
                progress((index + 1) / self._frames)
        self._sound_until(float("inf"))

    def _sound_until(self, time_ms: float) -> None:
        end = round(self._frames * SAMPLE_RATE / self._fps)
        until = min(end, time_ms * SAMPLE_RATE / 1000)
        while self._mixer.at < until:
            at, count = self._mixer.at, min(BLOCK, end - self._mixer.at)
            samples, squares = self._mixer.block(count)
            self._speakers.hear(at * 1000 / SAMPLE_RATE, count * 1000 / SAMPLE_RATE, squares)
            self._encoder.sound(samples)

    def _picture(self, scene: Scene, time_ms: float) -> av.VideoFrame:
        ranking = self._speakers.ranking(time_ms)
        if self._arranged is None or self._arranged[0] is not scene or self._arranged[1] != ranking:
            tiles = arrange(self._layout, scene.people, ranking, *self._size)
            self._arranged = scene, ranking, tiles
        tiles = self._arranged[2]
        seen = {tile.who for tile in tiles}
        return self._painter.paint(
            tiles, {one.who: self._frame(one, time_ms) for one in scene.people if one.who in seen}
        )

    def _frame(self, one: Standing, time_ms: float) -> av.VideoFrame | None:
        """What somebody shows; None: their avatar."""
        if one.shows_from_ms is None:
            return None
        shot = self._faces[one.who].at(time_ms)
        if shot is None or shot[0] < one.shows_from_ms:
            return None
        # A screen on which nothing moves sends nothing; a camera always does.
        return shot[1] if one.sharing or time_ms - shot[0] <= FREEZE_MS else None

    def _close(self) -> None:
        self._encoder.discard()
        self._mixer.close()
        for face in self._faces:
            face.close()


def _face(role: Role, folder: Path, half_frame_ms: float) -> Face:
    return Face([(_file(folder, piece), piece.start_ms) for piece in role.pictures], half_frame_ms)


def _tracks(role: Role, folder: Path) -> list[Track]:
    return [Track(_file(folder, piece), piece.start_ms) for piece in role.sounds]


def _usable(manifest: Manifest, folder: Path) -> tuple[Manifest, str]:
    """The recording without files that are missing or cannot be read, and a sentence on these."""
    missing: list[str] = []

    def looked_at(piece: Piece) -> Piece:
        try:
            probe(_file(folder, piece))
        except RecordingError:
            missing.append(piece.file)
            return msgspec.structs.replace(piece, state="failed")
        return piece

    people = tuple(
        msgspec.structs.replace(person, pieces=tuple(map(looked_at, person.pieces)))
        for person in manifest.people
    )
    if not missing:
        return manifest, ""
    words = f"{', '.join(map(repr, missing))} is missing or cannot be read, and so not in the film."
    return msgspec.structs.replace(manifest, people=people), words


def _file(folder: Path, piece: Piece) -> Path:
    """Where the piece is: one that is being written, or was cut off, has ``.partial`` behind its name."""
    path = folder / piece.file
    partial = path.with_name(path.name + ".partial")
    return path if path.is_file() or not partial.is_file() else partial


def _end_ms(manifest: Manifest) -> float:
    """Where the last file ends, for a recording that was never finished."""
    ends = (piece.start_ms + piece.duration_ms for person in manifest.people for piece in person.pieces)
    return max(ends, default=0.0)
