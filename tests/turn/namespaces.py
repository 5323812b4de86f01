"""Networks of a test's own: network namespaces with cables between them, gone when the test ends.

Needs Linux, ``ip`` and ``nft``, and the right to make namespaces (root). Nothing here touches the machine's
own network: cables begin and end in namespaces.
"""

import asyncio
import ctypes
import itertools
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import psutil

Result = TypeVar("Result")

PREFIX = "nbrtc-test"
PATIENCE_S = 60.0
"""A generous bound on whatever is waited for."""
_CLONE_NEWNET = 0x40000000
_NUMBERS = itertools.count(1)


def why_not() -> str | None:
    """Why no namespaces can be made here, as a sentence; None if they can."""
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            return f"{tool} is not in PATH: install iproute2 and nftables (tools/coturn.sh does)"
    if os.geteuid() != 0:
        return "network namespaces are made by root, and these tests do not run as root"
    name = f"{PREFIX}-{os.getpid()}-0"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces are not permitted here ({made.stderr.strip()})"
    _run("ip", "netns", "del", name)
    return None


class Namespace:
    """One network: its own addresses, routes, firewall and loopback."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.name = f"{PREFIX}-{os.getpid()}-{next(_NUMBERS)}-{label}"
        _run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *command: str) -> list[str]:
        """What to start so that it runs in here."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command in here, and give what it wrote."""
        return _run(*self.command(*command), stdin=stdin)

    def enter(self) -> None:
        """Move the calling thread in here, with whatever it opens from now on; it never comes back."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{self.name}").open() as place:
            if libc.setns(place.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")

    def do(self, work: Callable[[], Result]) -> Result:
        """Call a function in here, on a thread of its own; sockets that it opens stay in here."""
        found: list[Result] = []

        def enter_and_work() -> None:
            self.enter()
            found.append(work())

        thread = threading.Thread(target=enter_and_work, name=self.name)
        thread.start()
        thread.join(PATIENCE_S)
        if not found:
            raise RuntimeError(f"{work} gave nothing in {self.name}")
        return found[0]

    def add_address(self, address: str) -> None:
        """Own one more address: ``10.1.2.3/32``."""
        self.run("ip", "address", "add", address, "dev", "lo")

    def route(self, to: str, *, via: str) -> None:
        """Send what goes to this range over that neighbour."""
        self.run("ip", "route", "replace", to, "via", via)

    def firewall(self, rules: str) -> None:
        """Put these lines of nft in place of those that are there."""
        self.run("nft", "-f", "-", stdin=f"flush ruleset\n{rules}")

    def lose(self, *what: str) -> None:
        """Lose what comes in by cable and fits one of these expressions of nft; an empty one fits all."""
        # not what goes out: whoever sends would be told
        rules = [f'iifname != "lo" {expression} drop' for expression in what]
        chain = "chain arriving { type filter hook prerouting priority 0; policy accept;"
        self.firewall("\n".join(["table inet loss {", chain, *rules, "}", "}"]) + "\n")

    def heal(self) -> None:
        """Lose nothing any more."""
        self.firewall("")

    def counters(self) -> dict[str, int]:
        """Packets that each named counter of the firewall has seen."""
        text = self.run("nft", "list", "counters")
        return {name: int(packets) for name, packets in re.findall(r"counter (\w+) {\s*packets (\d+)", text)}

    def close(self) -> None:
        """End what runs in here, and it with its cables; idempotent."""
        remove(self.name)


class Network:
    """Namespaces and the cables between them; a context manager that leaves none."""

    def __init__(self) -> None:
        self._namespaces: list[Namespace] = []
        remove_leftovers()

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in reversed(self._namespaces):
            namespace.close()

    def add(self, label: str) -> Namespace:
        """One more namespace, without a cable."""
        namespace = Namespace(label)
        self._namespaces.append(namespace)
        return namespace

    def cable(self, one: Namespace, address: str, other: Namespace, other_address: str) -> tuple[str, str]:
        """Join two of them, with addresses like ``10.77.1.2/24``; gives the names of the two devices."""
        number = next(_NUMBERS)
        devices = (f"v{number}-{other.label}"[:15], f"v{number}-{one.label}"[:15])
        one.run(
            *("ip", "link", "add", devices[0], "type", "veth"),
            *("peer", "name", devices[1], "netns", other.name),
        )
        for namespace, device, own in zip((one, other), devices, (address, other_address), strict=True):
            namespace.run("ip", "address", "add", own, "dev", device)
            namespace.run("ip", "link", "set", device, "up")
        return devices


class LoopIn:
    """An asyncio loop on a thread of its own, in a namespace or (None) in the machine's own network."""

    def __init__(self, namespace: Namespace | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self._namespace = namespace
        self._thread = threading.Thread(target=self._run, name="loop in a network")
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run it over there, and wait for what it gives."""
        return self.begin(coroutine).result(PATIENCE_S)

    def begin(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start it over there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def close(self) -> None:
        """End the thread; idempotent."""
        if self.loop.is_closed():
            return
        self.run(self._end_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end_tasks(self) -> None:
        """What a test that failed left undone."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_default_executor()

    def _run(self) -> None:
        if self._namespace is not None:
            self._namespace.enter()
        self.loop.run_forever()


def remove(name: str) -> None:
    """End what runs in a namespace of these tests, and the namespace; idempotent."""
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    processes = []
    for pid in map(int, pids.stdout.split()):
        if pid == os.getpid():  # a thread of our own: it ends with its owner
            continue
        try:
            processes.append(psutil.Process(pid))
            processes[-1].kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=PATIENCE_S)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def remove_leftovers() -> None:
    """Remove the namespaces of test processes that were killed."""
    for name in re.findall(rf"^{PREFIX}-\S+", _run("ip", "netns", "list"), re.MULTILINE):
        owner = int(name.removeprefix(f"{PREFIX}-").split("-")[0])
        if not psutil.pid_exists(owner):
            remove(name)


def _run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
