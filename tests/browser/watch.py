"""What a view shows while something happens elsewhere: frames are counted, notes are kept."""

from typing import cast

from playwright.sync_api import JSHandle

from tests.browser.widget import View

WATCH = """(root, never) => {
  const watched = { frames: {}, longest_ms: {}, never: {}, notes: [] };
  const context = new OffscreenCanvas(64, 48).getContext("2d", { willReadFrequently: true });
  const places = [[6, 5], [57, 5], [6, 42], [57, 42]];
  const isNever = video => {
    context.drawImage(video, 0, 0, 64, 48);
    return places.every(([x, y], corner) => {
      const seen = context.getImageData(x, y, 1, 1).data;
      return never[corner].every((value, channel) => Math.abs(value - seen[channel]) <= 60);
    });
  };
  for (const video of root.querySelectorAll("video[data-nbrtc=peer]")) {
    const whose = video.getAttribute("aria-label").replace("'s picture", "");
    watched.frames[whose] = watched.longest_ms[whose] = watched.never[whose] = 0;
    let seen_ms = performance.now();
    const count = now_ms => {
      watched.frames[whose] += 1;
      watched.longest_ms[whose] = Math.max(watched.longest_ms[whose], now_ms - seen_ms);
      seen_ms = now_ms;
      if (never !== null && isNever(video)) watched.never[whose] += 1;
      video.requestVideoFrameCallback(count);
    };
    video.requestVideoFrameCallback(count);
  }
  const earlier = new Set(root.querySelectorAll(".nbrtc-notice"));
  new MutationObserver(() => {
    for (const note of root.querySelectorAll(".nbrtc-notice")) {
      if (!earlier.has(note) && !watched.notes.includes(note.innerText)) watched.notes.push(note.innerText);
    }
  }).observe(root, { childList: true, subtree: true, characterData: true });
  return watched;
}"""


class Watch:
    """Watches the others' pictures and the notices of a view, from when it is made.

    Parameters
    ----------
    view
        Whose pictures.
    never
        The colours of four corners that are not to be seen: every frame is looked at.
    """

    def __init__(self, view: View, never: list[tuple[int, int, int]] | None = None) -> None:
        self._view = view
        colours = None if never is None else [list(colour) for colour in never]
        self._watched: JSHandle = view.root.evaluate_handle(WATCH, colours)

    @property
    def frames(self) -> dict[str, int]:
        """Frames of everybody else that were shown since, by name."""
        return cast("dict[str, int]", self._watched.evaluate("watched => ({ ...watched.frames })"))

    @property
    def never(self) -> dict[str, int]:
        """Frames that were not to be seen and were, by name."""
        return cast("dict[str, int]", self._watched.evaluate("watched => ({ ...watched.never })"))

    @property
    def longest_ms(self) -> dict[str, float]:
        """The longest time from one frame to the next, by name; for people to read."""
        return cast("dict[str, float]", self._watched.evaluate("watched => ({ ...watched.longest_ms })"))

    @property
    def notes(self) -> list[str]:
        """Every notice that came since."""
        return cast("list[str]", self._watched.evaluate("watched => [...watched.notes]"))

    def wait_frames(self, count: int, since: dict[str, int] | None = None) -> None:
        """Wait until so many more frames of everybody were shown, than there are now or than `since`."""
        wanted = {name: frames + count for name, frames in (since or self.frames).items()}
        self._view.page.wait_for_function(
            "([{ frames }, wanted]) => Object.keys(wanted).every(name => frames[name] >= wanted[name])",
            arg=[self._watched, wanted],
        )
