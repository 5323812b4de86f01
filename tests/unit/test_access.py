"""Room tokens and passcodes: what opens a room, and everything that does not."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nbrtc.errors import RoomError
from nbrtc.signaling.access import (
    Claims,
    Role,
    check_passcode,
    hash_passcode,
    new_secret,
    sign_token,
    verify_token,
)

SECRET = b"a secret for tests, of 32 bytes."
NOW_S = 1_800_000_000.0


def claims(**changes: Any) -> dict[str, Any]:
    return {"aud": "nbrtc", "exp": NOW_S + 60, "room": "physics", "role": "participant"} | changes


def unsigned(header: dict[str, str], payload: dict[str, Any], key: bytes = b"") -> str:
    """A token by hand, because PyJWT would not make it; HMAC with `key`, or no signature."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(payload).encode())}"
    return f"{signed}.{part(hmac.new(key, signed.encode(), hashlib.sha256).digest()) if key else ''}"


def refusal(token: str, secret: bytes = SECRET) -> str:
    with pytest.raises(RoomError) as caught:
        verify_token(secret, token, now_s=NOW_S)
    assert caught.value.reason == "not-allowed"
    assert token not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("room", "role"), [("physics", "participant"), ("physics", "owner"), ("*", "admin")])
def test_a_token_says_what_was_signed(room: str, role: Role) -> None:
    token = sign_token(SECRET, room, role=role, subject="ada", name="Ada", ttl_s=60, now_s=NOW_S)

    assert verify_token(SECRET, token, now_s=NOW_S + 59) == Claims(room, role, "ada", NOW_S + 60, "Ada")


def test_a_token_needs_neither_subject_nor_name_nor_a_clock() -> None:
    found = verify_token(SECRET, sign_token(SECRET, "physics"))

    assert (found.subject, found.name, found.role) == (None, None, "participant")


def test_a_token_opens_its_own_room_and_an_admins_every_room() -> None:
    one = verify_token(SECRET, sign_token(SECRET, "physics"))
    every = verify_token(SECRET, sign_token(SECRET, "*", role="admin"))

    assert one.opens("physics")
    assert not one.opens("chemistry")
    assert every.opens("chemistry")


def test_the_algorithm_none_is_refused() -> None:
    assert "not one of this server's" in refusal(unsigned({"alg": "none", "typ": "JWT"}, claims()))


def test_a_token_of_another_algorithm_is_refused_although_the_secret_is_right() -> None:
    assert "not one of this server's" in refusal(jwt.encode(claims(), SECRET * 2, algorithm="HS512"))


def test_a_public_key_is_no_shared_secret() -> None:
    """Neither direction of the confusion: an RSA signature, and an HMAC with the public key's text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    refusal(jwt.encode(claims(), private, algorithm="RS256"))
    refusal(unsigned({"alg": "HS256", "typ": "JWT"}, claims(), public))
    refusal(unsigned({"alg": "RS256", "typ": "JWT"}, claims(), SECRET))


def test_an_expired_token_says_so() -> None:
    token = sign_token(SECRET, "physics", ttl_s=60, now_s=NOW_S - 61)

    assert refusal(token) == "The room token has expired: ask for a new invite link."


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another service"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf"), "room": ["physics", "chemistry"]},
        {"room": None},
        {"room": ""},
        {"room": "*"},
        {"role": "admin"},
        {"role": "owner participant"},
        {"role": ["owner"]},
        {"sub": 7},
        {"name": {"first": "Ada"}},
        {"nbf": NOW_S + 30},
    ],
    ids=str,
)
def test_a_signature_does_not_make_up_for_wrong_claims(changes: dict[str, Any]) -> None:
    payload = {key: value for key, value in claims(**changes).items() if value is not None}

    refusal(unsigned({"alg": "HS256", "typ": "JWT"}, payload, SECRET))


DEEP = base64.urlsafe_b64encode(b"[" * 2000).decode()


@pytest.mark.parametrize(
    "token",
    ["?", "a.b.c", "x" * 5000, "\x00", "\ud800.\ud800.\ud800", f"{DEEP}.e30.x"],
    ids=lambda t: repr(t[:9]),
)
def test_garbage_is_refused(token: str) -> None:
    refusal(token)


def test_a_token_of_another_server_is_refused() -> None:
    refusal(sign_token(new_secret(), "physics", now_s=NOW_S))


def test_a_changed_token_is_refused() -> None:
    head, _, signature = sign_token(SECRET, "physics", now_s=NOW_S).split(".")
    other = sign_token(SECRET, "physics", role="owner", now_s=NOW_S).split(".")[1]

    refusal(f"{head}.{other}.{signature}")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((b"short", "physics"), {}),
        ((SECRET, ""), {}),
        ((SECRET, "*"), {}),
        ((SECRET, "physics"), {"role": "admin"}),
        ((SECRET, "physics"), {"ttl_s": 0}),
    ],
    ids=["short-secret", "no-room", "every-room", "admin-of-one", "no-time"],
)
def test_a_token_that_would_never_be_right_is_not_signed(arguments: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"signing secret|token"):
        sign_token(*arguments, **options)


def test_a_passcode_is_checked_without_being_kept() -> None:
    hashed = hash_passcode("Wärme 42")

    assert check_passcode(hashed, "Wärme 42")
    assert not check_passcode(hashed, "wärme 42")
    assert not check_passcode(hashed, "")
    assert not check_passcode(hashed, None)
    assert "Wärme" not in repr(hashed)
    assert hash_passcode("Wärme 42") != hashed
