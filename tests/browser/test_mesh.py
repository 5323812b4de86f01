"""The mesh in a real browser: several participants in one window (js/test/mesh-page.ts), with real media."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Page

JS = Path(__file__).parents[2] / "js"
PATIENCE_S = 60.0
COLOURS = {"ada": (255, 0, 0), "bob": (0, 255, 0), "cy": (0, 0, 255), "tom": (255, 0, 255)}


class Room:
    """The page's room, as the tests speak of it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def do(self, verb: str, *arguments: object) -> Any:
        return self.page.evaluate("([verb, ...given]) => room[verb](...given)", [verb, *arguments])

    def join(self, *names: str) -> None:
        for name in names:
            self.do("join", name, css(name))

    def sees(self, viewer: str, other: str) -> bool:
        pixel = cast("list[int] | None", self.do("colour", viewer, other))
        return pixel is not None and all(
            abs(have - wanted) < 60 for have, wanted in zip(pixel, COLOURS[other], strict=True)
        )

    def state(self, viewer: str, other: str) -> str:
        return str(
            next(person["connection"] for person in self.do("people", viewer) if person["id"] == other)
        )

    def offers(self) -> list[tuple[str, str, int | None]]:
        return [
            (line["from"], line["to"], line["generation"])
            for line in self.do("log")
            if line["what"] == "offer"
        ]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition; the limit is for a test that fails."""
        for _ in range(round(PATIENCE_S / 0.05)):
            if condition():
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"waited in vain for {what}; log {self.do('log')}, problems {self.do('problems')}")

    def all_see_each_other(self, *names: str) -> None:
        for viewer, other in itertools.permutations(names, 2):
            self.until(partial(self.sees, viewer, other), f"{viewer} to see {other}")
            assert self.state(viewer, other) == "connected"


def story(room: Room, viewer: str) -> list[str]:
    return [f"{event['name']} {event['value']}".strip() for event in room.do("events", viewer)]


def has_told(room: Room, viewer: str, text: str) -> bool:
    return text in story(room, viewer)


def in_this_order(told: list[str], expected: list[str]) -> bool:
    """Whether all are told, the first mention of each after that of the one before it."""
    return [text for text in dict.fromkeys(told) if text in expected] == expected


def css(name: str) -> str:
    return f"rgb{COLOURS[name]}"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("mesh") / "page.js"
    subprocess.run([node, "test/bundle.mjs", "test/mesh-page.ts", str(out)], cwd=JS, check=True)
    return out.read_text()


@pytest.fixture
def room(page: Page, script: str) -> Room:
    page.add_script_tag(content=script)
    return Room(page)


def test_three_see_each_other_and_the_later_one_offers(room: Room) -> None:
    room.join("ada", "bob", "cy")

    room.all_see_each_other("ada", "bob", "cy")

    assert sorted(room.offers()) == [("bob", "ada", 1), ("cy", "ada", 1), ("cy", "bob", 1)]
    room.until(lambda: room.do("received", "ada", "cy")["audio"] > 1000, "cy's sound")
    assert room.do("problems") == []
    room.do("leave", "bob")
    room.until(lambda: [person["id"] for person in room.do("people", "ada")] == ["cy"], "bob to be gone")
    assert room.sees("ada", "cy")


def test_a_real_connection_tells_its_story_and_its_figures_and_no_address(room: Room) -> None:
    room.join("ada", "bob")
    room.all_see_each_other("ada", "bob")

    # bob offered, ada answered: what each of them did, in the order of webrtc-pc, section 10.7
    offered = ["setLocalDescription offer", "setRemoteDescription answer"]
    answered = ["setRemoteDescription offer", "setLocalDescription answer"]
    for viewer, other, said in (("bob", "ada", offered), ("ada", "bob", answered)):
        room.until(partial(has_told, room, viewer, "trackunmute video"), f"{viewer}'s picture")
        told = story(room, viewer)
        for part in (
            ["connectionstatechange new", *said, "connectionstatechange connected"],
            ["iceconnectionstatechange checking", "iceconnectionstatechange connected"],
            ["dtlsstatechange new", "dtlsstatechange connecting", "dtlsstatechange connected"],
        ):
            assert in_this_order(told, part), told
        assert any(text.startswith("selectedcandidatepairchange host/udp -> ") for text in told), told
        assert {"icecandidate host udp", "icecandidate", "track video"} <= set(told)
        assert {event["peer"] for event in room.do("events", viewer)} == {other, ""}  # "": the page itself
    assert in_this_order(story(room, "bob"), ["negotiationneeded", "setLocalDescription offer"])

    def unknown() -> set[str]:
        points = room.do("points", "ada")
        return {name for name in points[0] if all(point[name] is None for point in points)}

    room.until(lambda: unknown() == set(), "every figure of the plots")
    kinds = {report["type"] for sample in room.do("samples", "ada") for report in sample["reports"]}
    assert kinds >= {"local-candidate", "remote-candidate", "certificate", "transport", "peer-connection"}
    out = json.dumps([room.do("events", "ada"), room.do("samples", "ada")])
    assert re.findall(r"\d+\.\d+\.\d+\.\d+|\.local\b|stun:|turn:|[Uu]frag|usernameFragment", out) == []
    room.do("leave", "bob")
    room.until(lambda: story(room, "ada")[-1] == "close", "the end of the story")
    assert room.do("problems") == []


def test_both_rebuild_at_once_and_one_offer_wins(room: Room) -> None:
    room.join("ada", "bob")
    room.all_see_each_other("ada", "bob")
    streams = room.do("streams", "ada")

    room.page.evaluate("room.reconnect('ada', 'bob'); room.reconnect('bob', 'ada')")

    room.until(lambda: room.offers()[1:] == [("ada", "bob", 2), ("bob", "ada", 2)], "the glare")
    room.all_see_each_other("ada", "bob")
    assert len(room.offers()) == 3, "the glare cost another attempt"
    assert room.do("streams", "ada") == streams
    assert room.do("problems") == []


def test_a_connection_that_dies_without_a_word_is_mended(room: Room) -> None:
    room.join("ada", "bob")
    room.all_see_each_other("ada", "bob")

    room.do("kill", "bob", "ada")

    # mended within the time in which nobody is told, or after it
    room.until(lambda: any((generation or 0) > 1 for _, _, generation in room.offers()), "another connection")
    room.until(lambda: room.state("ada", "bob") == "connected", "the connection to be mended")
    room.all_see_each_other("ada", "bob")


def test_what_is_said_while_the_server_is_away_is_said_afterwards(room: Room) -> None:
    room.join("ada", "bob")
    room.all_see_each_other("ada", "bob")
    offers = len(room.offers())

    room.do("reach", "bob", False)
    room.do("prefer", "bob", "vp9")
    room.until(lambda: room.do("signalingState", "bob", "ada") == "have-local-offer", "bob's offer")
    assert len(room.offers()) == offers
    room.do("reach", "bob", True)
    room.do("forget", "bob")  # the server that came back does not know ada yet

    room.until(lambda: len(room.offers()) == offers + 1, "the offer that waited")
    room.until(
        lambda: (
            {room.do("received", *pair)["codec"] for pair in (("ada", "bob"), ("bob", "ada"))}
            == {"video/VP9"}
        ),
        "VP9 in both directions",
    )
    room.all_see_each_other("ada", "bob")
    assert room.do("problems") == []


@pytest.mark.parametrize("order", ["the tutorial client first", "the tutorial client last"])
def test_a_tutorial_client_and_an_nbrtc_participant_call_each_other(room: Room, order: str) -> None:
    people = [("joinLegacy", "tom"), ("join", "ada")]
    for verb, name in people if order.endswith("first") else people[::-1]:
        room.do(verb, name, css(name))

    room.until(lambda: room.sees("ada", "tom"), "ada to see tom")
    room.until(lambda: room.sees("tom", "ada"), "tom to see ada")
    assert room.offers() == [("ada", "tom", None)]
    assert room.do("problems") == []


def test_a_tutorial_client_that_offers_to_whoever_comes_is_answered(room: Room) -> None:
    room.join("ada")
    room.do("joinLegacy", "tom", css("tom"))
    room.until(lambda: room.sees("ada", "tom"), "ada to see tom")
    room.join("bob")  # tom is an earlier member and not the creator: he broadcasts an offer

    room.do("legacyOffer", "tom")

    room.until(lambda: room.sees("bob", "tom"), "bob to see tom")
    assert ("tom", "ada", None) in room.offers()
    assert room.state("ada", "tom") == "connected", "ada took an offer that was meant for bob"
    assert not any(offer[:2] == ("bob", "tom") for offer in room.offers())
