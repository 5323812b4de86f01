"""People in real browsers, each in a network of their own, and what carries their messages: this test."""

import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Playwright

from nbrtc.messages import Answer, Candidate, IceConfiguration, Offer
from tests.browser.chromium import COMMON_FLAGS
from tests.turn.certificate import Certificate
from tests.turn.engine import Engine
from tests.turn.namespaces import PATIENCE_S, Namespace

COLOURS = {"ada": (255, 0, 0), "bob": (0, 255, 0)}
ORIGIN = "https://nbrtc.test/"
RESOLVER = "--host-resolver-rules="
LOOK_S = 0.02
HOLE_S, STEADY_S = 0.5, 1.0
"""So long nothing may come, and so long that must not happen, before pictures count as moving."""


def launch(
    playwright: Playwright,
    chromium: str,
    folder: Path,
    certificate: Certificate,
    namespace: Namespace | None = None,
) -> Browser:
    """Start a Chromium in a network; it may reach the servers with this certificate, which it trusts."""
    if namespace is not None:
        wrapper = folder / f"chromium-{namespace.name}"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(namespace.command(chromium))} "$@"\n')
        wrapper.chmod(0o755)
        chromium = str(wrapper)
    flags = [flag for flag in COMMON_FLAGS if not flag.startswith(RESOLVER)]
    reached = "".join(f", EXCLUDE {address}" for address in certificate.addresses)
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[
            *flags,
            f"{RESOLVER}MAP * ~NOTFOUND, EXCLUDE *.local{reached}",
            f"--ignore-certificate-errors-spki-list={certificate.spki}",
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),  # Chromium refuses its sandbox to root
        ],
    )


class Person:
    """A page of js/test/turn-page.ts."""

    def __init__(self, name: str, page: Page, script: str, ice: IceConfiguration) -> None:
        self.name, self.page = name, page
        page.route(
            f"{ORIGIN}**", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>")
        )
        page.goto(ORIGIN)
        page.add_script_tag(content=script)
        self.configure(ice)

    def do(self, verb: str, *arguments: object) -> Any:
        return self.page.evaluate("([verb, ...given]) => page[verb](...given)", [verb, *arguments])

    def configure(self, ice: IceConfiguration) -> None:
        """Servers and policy of the connections that are made from now on."""
        self.do("configure", msgspec.to_builtins(ice))

    def join(self, everybody: Sequence[str]) -> None:
        self.do("join", self.name, list(everybody), css(self.name))

    def call_python(self) -> None:
        self.do("call", css(self.name))

    def frames(self, whom: str) -> int:
        """Pictures of them that came, over the present connection."""
        return int(self.do("frames", whom))

    def pair(self, whom: str) -> dict[str, str]:
        """What carries the media: `local`, `remote`, `relayProtocol`, `url`, as in webrtc-stats."""
        found: dict[str, str] | None = self.do("pair", whom)
        assert found is not None, f"{self.name} has no pair with {whom}"
        return found

    def sees(self, whom: str, colour: str) -> bool:
        pixel = self.do("colour", whom)
        return pixel is not None and all(
            abs(have - wanted) < 60 for have, wanted in zip(pixel, COLOURS[colour], strict=True)
        )


class Flow:
    """Pictures of one direction, as they come."""

    def __init__(self, count: Callable[[], int], now_s: float) -> None:
        self._count = count
        self._seen, self._last_s = count(), now_s
        self.since_s = now_s
        """Since when there was no hole."""

    def is_steady(self) -> bool:
        """Look now; whether they come without a hole for a while."""
        seen, now_s = self._count(), time.monotonic()
        if seen != self._seen:
            if now_s - self._last_s > HOLE_S:
                self.since_s = now_s
            self._seen, self._last_s = seen, now_s
        return now_s - self._last_s < HOLE_S and self._last_s - self.since_s > STEADY_S


class Room:
    """Carries messages between people, and between them and Python, while a test waits for something."""

    def __init__(self, *people: Person, python: Engine | None = None) -> None:
        self.people, self.python = people, python
        self.is_held = False
        """Messages wait, as they do in the sockets of a network that is out."""

    def person(self, name: str) -> Person:
        return next(person for person in self.people if person.name == name)

    def carry(self) -> None:
        if self.is_held:
            return
        for person in self.people:
            for said in person.do("outbox"):
                self._deliver(person, said)
        if self.python is not None:
            for event in self.python.said():
                verb = "answer" if isinstance(event, Answer) else "candidate"
                self.people[0].do(verb, msgspec.to_builtins(event))

    def reach(self, is_reachable: bool) -> None:
        """What the clients of the room know of their way to it."""
        for person in self.people:
            person.do("reach", is_reachable)

    def until(self, condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> float:
        """Wait for a condition; gives how long it took, in seconds. The limit is for a test that fails."""
        return self.until_all({what: condition}, patience_s)[what]

    def until_all(
        self, conditions: Mapping[str, Callable[[], object]], patience_s: float = PATIENCE_S
    ) -> dict[str, float]:
        """Wait until each was true once; gives how long each took, in seconds."""
        start_s = time.monotonic()
        took_s: dict[str, float] = {}
        while True:
            self.carry()
            for what, condition in conditions.items():
                if what not in took_s and condition():
                    took_s[what] = time.monotonic() - start_s
            if len(took_s) == len(conditions):
                return took_s
            if time.monotonic() - start_s > patience_s:
                missing = "; ".join(conditions.keys() - took_s.keys())
                pytest.fail(
                    f"waited {patience_s:.0f} s in vain for: {missing}; came: {took_s}\n{self.story()}"
                )
            self.people[0].page.wait_for_timeout(1000 * LOOK_S)

    def wait(self, seconds: float) -> None:
        """Let time pass: it is what is tested."""
        start_s = time.monotonic()
        self.until(lambda: time.monotonic() - start_s >= seconds, "the clock", seconds + PATIENCE_S)

    def connect(self) -> dict[str, float]:
        """Everybody joins, the first one calls Python, too; gives how long the pictures took, in seconds."""
        names = [person.name for person in self.people]
        if len(names) > 1:
            for person in self.people:
                person.join(names)
        if self.python is not None:
            self.people[0].call_python()
        shown = {
            f"{person.name} to see {other}": partial(person.sees, other, other)
            for person in self.people
            for other in names
            if other != person.name
        }
        if self.python is not None:
            shown["Python to show the picture it gets"] = partial(
                self.people[0].sees, "python", self.people[0].name
            )
        took_s = self.until_all(shown)
        self.until_moving()
        return took_s

    def until_moving(self) -> dict[str, float]:
        """Wait until pictures come steadily in every direction.

        Gives for each direction when its last hole was over, in seconds from now; 0 where all were shorter
        than `HOLE_S`. What was under way when a path broke still arrives, and is no sign of another path.
        """
        start_s = time.monotonic()
        flows = {direction: Flow(count, start_s) for direction, count in self._counters().items()}
        self.until_all({direction: flow.is_steady for direction, flow in flows.items()})
        return {direction: flow.since_s - start_s for direction, flow in flows.items()}

    def counts(self) -> dict[str, int]:
        """Pictures so far, by direction."""
        return {direction: count() for direction, count in self._counters().items()}

    def _counters(self) -> dict[str, Callable[[], int]]:
        names = [person.name for person in self.people] if len(self.people) > 1 else []
        counters: dict[str, Callable[[], int]] = {
            f"{other} -> {person.name}": partial(person.frames, other)
            for person in self.people
            for other in names
            if other != person.name
        }
        if self.python is not None:
            caller, python = self.people[0], self.python
            counters[f"python -> {caller.name}"] = partial(caller.frames, "python")
            counters[f"{caller.name} -> python"] = lambda: python.frames
        return counters

    def _deliver(self, sender: Person, said: dict[str, Any]) -> None:
        match said:
            case {"what": "signal", "signal": signal}:
                for person in self.people:
                    if person.name == signal["peer"]:
                        person.do("hear", signal | {"peer": sender.name})
            case {"what": "offer", "offer": offer}:
                assert self.python is not None
                self.python.hear(msgspec.convert(offer, Offer))
            case {"what": "candidate", "candidate": candidate}:
                assert self.python is not None
                self.python.hear(msgspec.convert(candidate, Candidate))

    def story(self) -> str:
        """What each page went through."""
        parts = [
            f"--- {person.name}, problems {person.do('problems')}\n" + "\n".join(person.do("story"))
            for person in self.people
        ]
        return "\n".join(parts)


def css(name: str) -> str:
    return f"rgb{COLOURS[name]}"
