"""Large parts of the page, and pictures for it: handed out piece by piece when a page asks for them."""

import hashlib
import itertools
import re
import threading
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
NAME = re.compile(r"segmenter(?:-\w+)?-[0-9a-f]{16}\.(?:js|wasm|tflite)")
"""What the page's build puts into the folder, packed with gzip; nothing else of it is handed out."""
PIECE_BYTES = 512 * 1024
"""Of one message; the comm's limit is 10 MiB."""
MAX_PICTURES = 4
"""The oldest are forgotten beyond this: a call shows one."""


class AssetError(Exception):
    """There is no such asset; the message is for a person."""


class Assets:
    """What the pages of one call may ask for. Thread-safe.

    Parameters
    ----------
    folder
        Where the page's build puts its parts.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._pictures: dict[str, bytes] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add_picture(self, data: bytes) -> str:
        """Hand out a JPEG picture from now on; returns the name that a page asks for it by.

        Each time it is another one, so that a page knows that the same picture was chosen again after its
        person had chosen one; and it is none of an earlier kernel's that the page may still show.
        """
        with self._lock:
            name = f"background-{next(self._numbers)}-{hashlib.sha256(data).hexdigest()[:16]}.jpg"
            self._pictures[name] = data
            while len(self._pictures) > MAX_PICTURES:
                self._pictures.pop(next(iter(self._pictures)))
        return name

    def read(self, name: str, offset: int) -> tuple[bytes, int, bool]:
        """At most `PIECE_BYTES` from `offset`, the size of the whole, and whether that is packed with gzip.

        Raises
        ------
        AssetError
            If there is nothing of that name, or nothing at that place.
        """
        with self._lock:
            picture = self._pictures.get(name)
        if picture is not None:
            return self._piece(picture[offset : offset + PIECE_BYTES], name, offset), len(picture), False
        path = self._folder / f"{name}.gz"
        if not NAME.fullmatch(name) or not path.is_file():
            raise AssetError(f"nbrtc has no {name!r} here: reload the page, or install nbrtc again.")
        total = path.stat().st_size
        with path.open("rb") as file:
            # a page names the place: seek itself would fail beyond what files can have
            file.seek(max(0, min(offset, total)))
            return self._piece(file.read(PIECE_BYTES), name, offset), total, True

    @staticmethod
    def _piece(piece: bytes, name: str, offset: int) -> bytes:
        if offset < 0 or not piece:
            raise AssetError(f"{name!r} has nothing at {offset}.")
        return piece
