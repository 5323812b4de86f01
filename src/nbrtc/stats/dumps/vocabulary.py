"""Words and figures of the standards: what a text may keep when everything else is removed from it.

An allowlist, because nobody can list what a name, a label or a token may look like.
"""

import re

REDACTED = "[redacted]"

_WORDS_TEXT = """
a active actpass aborted absent actual adapter adaptation add added all alpn and answer audio
audiooutput available av1 balanced bandwidth bluetooth both browser bundle camera cancelled
candidate cellular certificate change changed checking chunks client close closed closing codec
compat complete completed congested connected connecting connection constraints controlled
controlling copied could cpu data degraded delivery detail devicechange device devices dir disabled
disconnected display downlink driven dtls due effect enabled encoder end ended environment
error ethernet exists fail failed failure false fec fir first for framerate free from
frozen fullscreen gathering generation google gone h264 h265 have hd hidden high highest host ice idle
image in inactive inbound inprogress ip4 ip6 is joined keyframe label leave left limited live local
loopback low lowest lost maintain max maxcompat media medium microphone min mixed motion mute muted
nack network new no none not null off offer ok on only open opened opus other outbound output pacing
passive paused pcma pcmu pending pli plan preview prflx pranswer python quality qualified quic
raised ready received receive reconnected reconnecting recording recvonly red registered relay
reliable remote removed replaced request resolution restart restarted resumed rejected rollback rtp
rtx running sample screen screenshare sctp sdes self send sender sending sendonly sendrecv server
sha share shared signaling size small speech srflx ssltcp stable standard start started state stats
stop stopped stream stereo style succeeded success superseded switched system takeover tcp the time
timeout tls to track transport true tunnel turn turned type udp ulpfec unified unknown unmute
unmuted update urgent use used user vga video videoinput visible voice vp8 vp9 vpn waiting was wifi window
with without writable wimax x yes you auto microphones cameras audioinput g711 g722 cn telephone
event l1t1 l1t2 l1t3 l2t1 l2t3 l3t3 s2t1 s3t3 l3t3_key l2t3_key jpeg have-local-offer
have-remote-offer have-local-pranswer have-remote-pranswer max-bundle max-compat bundle-policy
aborterror datachannel invalidaccesserror invalidmodificationerror invalidstateerror networkerror
notallowederror notfounderror notreadableerror notsupportederror operationerror overconstrainederror
securityerror syntaxerror typeerror unknownerror constraintnotsatisfiederror maintain-framerate
maintain-resolution maintain-framerate-and-resolution very-low webrtc webrtc-internals rtcstats
rtcstatsdump jitsi nbrtc internals dump legacy chrome chromium firefox safari edge opera brave
google microsoft apple mozilla samsung headlesschrome trickle renomination addtrack removetrack
addtransceiver setlocaldescription setremotedescription createoffer createanswer addicecandidate
replacetrack sdp sdpmid sdpmlineindex
"""
WORDS = frozenset(_WORDS_TEXT.split())
"""Values of webrtc-pc, webrtc-stats, mediacapture-main, and of nbrtc's own events, in lower case."""

FIGURE = re.compile(r"[+-]?\d{1,7}(\.\d{1,9})?(%|m?s|[kM]?b(ps|/s)|[kM]?bit/s|fps|k?Hz|px?|[kMG]i?B)?")
"""A figure with or without its unit. Longer runs of digits may be a telephone number or an address."""

SIZE = re.compile(r"\d{2,5}x\d{2,5}(@\d{1,3}(\.\d+)?)?")

_TOKEN = re.compile(r"[^\s,;(){}\[\]\"'<>=|]+")
_JOINTS = re.compile(r"[/@_-]|->")


def in_plain_words(text: str) -> str:
    """The text with everything replaced that is neither a word of the standards nor a figure."""
    replaced = _TOKEN.sub(lambda found: found[0] if _is_plain(found[0]) else REDACTED, text)
    return re.sub(r"(\[redacted\][\s,;]*){2,}", f"{REDACTED} ", replaced).strip()


def is_plain(text: str) -> bool:
    """Whether nothing of it would be replaced."""
    return all(_is_plain(token) for token in _TOKEN.findall(text))


def _is_plain(token: str) -> bool:
    token = token.rstrip(".:!?")
    return _is_known(token) or all(_is_known(part) for part in _JOINTS.split(token))


def _is_known(part: str) -> bool:
    return not part or part.lower() in WORDS or bool(FIGURE.fullmatch(part) or SIZE.fullmatch(part))
