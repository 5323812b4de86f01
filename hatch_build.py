"""Builds the page's bundle into src/nbrtc/static/ before pip or `python -m build` packs nbrtc.

An sdist carries the bundle, so that installing from one needs no Node.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = (
    "widget.js", "widget.css", "stats-view.js", "stats-view.css", "page.html", "page.js", "page.css"
)  # fmt: skip
"""The widgets, and the guest page of ``nbrtc serve``."""
PARTS = (
    "segmenter-[0-9a-f]*.js.gz",
    "segmenter-loader-*.js.gz",
    "segmenter-*.wasm.gz",
    "segmenter-*.tflite.gz",
)
"""What tells a person from the background; named after the content, so that their age says nothing."""


class BundleHook(BuildHookInterface[Any]):
    """Runs npm when the TypeScript is newer than the bundle, and only then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Leave a bundle behind that is as new as its sources, or say what is missing."""
        js = Path(self.root, "js")
        bundle = [Path(self.root, "src/nbrtc/static", name) for name in BUNDLE]
        sources = [
            *js.glob("src/**/*"), *js.glob("assets/*"), *js.glob("*.mjs"), *js.glob("package*.json")
        ]  # fmt: skip
        static = Path(self.root, "src/nbrtc/static")
        built = all(path.exists() for path in bundle) and all(any(static.glob(part)) for part in PARTS)
        if built and max(map(modified, sources)) <= min(map(modified, bundle)):
            return
        npm = shutil.which("npm")
        if npm is None and built:
            self.app.display_warning("npm is not in PATH: the existing bundle is packed, older than js/src.")
            return
        if npm is None:
            raise RuntimeError(
                "The page's bundle must be built: install Node 20 or newer (with npm), try again."
            )
        installed = js / "node_modules/.package-lock.json"
        if not installed.exists() or modified(installed) < modified(js / "package-lock.json"):
            subprocess.run([npm, "ci"], cwd=js, check=True)
        subprocess.run([npm, "run", "build"], cwd=js, check=True)


def modified(path: Path) -> float:
    """Time of the last change."""
    return path.stat().st_mtime
