"""The networks of these tests leave nothing behind, not even those of a run that was killed."""

import subprocess
import time

import pytest

from tests.turn.namespaces import PATIENCE_S, PREFIX, Network, remove_leftovers, why_not


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def names() -> list[str]:
    return [line.split()[0] for line in run("ip", "netns", "list").splitlines()]


def test_what_a_killed_run_left_is_removed_with_whatever_runs_in_it() -> None:
    if reason := why_not():
        pytest.skip(reason)
    gone = subprocess.Popen(["true"])
    gone.wait()
    name = f"{PREFIX}-{gone.pid}-1-left"
    run("ip", "netns", "add", name)
    inside = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "600"])
    deadline = time.monotonic() + PATIENCE_S
    while str(inside.pid) not in run("ip", "netns", "pids", name):
        assert time.monotonic() < deadline, "nothing runs in there"
        time.sleep(0.02)

    remove_leftovers()

    assert name not in names()
    inside.wait(PATIENCE_S)  # raises if it goes on


def test_a_test_that_fails_leaves_no_network(network: Network) -> None:
    made: list[str] = []

    def fail() -> None:
        with Network() as inner:
            made.append(inner.add("a").name)
            assert made[0] in names()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert made[0] not in names()


def test_two_namespaces_reach_each_other_only_by_their_cable(network: Network) -> None:
    one, other, third = (network.add(label) for label in ("one", "other", "third"))
    network.cable(one, "10.77.1.2/24", other, "10.77.1.1/24")

    assert "10.77.1.1" in one.run("ip", "route", "get", "10.77.1.1")
    with pytest.raises(RuntimeError, match="unreachable"):
        third.run("ip", "route", "get", "10.77.1.1")
