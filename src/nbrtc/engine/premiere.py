"""The one file of a recording that was stopped: linked, copied or composed, and said in its manifest.

Its owner is the engine's `Composer`, so that it is finished though the call was closed meanwhile.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..errors import RecordingError
from ..recordings import manifest as manifests
from ..recordings.locks import held
from ..recordings.manifest import Film
from ..recordings.one_file import copy
from .composer import Composer, Interrupted
from .film_plan import FilmPlan, film_of
from .place import Place

logger = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""Somebody who looks through the folders for unfinished recordings may hold this one's lock for a moment."""
TOLD_S = 1.0
"""How much is done is told no more often."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    state: Literal["complete", "failed"]
    error: str = ""
    duration_s: float | None = None
    """Of a composed film."""


async def link(place: Place, plan: FilmPlan) -> Outcome | None:
    """Give a person's file its second name, at once; None if that takes a copy, as on file systems without
    hard links: `make` makes it.
    """
    assert plan.source is not None
    try:
        await asyncio.to_thread(os.link, plan.source, plan.to, follow_symlinks=False)
    except FileExistsError:
        outcome = Outcome("failed", _without(place, plan, f"{str(plan.to)!r} exists by now"))
    except OSError as error:
        logger.info("%s gets a copy instead of a link: %s", plan.to, error)
        return None
    else:
        outcome = Outcome("complete")
    await _say(place, film_of(place, plan, outcome.state, outcome.error))
    return outcome


async def make(
    place: Place, plan: FilmPlan, composer: Composer, on_fraction: Callable[[float], None]
) -> Outcome | None:
    """Make the file however long it takes; None if the engine ended before, and `nbrtc.recover` makes it."""
    told_s = float("-inf")

    def tell(fraction: float) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= TOLD_S:
            told_s = time.monotonic()
            on_fraction(fraction)

    # Nobody else is to mend the folder or to make the same film meanwhile.
    async with contextlib.AsyncExitStack() as stack:
        try:
            await asyncio.to_thread(stack.enter_context, held(place.folder, PATIENCE_S))
        except RecordingError as error:
            logger.warning("The folder is not locked while its film is made: %s", error)
        try:
            duration_s = await _made(place, plan, composer, tell)
        except Interrupted:
            return None
        except (RecordingError, OSError) as error:
            outcome = Outcome("failed", _without(place, plan, str(error)))
        else:
            outcome = Outcome("complete", duration_s=duration_s)
        await _say(place, film_of(place, plan, outcome.state, outcome.error))
    return outcome


def _without(place: Place, plan: FilmPlan, error: str) -> str:
    ended = error if error.endswith(".") else f"{error}."
    files = f"The separate files are complete in {place.folder}."
    if not place.folder.is_dir():
        files = f"The folder {place.folder} was removed, or its disk is gone."
    return f"{plan.to.name} could not be made: {ended} {files}"


async def _made(
    place: Place, plan: FilmPlan, composer: Composer, tell: Callable[[float], None]
) -> float | None:
    if plan.how == "compose":
        done = await composer.compose(place.folder / manifests.NAME, plan.layout, plan.to, tell)
        return done.duration_s
    assert plan.source is not None
    if plan.how == "link":
        await asyncio.to_thread(copy, plan.source, plan.to)
    else:
        from ..recordings.remux import remux

        await asyncio.to_thread(remux, plan.source, plan.to)
    return None


async def _say(place: Place, film: Film) -> None:
    """Put it into the manifest, in the place of what was said of the same file before."""
    try:
        await asyncio.to_thread(manifests.put_film, place.folder, film)
    except RecordingError as error:
        logger.error("The manifest in %s does not say what became of %s: %s", place.folder, film.path, error)
