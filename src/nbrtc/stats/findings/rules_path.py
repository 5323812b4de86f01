"""Rules about the path: loss, jitter, round trip, bandwidth, relays, and media that does not arrive.

A rule looks at a `Scene` and gives a `Sign` for each direction and kind that it knows enough about. NaN
compares false with everything, and each rule is written so that false is no sign of trouble.
"""

from collections.abc import Iterator
from math import isnan, nan

from nbrtc.stats.findings.beat import Beat
from nbrtc.stats.findings.course import Figures, Sign
from nbrtc.stats.findings.scene import LINK, Scene
from nbrtc.stats.interval import largest
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind

LOSS = 0.03, 0.10
"""Warning and error. Field tools begin at 5 %; a picture of many packets suffers earlier."""
LEAST_PACKETS = 50
"""Fewer say nothing about a fraction."""
JITTER_S = 0.05, 0.2
RTT_S = 0.25, 0.6
"""G.114 asks for 150 ms from mouth to ear at most, buffers and codecs included; from 400 ms on for none."""
STARVED_BPS = 150_000.0
SMALL, TINY = 0.9, 0.12
"""Of the camera's pixels."""
SLOW_SHARE, SLIDESHOW_FPS = 0.8, 8.0
RAMP_S = 10.0
"""Congestion control and jitter buffers need so long to find their way."""
REPORT_AGE_S = {True: 6.0, False: 12.0}
"""RTCP comes at least so often (RFC 3550, section 6.2) where video is sent, and where only sound is."""
SILENCE_S = {True: 4.5, False: 7.0}


def network_loss(scene: Scene) -> Iterator[Sign]:
    """Packets that the network lost, picture and sound together: it is one network."""
    for direction in DIRECTIONS:
        counts = [beat.packets[direction] for beat in scene.recent]
        expected = sum(each for _, each in counts)
        if expected < LEAST_PACKETS:
            continue
        loss = sum(lost for lost, _ in counts) / expected
        severity = scene.severity(("network-loss", direction, None), loss, *LOSS)
        yield Sign("network-loss", direction, None, severity, {"loss_fraction": loss})


def jitter(scene: Scene) -> Iterator[Sign]:
    """Packets that arrive unevenly."""
    for direction in DIRECTIONS:
        rows = [row for kind in KINDS if (row := scene.row(direction, kind)) is not None]
        jitter_s = largest(row.jitter_s for row in rows)
        if not isnan(jitter_s):
            severity = scene.severity(("jitter", direction, None), jitter_s, *JITTER_S)
            yield Sign("jitter", direction, None, severity, {"jitter_s": jitter_s})


def round_trip(scene: Scene) -> Iterator[Sign]:
    """A long way there and back."""
    rtt_s = next((row.rtt_s for row in scene.beat.rows.values()), nan)
    if not isnan(rtt_s):
        severity = scene.severity(("high-rtt", None, None), rtt_s, *RTT_S)
        yield Sign("high-rtt", None, None, severity, {"rtt_s": rtt_s})


def bandwidth(scene: Scene) -> Iterator[Sign]:
    """The path carries less than the picture needs."""
    row = scene.row("send", "video")
    if row is None or scene.age_s < RAMP_S or not row.fps > 0:
        return
    if row.limitation is None and isnan(row.available_bitrate_bps):
        return
    camera_fps = scene.beat.camera_fps
    size = row.frame_width * row.frame_height / scene.beat.camera_pixels if scene.beat.camera_pixels else nan
    is_small = size < SMALL or (camera_fps > 0 and row.fps < SLOW_SHARE * camera_fps)
    cannot_tell = isnan(size) and isnan(camera_fps)
    # A bitrate far below what the path carries was chosen (a small tile, a setting), and not imposed.
    is_chosen = row.bitrate_bps < row.available_bitrate_bps / 2
    said = "bandwidth" in (row.limitation, scene.around.stepped_down_for)
    limited = said and (is_small or cannot_tell)
    starved = row.available_bitrate_bps < STARVED_BPS
    severity = 2 if (limited or starved) and not is_chosen else 0
    if severity and (size < TINY or (row.fps < SLIDESHOW_FPS and camera_fps > 2 * SLIDESHOW_FPS)):
        severity = 3
    figures: Figures = {
        "bitrate_bps": row.bitrate_bps,
        "available_bitrate_bps": row.available_bitrate_bps,
        "fps": row.fps,
        "frame_width": row.frame_width,
        "frame_height": row.frame_height,
        "size_fraction": size,
    }
    yield Sign("bandwidth", "send", "video", severity, figures)


def relayed(scene: Scene) -> Iterator[Sign]:
    """A relay or TCP on the way: it works, and costs time."""
    ends = scene.beat.candidates
    if ends is None:
        return
    local, remote = ends
    types = [str(end.get("candidateType") or "") for end in ends]
    protocol = str(local.get("relayProtocol") or local.get("protocol") or remote.get("protocol") or "")
    figures: Figures = {"local": types[0], "remote": types[1], "protocol": protocol}
    # Chrome before 2015, and rtcstats of that time, say "relayed".
    is_relayed = any(kind.startswith("relay") for kind in types)
    yield Sign("relayed-path", None, None, int(is_relayed), figures, needed=2)
    is_tcp = not is_relayed and protocol.lower() in ("tcp", "tls", "ssltcp")
    yield Sign("tcp-path", None, None, int(is_tcp), figures, needed=2)


def one_way(scene: Scene) -> Iterator[Sign]:
    """Something goes one way and nothing the other."""
    sends_video = scene.is_sending("video")
    if not (sends_video or scene.is_sending("audio")):
        return
    if not isnan(scene.beat.path_bytes_received):
        silent_s = _silence_s(scene)
        flat = silent_s >= SILENCE_S[sends_video]
        figures: Figures = {"silent_s": silent_s}
        # Whoever only listens, and only to sound, may send nothing but a report every 2.5 to 7.5 s.
        needed = 1 if sends_video else 2
        yield Sign("one-way-media", "receive", None, 3 if flat else 0, figures, needed=needed)
    age_s = scene.beat.report_age_s
    if not isnan(age_s) and scene.beat.path_bytes_received > 0:
        is_unheard = age_s > REPORT_AGE_S[sends_video]
        yield Sign("one-way-media", "send", None, 3 if is_unheard else 0, {"report_age_s": age_s})


def _silence_s(scene: Scene) -> float:
    """How long nothing has arrived on the path, within the window."""
    silent_s = 0.0
    for beat in reversed(scene.recent):
        if beat.path_bytes_received != 0:
            break
        silent_s += beat.seconds
    return silent_s


def missing_media(scene: Scene) -> Iterator[Sign]:
    """Sound or picture that should come, or go, and does not."""
    if scene.age_s < 4.0:
        return
    for kind in KINDS:
        row = scene.row("receive", kind)
        expected = None if row is None else _is_expected(scene, kind)
        if row is not None and expected is not None and not isnan(row.packets):
            missing = expected and row.packets == 0
            yield Sign("missing-media", "receive", kind, 3 if missing else 0)
        row = scene.row("send", kind)
        if row is not None and scene.beat.path_bytes_received > 0 and _is_given(scene.beat, kind):
            yield Sign("missing-media", "send", kind, 3 if row.packets == 0 else 0)


def _is_expected(scene: Scene, kind: Kind) -> bool | None:
    """Whether the other end sends this; None where nobody can say."""
    if scene.peer == LINK:
        # Python sends silence instead of sound, and pictures as long as the camera or the screen gives some.
        sent = scene.row("send", "video")
        if kind == "audio" or sent is None or not scene.around.returns_picture():
            return None
        return None if scene.beat.is_screen or scene.around.own("screen") else sent.fps > 0
    says_so = scene.beat.sent_by_them(kind) > 0
    if kind == "audio":
        is_on = scene.around.theirs(scene.peer, "microphone")
    else:
        # A screen on which nothing moves needs no packets.
        is_shared = scene.around.theirs(scene.peer, "screen")
        is_on = None if is_shared else scene.around.theirs(scene.peer, "camera")
    return says_so if is_on is None else is_on


def _is_given(beat: Beat, kind: Kind) -> bool:
    """Whether there is something to send."""
    # A shared screen that stands still costs nothing.
    return beat.is_active(kind) is True and (kind == "audio" or (beat.camera_fps > 0 and not beat.is_screen))


def loss_of(scene: Scene, direction: Direction) -> float:
    """Loss of the picture over the window; NaN where unknown."""
    return scene.mean_of(direction, "video", "loss_fraction", "packets")


PATH_RULES = (network_loss, jitter, round_trip, bandwidth, relayed, one_way, missing_media)
