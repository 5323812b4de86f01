"""Finds the processes that the tests started, orphans too.

A process that outlives its parent is nobody's child any more, so every process inherits a mark in its
environment as well.
"""

import os
import time

import psutil

MARK = "NBRTC_TEST_RUN"
HELPERS_OF_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""They live until the interpreter ends, by design."""
EXEC_S = 2.0
"""A process that execs on a busy machine has been through by then."""


def started() -> set[psutil.Process]:
    """Every running process that this one started, however indirectly."""
    children = psutil.Process().children(recursive=True)
    found = marked(MARK, os.environ[MARK]).union(children)
    return {process for process in found if not _is_helper(process)}


def marked(name: str, value: str) -> set[psutil.Process]:
    """Every other process that was started with this variable in its environment."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and _environment(process).get(name) == value:
                found.add(process)
        except psutil.Error:
            continue  # ended meanwhile, or somebody else's
    return found


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; empty of one that has just ended, which a zombie has, too."""
    try:
        command: list[str] = process.cmdline()
        return command
    except psutil.NoSuchProcess:
        return []


def describe(process: psutil.Process) -> str:
    """Pid and command line, or what can still be said of one that ended."""
    try:
        return f"{process.pid} ({process.status()}) {' '.join(process.cmdline())[:200]}"
    except psutil.Error as error:
        return str(error)


def end(processes: set[psutil.Process], *, grace_s: float) -> list[str]:
    """Wait until all have ended by themselves; kill those that have not, and describe them."""
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    descriptions = [describe(process) for process in alive]
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=grace_s)
    return descriptions


def _environment(process: psutil.Process) -> dict[str, str]:
    """Its variables. Amid an exec it has none yet, and no command line; its parent goes on already."""
    deadline_s = time.monotonic() + EXEC_S
    while not (found := process.environ()) and not process.cmdline() and time.monotonic() < deadline_s:
        time.sleep(0.002)
    return dict(found)


def _is_helper(process: psutil.Process) -> bool:
    try:
        return any(word in part for part in process.cmdline() for word in HELPERS_OF_PYTHON)
    except psutil.Error:
        return False
