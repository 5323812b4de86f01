"""The command, as a process: serving until it is told to stop, signing tokens, refusing in a sentence."""

import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nbrtc.cli import main
from nbrtc.signaling.access import verify_token
from tests.unit.room_clients import Client, in_room

SECRET = "a secret of the test that is long enough"


@contextmanager
def serving(*arguments: str, stop_with: signal.Signals = signal.SIGTERM) -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port: the URL, and what was said at the start and, afterwards, in the log."""
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "nbrtc", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.strip())
                if line.startswith("Stop with"):
                    break
            assert said, process.communicate()[1]
            yield said[0].rpartition(" ")[2], said
        finally:
            process.send_signal(stop_with)
            said += process.communicate(timeout=20)[1].splitlines()
        assert process.returncode == 0, said


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize("stop_with", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_says_where_it_is_and_tells_everybody_when_it_stops(
    stop_with: signal.Signals,
) -> None:
    with serving("--log-json", stop_with=stop_with) as (url, said):
        client = Client(url)
        await client.__aenter__()
        await in_room(client, "r", "ada", passcode="sesame")
        await client.granted("chat-message", message="between us")
    error = await client.hears("error")
    await client.__aexit__()

    assert error["code"] == "unreachable"
    assert "shutting down" in error["message"]
    text = "\n".join(said)
    assert "localhost only" in text
    assert "Ctrl+C" in text
    events = [json.loads(line) for line in said if line.startswith("{")]
    assert [event["event"] for event in events] == ["started", "joined", "disconnected", "stopped"]
    assert (events[1]["room"], events[1]["participant"]) == ("r", "ada")
    for secret in ("sesame", "between us", "token"):
        assert secret not in "\n".join(json.dumps(event) for event in events)


async def test_a_certificate_makes_it_https(certificate: Path) -> None:
    with serving("--cert", str(certificate), "--host", "0.0.0.0") as (url, said):
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(certificate))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/health", ssl=trust, headers={"Origin": url}) as response,
        ):
            assert (await response.json())["status"] == "ok"
    assert not any("localhost only" in line for line in said)
    assert any("--require-token" in line for line in said)


async def test_a_token_of_the_command_opens_the_room(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["token", "--secret-file", str(secret_file), "--room", "lab", "--role", "owner", "--name", "Ada"])
    token = capsys.readouterr().out.strip()

    with serving("--require-token", "--secret-file", str(secret_file)) as (url, _):
        async with Client(url, token=token) as ada:
            joined = await in_room(ada, "lab", "ada")
    assert joined["participants"][0]["userName"] == "Ada"
    claims = verify_token(SECRET.encode(), token)
    assert (claims.room, claims.role) == ("lab", "owner")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--secret-file", "nowhere"], "cannot be read"),
        (["serve", "--secret-file", "short"], "32 or more"),
        (["serve", "--cert", "nowhere"], "cannot be read"),
        (["serve", "--cert", "short"], "PEM"),
        (["serve", "--key", "short"], "--cert"),
        (["serve", "--port", "65536"], "65536"),
        (["serve", "--max-participants", "0"], "at least 1"),
        (["serve", "--origins", "*"], "no origin"),
        (["serve", "--public-url", "calls.example.edu"], "no origin"),
        (["token", "--secret-file", "nowhere", "--room", "r"], "cannot be read"),
        (["token", "--secret-file", "good", "--room", "../r"], "room's id"),
        (["token", "--secret-file", "good", "--room", "*"], "admin"),
        (["token", "--secret-file", "good", "--room", "r", "--ttl", "0"], "0 s"),
        (["token", "--secret-file", "good", "--room", "r", "--name", "\u202e"], "name"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "good").write_text(SECRET)
    result = run(*arguments, folder=tmp_path)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--turn", "turn:x"], "--turn-secret-file"),
        (["--turn-secret-file", "good"], "--turn"),
        (["--turn", "stun:x", "--turn-secret-file", "good"], "STUN server"),
        (["--turn", "turn:x", "--turn-secret-file", "short"], "32 or more"),
        (["--turn", "turn:x", "--turn-secret-file", "good", "--turn-ttl", "1"], "60 to 86400"),
        (["--stun", "stun.example.org"], "must begin with"),
    ],
)
def test_turn_servers_that_cannot_be_are_said(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "good").write_text(SECRET)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])

    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert SECRET not in said


async def test_turn_servers_of_the_command_reach_whoever_joins(secret_file: Path) -> None:
    turn = (
        "--turn",
        "turn:turn.example.org",
        "turns:turn.example.org",
        "--turn-secret-file",
        str(secret_file),
    )
    with serving(*turn, "--stun", "stun:turn.example.org", "--turn-ttl", "600", "--analytics") as (url, said):
        async with Client(url) as ada:
            joined = await in_room(ada, "lab", "ada")

    urls = [entry["urls"] for entry in joined["iceServers"]]
    assert urls == [["stun:turn.example.org"], ["turn:turn.example.org", "turns:turn.example.org"]]
    assert joined["collectsAnalytics"] is True
    assert joined["iceServers"][1]["credential"] not in "\n".join(said)
    assert SECRET not in "\n".join(said)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), folder=tmp_path)

    assert result.returncode == 2
    assert f"Port {port} is in use" in result.stderr


def test_a_secret_that_others_can_read_is_said(secret_file: Path) -> None:
    secret_file.chmod(0o600 | stat.S_IROTH)
    with serving("--secret-file", str(secret_file)) as (_, said):
        assert not any("outlive" in line for line in said)
    assert any("chmod 600" in line for line in said)


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbrtc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
