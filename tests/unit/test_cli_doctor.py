"""``nbrtc doctor``: what it prints, when it fails, and what it refuses."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nbrtc.cli import main
from nbrtc.doctoring.terminal import Listener
from nbrtc.messages import Checked, CheckName, CheckResult, encode_json

SECRET = "a secret of the test that is long enough"
TURN = "turn:turn.example.org"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in (("secret", SECRET), ("credential", "pa55word\n"), ("empty", "\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_checks_prints_writes_a_page_and_fails_where_something_failed(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # closed again: nobody listens there
        port = taken.getsockname()[1]
    url = f"turn:127.0.0.1:{port}?transport=tcp"
    server = f"http://127.0.0.1:{port}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "nbrtc", "doctor", "--json", "--html", "report.html"),
            *("--server", server, "--ice-server", url, "--turn-secret-file", "secret"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    results = {result["title"]: result for result in json.loads(done.stdout)}
    assert results[url]["outcome"] == "fail"
    assert results["Room server"]["outcome"] == "fail"
    assert results["Versions"]["outcome"] == "pass"
    assert {result["by"] for result in results.values()} <= {"engine", "kernel"}
    page = (folder / "report.html").read_text("utf-8")
    assert server in page
    assert url in page
    for text in (done.stdout, done.stderr, page):
        assert SECRET not in text
        assert "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ice-server", "turn.example.org"], "must begin with"),
        (["--ice-server", TURN], "credentials"),
        (["--ice-server", TURN, "--username", "ada"], "--credential-file"),
        (["--ice-server", TURN, "--credential-file", "credential"], "--username"),
        (["--ice-server", TURN, "--username", "ada", "--credential-file", "empty"], "empty"),
        (["--ice-server", TURN, "--username", "ada", "--credential-file", "nowhere"], "cannot be read"),
        (["--ice-server", TURN, "--turn-secret-file", "nowhere"], "cannot be read"),
        (["--ice-server", TURN, "--turn-secret-file", "empty"], "32 or more"),
        (
            [
                *("--ice-server", TURN, "--turn-secret-file", "secret"),
                *("--username", "ada", "--credential-file", "credential"),
            ],
            "exclude each other",
        ),
        (["--server", "ftp://calls.example.edu"], "URL"),
        (["--ice-server", *(f"stun:s{number}.example" for number in range(21))], "20 are the most"),
        (["--html", "nowhere/report.html"], "there is no folder 'nowhere'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(
    arguments: list[str], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", *arguments])

    assert caught.value.code == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert not said.out
    for secret in (SECRET, "pa55word"):
        assert secret not in said.err


def test_what_the_engine_did_not_finish_is_a_line_that_failed() -> None:
    listener = Listener("mine")
    planned = (CheckName("python-udp", "UDP sockets"), CheckName("python-server turn:t", "turn:t"))
    found = CheckResult("python-udp", "UDP sockets", "pass", "engine", "UDP sockets work.")
    for event in (
        Checked("mine", (), planned=planned),
        Checked("mine", (found,)),
        Checked("another", (found,), planned=planned[:1], done=True),
        Checked("mine", (), done=True),
    ):
        assert not listener.ended.is_set()
        listener.hear(None, encode_json(event).decode())

    assert listener.ended.is_set()
    first, second = listener.results
    assert first == found
    assert (second.title, second.outcome, second.by) == ("turn:t", "fail", "engine")
    assert "not finished in time" in second.detail
