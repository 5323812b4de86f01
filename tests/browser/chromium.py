"""Chromium with a fake camera and microphone: where it is, how it starts, what its camera shows."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Playwright

if TYPE_CHECKING:
    from numpy.typing import NDArray

Camera = Literal["clip", "other-clip", "person", "any-size", "none"]
"""What getUserMedia finds.

``clip``: 640x480 at 15 fps, the quadrants of `QUADRANTS` and a moving bar. ``other-clip``: 320x240 at 15 fps,
those of `OTHER_QUADRANTS`. ``person``: 640x480 at 15 fps, the astronaut, moved about. ``any-size``:
Chromium's own test picture in sizes up to 1920x1080. These come
with a microphone that beeps. ``none``: NotFoundError.
"""

QUADRANTS = {
    "top left": (255, 0, 0),
    "top right": (0, 255, 0),
    "bottom left": (0, 0, 255),
    "bottom right": (255, 255, 255),
}
"""RGB of the clip's corners: they tell a mirrored or upside-down picture, and red from blue."""

OTHER_QUADRANTS = {
    "top left": (255, 255, 0),
    "top right": (0, 255, 255),
    "bottom left": (255, 0, 255),
    "bottom right": (0, 0, 0),
}
"""Somebody else's: no corner is like the clip's, nor like the clip's negative."""

SHARED_TITLE = "Shared by the tests"
"""The tab that getDisplayMedia takes, where the camera is a clip; closing it ends the share."""

ASTRONAUT = Path(__file__).parents[1] / "data/astronaut/astronaut.png"

COMMON_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # The page may talk to this machine only: whatever it fetches from elsewhere fails its test.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.local",
)


def find_chromium() -> str | None:
    """Path of the Chromium to test with, the same one that tools/chromium.sh finds."""
    names = (os.environ.get("NBRTC_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str, camera: Camera, folder: Path) -> Browser:
    """Start a Chromium of its own, with a fresh profile; its clip is written into the folder."""
    clip = folder / f"{camera}.y4m"
    if camera == "clip":
        write_clip(clip)
    elif camera == "other-clip":
        write_clip(clip, OTHER_QUADRANTS, width=320, height=240)
    elif camera == "person":
        write_person(clip)
    of_clip = (  # not the fake UI, which would share a screen of one colour instead of a tab
        f"--auto-select-tab-capture-source-by-title={SHARED_TITLE}",
        f"--use-file-for-fake-video-capture={clip}",
    )
    flags = {
        "clip": of_clip,
        "other-clip": of_clip,
        "person": of_clip,
        "any-size": ("--use-fake-ui-for-media-stream",),
        "none": ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=0"),
    }[camera]
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses its sandbox to root
    return playwright.chromium.launch(executable_path=executable, args=[*COMMON_FLAGS, *flags, *sandbox])


def permissions(camera: Camera) -> list[str]:
    """What a context has to be granted, where no fake UI answers for the person."""
    return ["camera", "microphone"] if camera in ("clip", "other-clip", "person") else []


def write_clip(
    path: Path,
    quadrants: dict[str, tuple[int, int, int]] = QUADRANTS,
    *,
    width: int = 640,
    height: int = 480,
    fps: int = 15,
) -> None:
    """Write one second of the test picture, uncompressed (YUV4MPEG2); Chromium plays it in a loop."""
    picture = np.zeros((height, width, 3), np.float64)
    rows = {"top": slice(0, height // 2), "bottom": slice(height // 2, height)}
    columns = {"left": slice(0, width // 2), "right": slice(width // 2, width)}
    for corner, colour in quadrants.items():
        row, column = corner.split()
        picture[rows[row], columns[column]] = colour
    luma, chroma = to_yuv(picture)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(fps):
            frame = luma.copy()
            left = width * number // fps
            frame[height * 7 // 16 : height * 9 // 16, left : left + width // 16] = 16
            file.write(b"FRAME\n" + frame.tobytes() + chroma[..., 0].tobytes() + chroma[..., 1].tobytes())


def write_person(path: Path, *, fps: int = 15) -> None:
    """Write two seconds of the astronaut, who moves a little from side to side, beside chequered walls."""
    image = Image.open(ASTRONAUT).convert("RGB").resize((480, 480), Image.Resampling.LANCZOS)
    still = np.asarray(image, np.float64)
    rows, columns = np.indices((480, 640)) // 5
    walls = np.where((rows + columns) % 2, 170.0, 90.0)[..., None] * np.ones(3)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W640 H480 F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(2 * fps):
            left = 80 + 2 * round(6 * np.sin(np.pi * number / fps))
            walls[:, 80 - 12 : 560 + 12] = walls[:, :1]
            walls[:, left : left + 480] = still
            luma, chroma = to_yuv(walls)
            file.write(b"FRAME\n" + luma.tobytes() + chroma[..., 0].tobytes() + chroma[..., 1].tobytes())


def to_yuv(picture: "NDArray[np.float64]") -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Luma, and chroma of every second pixel, of an RGB picture."""
    # BT.601, limited range; the tests ask only which channels are bright, so that no matrix is pinned here.
    matrix = (
        np.array([[65.738, 129.057, 25.064], [-37.945, -74.494, 112.439], [112.439, -94.154, -18.285]]) / 256
    )
    yuv = picture @ matrix.T + np.array([16.0, 128.0, 128.0])
    luma = yuv[..., 0].round().astype(np.uint8)
    chroma = yuv[::2, ::2, 1:].round().astype(np.uint8)
    return luma, chroma
