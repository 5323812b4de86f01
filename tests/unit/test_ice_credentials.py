"""TURN credentials that expire."""

import base64
import hashlib
import hmac

import pytest

from nbrtc.ice.credentials import expiry_of, issue

NOW_S = 1_700_000_000.75


def test_they_are_what_coturn_computes() -> None:
    made = issue("north", "ada", 600, NOW_S)

    assert made.username == "1700000600:ada"
    assert made.expires_at_s == 1_700_000_600
    expected = hmac.new(b"north", b"1700000600:ada", hashlib.sha1).digest()
    assert base64.b64decode(made.credential) == expected


def test_the_secret_and_the_credential_are_not_shown() -> None:
    made = issue("north", "ada", 600, NOW_S)
    assert "north" not in repr(made)
    assert made.credential not in repr(made)


@pytest.mark.parametrize(
    ("secret", "who", "ttl_s"),
    [
        ("", "ada", 60),
        ("north", "", 60),
        ("north", "ada", 0),
        ("north", "ada", float("nan")),
        ("north", "a" * 600, 60),
    ],
)
def test_what_makes_none_is_refused(secret: str, who: str, ttl_s: float) -> None:
    with pytest.raises(ValueError, match="TURN") as error:
        issue(secret, who, ttl_s, NOW_S)
    assert "north" not in str(error.value)


def test_the_expiry_is_read_back() -> None:
    assert expiry_of(issue("north", "ada:lovelace", 600, NOW_S).username) == 1_700_000_600
    for other in (
        None,
        "",
        "ada",
        ":ada",
        "1700000600",
        "1700000600:",
        "x17:ada",
        "²:ada",
        "9" * 30 + ":ada",
    ):
        assert expiry_of(other) is None
