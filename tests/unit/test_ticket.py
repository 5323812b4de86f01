"""What `Call(room=...)` is given."""

from typing import Any

import numpy as np
import pytest

from nbrtc.messages import RoomSettings, RoomTicket
from nbrtc.rooms.login import own_name
from nbrtc.ticket import to_ticket

LINK = "https://calls.example.edu/r/physics-101#token=abc.def"


def test_without_a_room_there_is_no_ticket() -> None:
    assert to_ticket(None) is None


def test_a_room_takes_what_goes_with_it() -> None:
    assert to_ticket("physics") == RoomTicket("physics")
    assert to_ticket(
        "physics", server="https://calls.example.edu/", passcode="p", token="t", capacity=4
    ) == RoomTicket("physics", server="https://calls.example.edu", passcode="p", token="t", capacity=4)
    settings = RoomSettings(recording=False)
    assert to_ticket("physics", settings=settings) == RoomTicket("physics", settings=settings)


def test_numpys_numbers_are_numbers() -> None:
    ticket = to_ticket("physics", capacity=np.int64(4))  # type: ignore[arg-type]
    assert ticket is not None
    assert ticket.capacity == 4


@pytest.mark.parametrize(
    ("link", "server", "token"),
    [
        (LINK, "https://calls.example.edu", "abc.def"),
        (f"  {LINK}\n", "https://calls.example.edu", "abc.def"),
        ("http://127.0.0.1:8443/r/physics-101", "http://127.0.0.1:8443", None),
        ("https://example.edu/calls/r/physics-101#x=1&token=t", "https://example.edu/calls", "t"),
    ],
)
def test_an_invite_link_brings_its_server_and_token(link: str, server: str, token: str | None) -> None:
    assert to_ticket(link) == RoomTicket("physics-101", server=server, token=token, must_exist=True)


@pytest.mark.parametrize(
    ("room", "given", "said"),
    [
        ("a b", {}, "cannot be a room's id: use 1 to 64"),
        ("../x", {}, "cannot be a room's id"),
        ("", {}, "cannot be a room's id"),
        ("https://calls.example.edu/#token=s3cret", {}, "no invite link: one looks like"),
        ("https://calls.example.edu/r/a/b#token=s3cret", {}, "no invite link|cannot be"),
        ("ftp://calls.example.edu/r/a#token=s3cret", {}, "server is a URL like"),
        (LINK, {"token": "s3cret"}, "brings its token"),
        (LINK, {"server": "https://other"}, "says its server"),
        ("a", {"server": "calls.example.edu"}, "server is a URL like"),
        ("a", {"server": "https://user:s3cret@calls.example.edu"}, "secrets go into token="),
        ("a", {"passcode": " "}, "passcode is empty"),
        ("a", {"capacity": 0}, "capacity is a whole number"),
        ("a", {"capacity": True}, "capacity is a whole number"),
        (None, {"settings": RoomSettings()}, r"settings needs a room"),
        (None, {"passcode": "s3cret"}, r"passcode needs a room: Call\(room=..., passcode=...\)"),
    ],
)
def test_what_cannot_be_is_refused_without_its_secrets(room: Any, given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        to_ticket(room, **given)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"recording": False}, r"settings is an nbrtc.RoomSettings\(recording=False, ...\), not"),
        (RoomSettings(recording=0), "settings.recording is True or False, not 0"),  # type: ignore[arg-type]
    ],
)
def test_settings_of_another_kind_are_refused(settings: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        to_ticket("a", settings=settings)


@pytest.mark.parametrize(
    "given", [{"room": 5}, {"room": "a", "token": b"s3cret"}, {"room": "a", "server": 1}]
)
def test_other_types_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="is a string") as refused:
        to_ticket(given.pop("room"), **given)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"LOGNAME": "ada"}, "Ada"),
        ({"LOGNAME": "jovyan", "JUPYTERHUB_USER": "grace@example.edu"}, "Grace"),
        ({"LOGNAME": "a\u202eb"}, "Guest"),
        ({"LOGNAME": "x" * 100}, "X" + "x" * 63),
    ],
)
def test_who_gives_no_name_has_the_login_name(
    environment: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("JUPYTERHUB_USER", "LOGNAME"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)

    assert own_name() == name


def test_a_container_without_users_calls_one_a_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", fail)

    assert own_name() == "Guest"
