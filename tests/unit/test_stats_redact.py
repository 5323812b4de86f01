"""Redaction: nothing that tells who or where is in the bytes that are written; what analysis needs is."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.dumps import load_dump
from nbrtc.stats.dumps.redact import browser, redacted
from nbrtc.stats.dumps.series import encoded
from nbrtc.stats.dumps.vocabulary import WORDS
from nbrtc.stats.dumps.write import document
from nbrtc.stats.ends.join import join
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.source import StatsSource
from tests.unit.stats_vectors import RECORDED, cases, samples_of

DATA = Path(__file__).parents[1] / "data"
CHROMES = DATA / "dumps" / "chromium-156-internals.json.gz"
FIXTURES = sorted(path for folder in ("dumps", "rtcstats") for path in (DATA / folder).glob("*.gz"))
START_S = 1_800_000_000.0
FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))


def written(source: StatsSource) -> str:
    """What a redacted dump has in it, without the escapes of JSON in JSON."""
    return encoded(document(redacted(source))).decode().replace("\\", "")


# --- secrets in every place


LETTERS = "bcdfghjklmnpqrstvwxz"
# Hypothesis tries the program's own words, too, and those of the standards stay.
words = st.text(LETTERS, min_size=6, max_size=12).filter(lambda word: word not in WORDS)
tokens = st.text(LETTERS + LETTERS.upper() + "0123456789+/", min_size=22, max_size=30).map(lambda t: f"q{t}")
octets = st.integers(1, 254)
ipv4 = st.tuples(octets, octets, octets, octets).map(lambda parts: ".".join(map(str, parts)))
group = st.integers(0x1000, 0xFFFE)
ipv6 = st.one_of(
    st.lists(group, min_size=8, max_size=8).map(lambda parts: ":".join(f"{part:x}" for part in parts)),
    st.lists(group, min_size=8, max_size=8).map(lambda parts: ":".join(f"{part:X}" for part in parts)),
    st.tuples(group, group).map(lambda parts: f"fe80::{parts[0]:x}:{parts[1]:x}"),
    st.tuples(group, group).map(lambda parts: f"{parts[0]:x}:{parts[1]:x}::"),
    ipv4.map(lambda address: f"::ffff:{address}"),
    st.tuples(group, words).map(lambda parts: f"fe80::{parts[0]:x}%{parts[1]}"),
    st.integers(1000, 9999).map(lambda part: f"::{part}"),
)
mdns = st.uuids().map(lambda name: f"{name}.local")
hosts = words.map(lambda word: f"{word}.example.org")
addresses = st.one_of(ipv4, ipv6, mdns, hosts)
jwts = st.tuples(tokens, tokens, tokens).map(lambda parts: f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}")


@st.composite
def secrets(draw: st.DrawFn) -> dict[str, str]:
    return {
        "address": draw(addresses),
        "related": draw(addresses),
        "server": draw(hosts),
        "ufrag": draw(st.text(LETTERS + "0123456789", min_size=4, max_size=8).map(lambda text: f"z{text}z")),
        "pwd": draw(tokens),
        "label": draw(words) + " " + draw(words),
        "device": draw(st.uuids()).hex,
        "track": str(draw(st.uuids())),
        "stream": str(draw(st.uuids())),
        "cname": draw(tokens),
        "user": draw(words),
        "credential": draw(tokens),
        "token": draw(st.one_of(tokens, jwts)),
        "person": draw(words).title() + " " + draw(words).title(),
        "certificate": draw(tokens),
        "session": str(draw(st.integers(10**15, 10**18))),
        "path": draw(words),
    }


def stuffed(s: dict[str, str]) -> LoadedStats:
    """A dump that has them wherever a browser, or the application, puts them."""
    candidate = (
        f"candidate:1456927544 1 udp 2122194687 {s['address']} 43484 typ srflx raddr {s['related']} "
        f"rport 5000 generation 0 ufrag {s['ufrag']} network-id 1 unknown-extension {s['token']}"
    )
    sdp = "\r\n".join(
        [
            "v=0",
            f"o={s['user']} {s['session']} 2 IN IP4 {s['address']}",
            f"s={s['person']}",
            f"i={s['label']}",
            f"e={s['person']} <{s['user']}@{s['server']}>",
            f"c=IN IP6 {s['address']}",
            "t=0 0",
            "a=group:BUNDLE 0 1",
            f"a=msid-semantic: WMS {s['stream']}",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            f"c=IN IP4 {s['address']}",
            f"a=rtcp:9 IN IP4 {s['address']}",
            f"a={candidate}",
            f"a=remote-candidates:1 {s['related']} 5000",
            f"a=ice-ufrag:{s['ufrag']}",
            f"a=ice-pwd:{s['pwd']}",
            "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {FINGERPRINT}",
            f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{s['token']}",
            "a=setup:actpass",
            f"a=mid:{s['path']}",
            f"a=msid:{s['stream']} {s['track']}",
            f"a=extmap:9 http://{s['server']}/{s['path']}",
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "a=rtpmap:111 opus/48000/2",
            f"a=fmtp:111 minptime=10;useinbandfec=1;x-who={s['user']}",
            "a=rtcp-fb:111 transport-cc",
            f"a=ssrc:3043804696 cname:{s['cname']}",
            f"a=ssrc:3043804696 msid:{s['stream']} {s['track']}",
            f"a=ssrc:3043804696 label:{s['track']}",
            f"a=rid:{s['user']} send",
            f"a=simulcast:send {s['user']};{s['path']}",
            f"a=x-unknown:{s['token']}",
            "a=sendrecv",
            "",
        ]
    )
    url = f"https://{s['user']}:{s['credential']}@{s['server']}/{s['path']}?token={s['token']}#{s['person']}"
    common = {"timestamp": 1000 * START_S}
    reports: list[dict[str, Any]] = [
        {
            "id": f"RTCIceCandidate_{s['address']}", "type": "local-candidate", **common,
            "address": s["address"], "ip": s["address"], "relatedAddress": s["related"], "port": 43484,
            "candidateType": "srflx", "protocol": "udp", "usernameFragment": s["ufrag"],
            "url": f"turn:{s['server']}:3478?transport=udp", "foundation": "1456927544",
            "networkType": "wifi", "priority": 2122194687,
        },
        {
            "id": "T01", "type": "transport", **common, "iceLocalUsernameFragment": s["ufrag"],
            "dtlsState": "connected", "selectedCandidatePairId": "CP12345678_abcdefgh", "bytesSent": 5,
            "dtlsCipher": "TLS_AES_128_GCM_SHA256", "localCertificateId": f"CF{FINGERPRINT}",
        },
        {
            "id": f"CF{FINGERPRINT}", "type": "certificate", **common, "fingerprint": FINGERPRINT,
            "fingerprintAlgorithm": "sha-256", "base64Certificate": s["certificate"],
        },
        {
            "id": f"stream_{s['stream']}", "type": "media-source", **common, "trackIdentifier": s["track"],
            "label": s["label"], "deviceId": s["device"], "groupId": s["device"], "width": 640,
        },
        {"id": "D1", "type": "data-channel", **common, "label": s["label"], "protocol": s["token"]},
        {
            "id": "IT01V77", "type": "inbound-rtp", **common, "kind": "video", "ssrc": 77, "mid": s["path"],
            "rid": s["user"], "trackIdentifier": s["track"], "decoderImplementation": "libvpx",
            "packetsReceived": 4, "somethingNew": s["label"], f"key{s['device']}": 1, "cname": s["cname"],
        },
        {
            "id": f"COT01_96_{s['token']}", "type": "codec", **common, "mimeType": "video/VP8",
            "sdpFmtpLine": f"level-asymmetry-allowed=1;sprop-parameter-sets={s['token']}",
        },
    ]  # fmt: skip
    media = {
        "audio": f'{{deviceId: {{exact: ["{s["device"]}"]}}}}', "origin": url, "pid": 7, "rid": 8,
        "request_id": 0, "url": url, "video": "",
        "audio_track_info": json.dumps({"id": s["track"], "label": s["label"]}),
        "stream_id": s["stream"],
    }  # fmt: skip
    texts = {
        "getUserMediaOnSuccess": json.dumps(media, separators=(",", ":")),
        "setLocalDescription": json.dumps({"type": "offer", "sdp": sdp}),
        "setRemoteDescription": f"type: answer, sdp: {sdp}",
        "icecandidate": json.dumps({"sdpMid": s["path"], "sdpMLineIndex": 0, "candidate": candidate}),
        "addIceCandidate": f"sdpMid: 0, sdpMLineIndex: 0, candidate: {candidate}",
        "onicecandidate": candidate,
        "icecandidateerror": f"701 STUN host lookup of {url} from {s['address']}:5 failed, see {s['token']}",
        "addTrack": json.dumps({"kind": "audio", "id": s["track"], "streams": [s["stream"]]}),
        "createDataChannel": json.dumps({"label": s["label"], "ordered": True, "protocol": s["token"]}),
        "devicechange": f"microphone opened: {s['label']}",
        "join": s["person"],
        "chat": f"call me at {s['session']} or {s['user']}@{s['server']}",
        "restartIce": '{"broken": "' + s["token"],
        "close": json.dumps([[[{s["device"]: {"nested": [s["token"], None, 5]}}]]]),
        f"event of {s['person']}": "connected",
        "connectionstatechange": "connected",
    }
    events = [
        StatsEvent(START_S + place, peer, name, text, 1 if peer else 0)
        for place, (name, text) in enumerate(texts.items())
        for peer in ((s["person"],) if name != "getUserMediaOnSuccess" else ("",))
    ]
    info = {
        "format": "webrtc-internals",
        "user_agent": f"Mozilla/5.0 (X11; {s['person']}) Chrome/156.0.8078.79 Safari/537.36 {s['token']}",
        "user_agent_data": {
            "brands": [{"brand": "Chromium", "version": "156.0.8078.79"}, {"brand": s["user"]}],
            "model": s["label"],
        },
        "machine": {"deviceMemory": 16, "name": s["person"]},
        "note": s["token"],
        "connections": {
            s["person"]: {
                "url": url, "pid": 7, "constraints": f"who: {s['person']}",
                "rtcConfiguration": {
                    "iceServers": [
                        {"urls": [f"turns:{s['server']}:443?transport=tcp"], "username": s["user"],
                         "credential": s["credential"]},
                        {"urls": f"stun:{s['address']}"},
                    ],
                    "iceTransportPolicy": "relay",
                },
            },
            "1-9": {
                "url": url,
                "rtcConfiguration": f"{{ iceServers: [turn:{s['server']}], {s['credential']} }}",
            },
        },
    }  # fmt: skip
    samples = [StatsSample(START_S, s["person"], 1, tuple(reports)), StatsSample(START_S, "1-9", 1, ())]
    return LoadedStats(samples, events, info)


@settings(max_examples=60, deadline=None)
@given(secrets())
def test_no_secret_is_in_the_bytes(found: dict[str, str]) -> None:
    text = written(stuffed(found))
    lower = text.lower()

    for name, secret in found.items():
        for part in {secret, *secret.split(" ")}:
            assert part.lower() not in lower, (name, part)
    assert "1456927544" not in text  # foundations are made from addresses
    assert "43484" in text
    assert FINGERPRINT in text
    assert "0456927544" not in text


SECRETS = {
    "address": "192.0.2.7",
    "related": "2001:db8::7",
    "server": "turn.example.org",
    "ufrag": "zg3Kz",
    "pwd": "qwTjh38fhsjkdfhskjdfhkj",
    "label": "Fake Webcam",
    "device": "0f232214d3674000",
    "track": "2f92a1e1-4a36",
    "stream": "e7695a64-b998",
    "cname": "qLkjhgfdsLkjhgfds",
    "user": "bob17",
    "credential": "qwertzuiopasdfgh",
    "token": "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM",
    "person": "Ada Lovelace",
    "certificate": "MIIBFTCBvKADAgECAggO",
    "session": "7935299602015326013",
    "path": "standup",
}


def test_what_is_left_is_still_a_description() -> None:
    found = redacted(stuffed(SECRETS))
    values = {event.name: event.value for event in found.events()}
    description = json.loads(values["setLocalDescription"])

    assert description["type"] == "offer"
    assert description["sdp"].split("\r\n")[:14] == [
        "v=0",
        "o=- 0 2 IN IP4 0.0.0.0",
        "s=-",
        "c=IN IP6 ::",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2122194687 address-1.invalid 43484 typ srflx raddr address-2.invalid rport 5000 "
        "generation 0 ufrag ufrag1 network-id 1",
        "a=ice-ufrag:ufrag1",
        "a=ice-pwd:redactedredactedredacted",
        "a=ice-options:trickle",
    ]
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in description["sdp"]
    assert "a=rtpmap:111 opus/48000/2\r\n" in description["sdp"]
    assert values["setRemoteDescription"].startswith("type: answer, sdp: v=0\r\n")
    assert values["connectionstatechange"] == "connected"
    assert values["devicechange"] == "microphone opened: label-1"
    assert values["icecandidateerror"].startswith("701 ")
    assert json.loads(values["addTrack"]) == {"kind": "audio", "id": "track-1", "streams": ["stream-1"]}


def test_the_same_thing_has_the_same_name_everywhere() -> None:
    source = redacted(stuffed(SECRETS))
    (sample,) = source.samples("participant-1")
    reports: dict[str, dict[str, Any]] = {str(report["type"]): report for report in sample.reports}
    values = {event.name: event.value for event in source.events()}

    assert reports["media-source"]["trackIdentifier"] == json.loads(values["addTrack"])["id"]
    assert reports["local-candidate"]["address"] in values["onicecandidate"]
    assert reports["local-candidate"]["usernameFragment"] in values["onicecandidate"]
    assert reports["transport"]["localCertificateId"] == reports["certificate"]["id"]
    assert set(source.participants()) == {"participant-1", "1-9"}
    assert set(source.info["connections"]) == {"participant-1", "1-9"}
    assert {event.peer for event in source.events()} == {"", "participant-1"}


def test_what_is_known_of_the_browser_is_coarse() -> None:
    info = redacted(stuffed(SECRETS)).info

    assert info["user_agent"] == "Chrome/156"
    assert info["user_agent_data"] == {"brands": [{"brand": "Chromium", "version": "156"}], "mobile": False}
    configuration = info["connections"]["participant-1"]["rtcConfiguration"]
    assert configuration["iceServers"][0]["urls"] == ["turns:redacted.invalid?transport=tcp"]
    assert configuration["iceTransportPolicy"] == "relay"
    assert info["connections"]["1-9"]["url"] == "https://redacted.invalid"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/146.0.0.0 Safari/537.36 Edg/146.0.1",
            "Edg/146",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox/140"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML) Version/18.3 Safari/605.1.15", "Safari/18"),
        ("somebody's own browser", "[redacted]"),
        ("", "[redacted]"),
    ],
)
def test_a_user_agent_becomes_name_and_major_version(agent: str, name: str) -> None:
    assert browser(agent) == name


# --- what analysis needs


NAMED = ["participant", "id", "mid", "rid", "track"]
"""Columns of `derived` that may have pseudonyms."""


def assert_same_figures(before: CallStats, after: CallStats) -> None:
    pd.testing.assert_frame_equal(
        after.to_frame().drop(columns="participant"), before.to_frame().drop(columns="participant")
    )
    pd.testing.assert_frame_equal(after.derived().drop(columns=NAMED), before.derived().drop(columns=NAMED))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_figures_of_real_dumps_stay_as_they_are(path: Path) -> None:
    before = load_dump(path)
    after = CallStats(redacted(before.source))

    assert_same_figures(before, after)
    states = [
        [(event.name, event.value) for event in stats.source.events() if event.name.endswith("statechange")]
        for stats in (before, after)
    ]
    assert states[0] == states[1]


@pytest.mark.parametrize("recorded", RECORDED)
def test_figures_of_live_calls_stay_as_they_are(recorded: str) -> None:
    for case in cases(recorded):
        source = LoadedStats(samples_of(case), [], {})
        assert_same_figures(CallStats(source), CallStats(redacted(source)))


def test_types_of_candidates_and_codecs_stay() -> None:
    before = load_dump(CHROMES)
    after = CallStats(redacted(before.source))
    kept = {
        "local-candidate": ["candidateType", "protocol", "port", "networkType", "priority"],
        "codec": ["mimeType", "payloadType", "clockRate", "sdpFmtpLine"],
        "transport": ["dtlsState", "iceState", "dtlsCipher", "srtpCipher", "selectedCandidatePairId"],
        "certificate": ["fingerprint", "fingerprintAlgorithm"],
        "outbound-rtp": ["encoderImplementation", "scalabilityMode", "qualityLimitationReason", "mid"],
    }
    for type_, columns in kept.items():
        pd.testing.assert_frame_equal(
            after.to_frame(type_)[columns], before.to_frame(type_)[columns], check_dtype=False
        )


def test_both_ends_can_still_be_joined() -> None:
    before = load_dump(CHROMES).source
    after = redacted(before)

    pd.testing.assert_frame_equal(join(after, after), join(before, before))


def test_no_address_of_a_real_dump_is_left() -> None:
    source = load_dump(CHROMES).source
    raw = gzip.decompress(CHROMES.read_bytes()).decode()
    secret = {
        str(report[name])
        for sample in source.samples()
        for report in sample.reports
        for name in ("address", "usernameFragment", "trackIdentifier", "base64Certificate", "foundation")
        if report.get(name)
    }
    text = written(source)

    assert len(secret) >= 8
    for value in secret:
        assert value in raw
        assert value not in text
    assert "X11" not in text
    assert "localhost" not in text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("join", "Max", "name-1"),
        ("leave", "Max", "name-1"),
        ("devicechange", "camera opened: Max Video", "camera opened: label-1"),
        ("devicechange", "camera opened: 42", "camera opened: label-1"),
        ("visibilitychange", "hidden", "hidden"),
        ("microphone", "off", "off"),
    ],
)
def test_a_name_is_a_name_by_its_place_even_if_it_is_a_word_of_the_standards(
    name: str, value: str, expected: str
) -> None:
    source = LoadedStats([], [StatsEvent(START_S, "python", name, value)], {})

    assert redacted(source).events()[0].value == expected
