"""What holds for the repository as a whole."""

import ast
import importlib.util
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

import nbrtc

ROOT = Path(__file__).parents[2]
LONGEST_FILE_LINES = 600
GENERATED = {"js/src/messages.ts", "js/package-lock.json"}
# Written in pieces, because this file is searched too.
REGISTRIES = ["registry." + "npmjs", "registry." + "yarnpkg", "pypi." + "org", "python" + "hosted.org"]
HOMES = re.compile(r"(?<![\w.~-])/(?:" + "root|work|home/[a-z]+|Users/[A-Za-z]+" + r")/")


@cache
def texts() -> dict[str, str]:
    """Every text file that git tracks or would track, by its path."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for name in filter(None, listing.stdout.split("\0")):
        try:
            found[name] = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or deleted and not yet committed
    assert "pyproject.toml" in found
    return found


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    own = {str(ROOT), str(Path.home())} - {"/"}
    for name, text in texts().items():
        named = [address for address in [*REGISTRIES, *own] if address in text]
        named += HOMES.findall(text)
        assert not named, f"{name} names {named}"


def test_files_stay_readable() -> None:
    long = {
        name: lines
        for name, text in texts().items()
        if Path(name).suffix in {".py", ".ts", ".tsx", ".mjs", ".css"} and name not in GENERATED
        if (lines := text.count("\n")) > LONGEST_FILE_LINES
    }

    assert not long, f"split these at a noun: {long}"


def test_the_page_speaks_the_messages_of_python() -> None:
    specification = importlib.util.spec_from_file_location("generator", ROOT / "js/generate_messages.py")
    assert specification is not None
    assert specification.loader is not None
    generator = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(generator)

    written = (ROOT / "js/src/messages.ts").read_text()

    assert written == generator.generate(), "run python js/generate_messages.py"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_commands_that_exist(document: str) -> None:
    makefile, text = texts()["Makefile"], (ROOT / document).read_text()
    targets = {
        target for line in re.findall(r"^([a-z][a-z ]*):", makefile, re.MULTILINE) for target in line.split()
    }
    code = re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL)
    named = {name for part in code for name in re.findall(r"\bmake ([a-z]+)", part)}

    assert named, f"{document} says nothing about make"
    assert named <= targets, f"{document} names {named - targets}, which the Makefile lacks"


def test_every_public_name_is_in_all_and_exists() -> None:
    tree = ast.parse(Path(nbrtc.__file__).read_text())
    imported = {
        alias.asname or alias.name
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    assert imported | {"__version__"} == set(nbrtc.__all__)
    assert nbrtc.__all__ == sorted(nbrtc.__all__)
    for name in nbrtc.__all__:
        assert getattr(nbrtc, name) is not None
