"""Files that are no dumps, damaged ones and bombs: a clear error within limits, or a valid result."""

import gzip
import io
import json
import math
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbrtc
from nbrtc.errors import DumpError
from nbrtc.stats.derive import derive
from nbrtc.stats.dumps.internals import read_internals
from nbrtc.stats.dumps.limits import Limits
from nbrtc.stats.dumps.rtcstats import read_rtcstats
from nbrtc.stats.streams import derive_streams

DATA = Path(__file__).parents[1] / "data"
INTERNALS = (DATA / "dumps/internals-m142.json").read_bytes()
OLDEST = (DATA / "dumps/internals-m86.json").read_bytes()
LINES = gzip.decompress((DATA / "rtcstats/jitsi_firefox97-standard-stats-sfu.rtcstats.gz").read_bytes())
LEGACY = b"\n".join(
    gzip.decompress(
        (DATA / "rtcstats/jitsi_chrome96-standard-stats-p2p-add-transceiver.rtcstats.gz").read_bytes()
    ).splitlines()[-60:]
)
CHROME = b"\n".join(
    line[:20000]
    for line in gzip.decompress((DATA / "dumps/chromium-156-rtcstats.gz").read_bytes()).splitlines()[:60]
)
MIB = 2**20


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("dump.json", INTERNALS)
    return target.getvalue()


FOREIGN = {
    "is empty": b"",
    "nothing but blanks": b" \n\t\n",
    "is a web page": b"<!DOCTYPE html>\n<html><body>WebRTC Internals</body></html>",
    "begins with b'%PDF": b"%PDF-1.7 \x00\x01\x02",
    "is no dump of statistics: it begins with": bytes(range(128, 256)) * 4,
    "a zip archive": zipped(),
    "text in UTF-16": INTERNALS.decode().encode("utf-16"),
    "neither PeerConnections nor getUserMedia": b'{"name": "package", "version": "1.0.0"}',
    "none is an event of rtcstats": b'["a", "b", 1, 1700000000000]\n["c", null, 2, 1700000000000]\n',
    "fewer than three parts": b"[1, 2]",
    "breaks off after": INTERNALS[: len(INTERNALS) // 2],
    "not valid JSON: invalid character": INTERNALS.replace(b'"pid": 4711', b'"pid": NaN', 1),
    "nested too deeply": b'{"UserAgentData": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "nested too deeply to be": b'["create", "PC_0", '
    + b'{"a":' * 200_000
    + b"1"
    + b"}" * 200_000
    + b", 1700000000000]",
    "Expected `object`, got `array`": b'{"PeerConnections": []}',
    "is damaged after 0 bytes": b"\x1f\x8b\x08\x00" + b"\x00" * 40 + b"nothing",
    "ends after its first line": b"RTCStatsDump",
    "format None": b'RTCStatsDump\n{"a": 1}\n',
    "a Parquet file": b"PAR1\x15\x04",
    "in place of the stats object": b'["getstats", "PC_0", {"A": 7}, 1700000000000]',
    "which is no time in ms": b'["getstats", "PC_0", {}, 1e300]',
}


@pytest.mark.parametrize("said", FOREIGN)
def test_what_is_no_dump_is_named(said: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FOREIGN[said])

    with pytest.raises(DumpError) as caught:
        nbrtc.load_dump(path)

    assert said in str(caught.value)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        nbrtc.load_dump(tmp_path / "none")


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_and_a_wrong_name_do_not_matter(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "statistics.png"
    data = b"\xef\xbb\xbf" + INTERNALS
    path.write_bytes(gzip.compress(data) if packed else data)

    assert len(nbrtc.load_dump(path)) == 10


def test_compressed_parts_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    half = len(INTERNALS) // 2
    path.write_bytes(gzip.compress(INTERNALS[:half]) + gzip.compress(INTERNALS[half:]) + b"\0" * 100)

    assert len(nbrtc.load_dump(path)) == 10


class TestLimits:
    def test_a_bomb_is_stopped_while_it_inflates(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.gz"
        path.write_bytes(gzip.compress(b"[" + b" " * (200 * MIB), compresslevel=1))

        tracemalloc.start()
        try:
            with pytest.raises(DumpError, match="more than 4 MiB"):
                nbrtc.load_dump(path, max_bytes=4 * MIB)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 16 * MIB

    def test_a_plain_file_is_not_read_beyond_the_limit(self, tmp_path: Path) -> None:
        path = tmp_path / "large"
        path.write_bytes(INTERNALS)

        with pytest.raises(DumpError, match="load it with a larger max_bytes"):
            nbrtc.load_dump(path, max_bytes=len(INTERNALS) - 1)
        assert len(nbrtc.load_dump(path, max_bytes=len(INTERNALS))) == 10

    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            (Limits(connections=0), "1 connections, more than the 0"),
            (Limits(series=5), "series in connection 3-1, more than the 5"),
            (Limits(values=100), "values, more than the 100"),
            (Limits(events=3), "4 events, more than the 3"),
            (Limits(polls=9), "10 polls in connection 3-1, more than the 9"),
        ],
    )
    def test_of_series(self, limits: Limits, said: str) -> None:
        with pytest.raises(DumpError, match=said):
            read_internals(INTERNALS, "dump", limits)

    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            (Limits(connections=0), "1 connections, more than the 0"),
            (Limits(values=100), "values, more than the 100"),
            (Limits(events=3), "4 events, more than the 3"),
            (Limits(polls=2), "3 polls, more than the 2"),
            (Limits(line_bytes=1000), "bytes, more than the 1000 that are read"),
        ],
    )
    def test_of_lines(self, limits: Limits, said: str) -> None:
        with pytest.raises(DumpError, match=said):
            read_rtcstats(LINES, "dump", limits=limits)


def test_half_a_character_is_no_reason_to_refuse_a_dump(tmp_path: Path) -> None:
    """JavaScript cuts strings between the halves of an emoji, and writes what is left."""
    path = tmp_path / "dump"
    path.write_bytes(
        INTERNALS.replace(b'"https://example.org/call"', rb'"cut \ud83d here, whole \ud83d\ude00"', 1)
    )

    url = nbrtc.load_dump(path).info["connections"]["3-1"]["url"]
    assert url == "cut \ufffd here, whole \U0001f600"


def test_of_a_key_that_is_there_twice_the_last_counts(tmp_path: Path) -> None:
    """As JSON.parse has it."""
    path = tmp_path / "dump"
    path.write_bytes(
        b'{"PeerConnections": 5, "UserAgent": "a", "PeerConnections": {}, "UserAgent": "b"}'.replace(
            b"5", b"{}"
        )
    )

    assert nbrtc.load_dump(path).info["user_agent"] == "b"


# --- whatever happens to a dump --------------------------------------------------------------------------

HOSTILE: list[Any] = [
    None, True, -1, 0, 10**40, 10**400, -(10**19), 1e308, 4.9e-324, "", "NaN", "1e999", "\u0000",
    "2020-13-45T99:99:99Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z", "[", "[1,[2]]", "[null]",
    "[1e999]", '["a","b"]', [], {}, [[]], [{}], {"": {}}, {"timestamp": "x"}, [None] * 20, 253402300800000,
    -62135596800000, "remote-inbound-rtp", "ssrc", "googCandidatePair",
]  # fmt: skip


def check(data: bytes, folder: Path) -> None:
    """It is read to something that can be worked with, or refused with a DumpError."""
    path = folder / "dump"
    path.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            source = nbrtc.load_dump(path).source
    except DumpError:
        return
    samples = source.samples()
    for sample in samples:
        assert 0 < sample.time_s < 5e9
        for report in sample.reports:
            for name, value in report.items():
                assert isinstance(name, str)
                assert value is None or type(value) in (str, int, float, bool)
                assert type(value) is not float or math.isfinite(value)
                assert type(value) is not int or abs(value) < 2**63
    assert [sample.time_s for sample in samples] == sorted(sample.time_s for sample in samples)
    for event in source.events():
        assert isinstance(event.value, str)
    for row in derive(samples):
        assert not math.isinf(row.bitrate_bps)
    for stream in derive_streams(samples):
        assert not stream.bitrate_bps < 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


hostile = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@hostile
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(folder: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([INTERNALS, OLDEST, LINES, CHROME, LEGACY]))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        how = data.draw(st.sampled_from(["cut", "flip", "delete", "insert", "repeat"]))
        if how == "cut":
            del damaged[max(1, at) :]
        elif how == "flip":
            damaged[at] = data.draw(st.integers(0, 255))
        elif how == "delete":
            del damaged[at : at + data.draw(st.integers(1, 2000))]
        elif how == "insert":
            damaged[at:at] = data.draw(
                st.sampled_from([b"[", b"{", b'"', b"]", b"}", b",", b"\n", b"\\u", b"-", b"9" * 400])
            )
        else:
            damaged[at:at] = damaged[max(0, at - 500) : at]
        damaged = damaged or bytearray(b"{")

    check(bytes(damaged), folder)


@hostile
@given(data=st.data())
def test_wrong_values_anywhere_are_read_or_refused(folder: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([INTERNALS, OLDEST, LINES, CHROME, LEGACY]))
    if whole in (INTERNALS, OLDEST):
        document = json.loads(whole)
        for _ in range(data.draw(st.integers(1, 5))):
            document = replaced(document, data)
        check(json.dumps(document).encode(), folder)
        return
    head, *lines = whole.splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        try:
            row = json.loads(lines[at])
        except ValueError:
            continue  # the fixture cuts long lines
        lines[at] = json.dumps(replaced(row, data)).encode()
    check(b"\n".join([head, *lines]), folder)


def replaced(node: Any, data: st.DataObject) -> Any:
    """The document with one of its nodes replaced, at whatever depth."""
    if isinstance(node, dict) and node and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(node)))
        if not data.draw(st.integers(0, 9)):
            return {
                **node,
                data.draw(st.sampled_from(["", "a-timestamp", "x-[y/s]", "timestamp", "t"])): node[key],
            }
        return {**node, key: replaced(node[key], data)}
    if isinstance(node, list) and node and data.draw(st.integers(0, 5)):
        at = data.draw(st.integers(0, len(node) - 1))
        return [*node[:at], replaced(node[at], data), *node[at + 1 :]]
    if isinstance(node, str) and node.startswith("[") and data.draw(st.booleans()):
        try:
            return json.dumps(replaced(json.loads(node), data))
        except ValueError:
            return node
    return data.draw(st.sampled_from(HOSTILE))
