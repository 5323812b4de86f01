"""Imports go downward only, and the kernel process stays free of what belongs to the engine."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/nbrtc"

LAYERS = {
    "errors": 0,
    "messages": 1,
    **dict.fromkeys(["bridge", "complaint", "exits", "paths", "process", "pulse", "pictures"], 2),
    **dict.fromkeys(["stats", "ice", "lab", "recordings"], 2),
    **dict.fromkeys(["stats.live.view"], 3),  # a widget knows the cell that made it
    **dict.fromkeys(["call"], 4),
    **dict.fromkeys(["cli", "commands", "__main__", ""], 5),
}
"""The kernel's side, bottom to top; "" is `nbrtc` itself."""

NOUN = 3
"""Every other module: chat, frames, recording, ...: what a Call hands out."""

SHARED = {
    *("signaling", "rooms", "ice", "bridge", "complaint", "exits", "pictures", "messages", "errors"),
    "recordings",
    *("lab.impairment", "stats.findings.judge"),
}
"""What the engine imports beside itself; of lab only the transport shim, of stats only the judge."""

ENGINE_ONLY = ("nbrtc.engine", "aiortc", "aioice", "av", "aiohttp", "socketio")
LAZY = ("pandas", "matplotlib", "PIL")


def module_name(path: Path) -> str:
    """The name below ``nbrtc.``; "" for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(module: str, *, typing_too: bool) -> Iterator[str]:
    """Every module of nbrtc that this one imports, at its top or lazily."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in nodes(ast.parse(path.read_text()), typing_too=typing_too):
        if isinstance(node, ast.Import):
            yield from (within(alias.name) for alias in node.names if alias.name.split(".")[0] == "nbrtc")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if package else []
                base = ".".join(["nbrtc", *above, *filter(None, [node.module])])
            if base.split(".")[0] == "nbrtc":
                for alias in node.names:
                    inner = within(f"{base}.{alias.name}")
                    yield inner if inner in MODULES else within(base)


def within(name: str) -> str:
    """`nbrtc.a.b` as `a.b`."""
    return name.partition(".")[2]


def nodes(tree: ast.AST, *, typing_too: bool) -> Iterator[ast.AST]:
    """Walk a module, with or without what stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing_too:
            continue
        yield node
        yield from nodes(node, typing_too=typing_too)


def layer(module: str) -> int:
    return LAYERS.get(module, LAYERS.get(module.split(".")[0], NOUN))


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] != "engine"])
def test_the_kernels_side_imports_downward(module: str) -> None:
    for imported in imports(module, typing_too=True):
        assert imported.split(".")[0] != "engine", (
            f"nbrtc.{module} imports nbrtc.{imported}, an engine's module"
        )
        assert layer(imported) <= layer(module), (
            f"nbrtc.{module} imports nbrtc.{imported} from a layer above it"
        )


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "engine"])
def test_the_engine_imports_what_both_processes_share(module: str) -> None:
    for imported in imports(module, typing_too=True):
        allowed = {imported, imported.split(".")[0]} & {"engine", *SHARED}
        assert allowed, f"nbrtc.{module} imports nbrtc.{imported}, which belongs to the kernel's process"


def test_imports_form_no_circle() -> None:
    graph = {module: set(imports(module, typing_too=False)) - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def test_the_kernel_never_loads_the_engines_libraries() -> None:
    """Every public name is used once, because nbrtc loads them lazily."""
    code = "import nbrtc, sys; [getattr(nbrtc, name) for name in nbrtc.__all__]; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(result.stdout.split())
    assert "nbrtc" in loaded
    assert loaded.isdisjoint({*ENGINE_ONLY, *LAZY})


def test_the_engine_never_loads_what_belongs_to_tables_and_plots() -> None:
    code = "import nbrtc.engine.host, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(result.stdout.split())
    assert "nbrtc.engine.session" in loaded
    assert loaded.isdisjoint({"pandas", "matplotlib", "PIL", "anywidget"})
