"""Rules about pictures and sound themselves: computers too slow, freezes, silence, darkness, quality.

See `nbrtc.stats.findings.rules_path` for how rules are written.
"""

from collections.abc import Iterator
from math import isnan, nan, sqrt

from nbrtc.stats.findings.beat import Beat
from nbrtc.stats.findings.course import Figures, Sign
from nbrtc.stats.findings.rules_path import LOSS, RAMP_S, SLIDESHOW_FPS, loss_of
from nbrtc.stats.findings.scene import LINK, RELIEF, WINDOW, Key, Scene
from nbrtc.stats.interval import ratio, share
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction
from nbrtc.stats.scores.sound_score import SILENCE

BUSY, FULL = 0.8, 0.95
"""Share of the time that coding one picture after the other takes."""
SKIPPED = 0.15, 0.4
"""Share of the arrived pictures that were not shown."""
SKIPPED_WHILE_BUSY = 0.05
UNEVEN = 0.25
"""Standard deviation of the frame rate, as a share of its mean."""
FROZEN = 0.10, 0.30
BUFFER_S = 0.5, 1.0
STRETCHED = 0.05, 0.2
CONCEALED = 0.05, 0.2
SWITCHED_S = WINDOW + 2.0
"""After a switch of the other end's picture, what stood still before is in the window for so long."""
ASYMMETRY = 1.5, 2.5
"""Points of MOS between the two directions."""
REQUESTS_PER_S = 0.5
EMPTY_BITS_PER_PIXEL = 0.002
EMPTY_BYTES = 100.0
"""A picture that costs less, at a fine quantiser and a full rate, has nothing in it that moves or differs."""
FULL_RATE_FPS = 5.0
FINE_QP = {"vp8": 20.0, "vp9": 70.0, "av1": 70.0, "h264": 24.0, "h265": 24.0}
"""In the scale of each codec (127, 255, 255, 51, 51): an encoder that had little to do."""
SLOW, STILL_SLOW = 0.4, 0.48
"""Shares of the rate asked for: below the first a slow camera begins, from the second on it is over. Both are
below one half, because many cameras give 15 pictures a second in a room, where 30 were asked for."""
USUAL_FPS = 20.0
"""What the share is taken of where nobody asked the camera for a rate."""


def cpu_encoder(scene: Scene) -> Iterator[Sign]:
    """A computer that cannot encode as much as it should."""
    row = scene.row("send", "video")
    if row is None or scene.age_s < RAMP_S or not row.fps > 0:
        return
    load = row.encode_s * row.fps
    if row.limitation is None and isnan(load):
        return
    camera_fps = scene.beat.camera_fps
    stepped_down = scene.around.stepped_down_for == "cpu" and row.frame_width < scene.beat.camera.gauge(
        "width"
    )
    limited = row.limitation == "cpu" or stepped_down
    severity = 2 if limited or load >= FULL else 0
    if severity and (row.fps < camera_fps / 2 or row.fps < SLIDESHOW_FPS):
        severity = 3
    figures: Figures = {"encode_s": row.encode_s, "fps": row.fps, "camera_fps": camera_fps, "load": load}
    yield Sign("cpu-encoder", "send", "video", severity, figures)


def cpu_decoder(scene: Scene) -> Iterator[Sign]:
    """A computer that cannot decode and show what arrives."""
    row = scene.row("receive", "video")
    if row is None or scene.age_s < RAMP_S or scene.around.is_hidden:
        return
    loss = loss_of(scene, "receive")
    decoded = row.fps * scene.beat.seconds
    skipped = row.frames_dropped / (row.frames_dropped + decoded) if decoded > 0 else nan
    load = row.decode_s * row.fps
    if isnan(load) and isnan(skipped):
        return
    unevenness = _unevenness(scene.known(_received_fps))
    # Without loss, because pictures that lack a packet are dropped, too, and for the network's sake.
    is_whole = loss < LOSS[0]
    # A long decode alone is no fault: hardware decodes several pictures at once.
    is_late = load >= BUSY and (skipped >= SKIPPED_WHILE_BUSY or unevenness >= UNEVEN)
    severity = scene.severity(("cpu-decoder", "receive", "video"), skipped, *SKIPPED)
    severity = max(severity, 2 if is_late else 0) if is_whole else 0
    figures: Figures = {
        "decode_s": row.decode_s,
        "fps": row.fps,
        "load": load,
        "dropped_fraction": skipped,
        "fps_deviation": unevenness,
    }
    yield Sign("cpu-decoder", "receive", "video", severity, figures)


def freezes(scene: Scene) -> Iterator[Sign]:
    """A picture that stands still while it should move."""
    row = scene.row("receive", "video")
    if row is None or scene.age_s < 5.0:
        return
    # A camera that was off for a moment counts as a freeze when it is on again, and in the whole window.
    if scene.picture_age_s < SWITCHED_S and scene.picture_age_s < scene.age_s:
        return
    # Browsers save work for what nobody sees, and a screen may well stand still.
    if scene.around.is_hidden or scene.around.theirs(scene.peer, "screen"):
        return
    stood = share(scene.mean(lambda beat: beat.freeze_share))
    stands = row.fps == 0 and row.packets > 3 * scene.beat.seconds
    if isnan(stood) and isnan(row.fps):
        return
    severity = scene.severity(("freezes", "receive", "video"), stood, *FROZEN)
    figures: Figures = {"freeze_fraction": 1.0 if stands else stood, "fps": row.fps}
    yield Sign("freezes", "receive", "video", 3 if stands else severity, figures)


def media_sync(scene: Scene) -> Iterator[Sign]:
    """A jitter buffer that holds back too much, or sound that is stretched to fit."""
    if scene.age_s < RAMP_S:
        return
    for kind in KINDS:
        row = scene.row("receive", kind)
        if row is None or (scene.peer == LINK and kind == "audio"):
            continue
        key: Key = ("media-sync", "receive", kind)
        stretched = scene.mean(lambda beat: beat.stretched_fraction) if kind == "audio" else nan
        if isnan(row.jitter_buffer_s) and isnan(stretched):
            continue
        severity = max(
            scene.severity(key, row.jitter_buffer_s, *BUFFER_S), scene.severity(key, stretched, *STRETCHED)
        )
        figures: Figures = {"jitter_buffer_s": row.jitter_buffer_s, "stretched_fraction": stretched}
        yield Sign("media-sync", "receive", kind, severity, figures)


def concealed_sound(scene: Scene) -> Iterator[Sign]:
    """Sound that had to be made up."""
    row = scene.row("receive", "audio")
    if row is None or scene.age_s < 5.0 or scene.peer == LINK or not row.packets > 0:
        return
    if scene.around.theirs(scene.peer, "microphone") is False:
        return
    share = scene.mean(lambda beat: beat.audible_concealment)
    if not isnan(share):
        severity = scene.severity(("concealed-sound", "receive", "audio"), share, *CONCEALED)
        yield Sign("concealed-sound", "receive", "audio", severity, {"concealed_fraction": share})


def silent_microphone(scene: Scene) -> Iterator[Sign]:
    """A microphone that is open and gives digital silence."""
    row = scene.row("send", "audio")
    if row is None or not row.packets > 0 or isnan(row.audio_level):
        return
    is_on = scene.around.own("microphone")
    # Where nobody said whether it is muted, it may well be.
    severity = {True: 2, None: 1, False: 0}[is_on] if row.audio_level <= SILENCE else 0
    yield Sign("silent-microphone", "send", "audio", severity, {"audio_level": row.audio_level}, needed=5)


def black_camera(scene: Scene) -> Iterator[Sign]:
    """A camera whose pictures have nothing in them."""
    row = scene.row("send", "video")
    if row is None or not row.fps >= FULL_RATE_FPS or not _is_of_camera(scene):
        return
    bytes_per_frame = row.bitrate_bps / 8 / row.fps
    least = max(EMPTY_BYTES, EMPTY_BITS_PER_PIXEL * row.frame_width * row.frame_height / 8)
    fine = FINE_QP.get((row.codec or "").lower(), nan)
    if isnan(bytes_per_frame) or isnan(row.qp) or isnan(fine):
        return
    is_empty = bytes_per_frame < least and row.qp <= fine
    severity = {True: 2, None: 1, False: 0}[scene.around.own("camera")] if is_empty else 0
    figures: Figures = {"bytes_per_frame": bytes_per_frame, "qp": row.qp, "fps": row.fps}
    yield Sign("black-camera", "send", "video", severity, figures, needed=5)


def slow_camera(scene: Scene) -> Iterator[Sign]:
    """A camera that itself gives few pictures, or none: not the network's fault, and not the encoder's."""
    row, camera_fps = scene.row("send", "video"), scene.beat.camera_fps
    if row is None or isnan(camera_fps) or scene.beat.is_active("video") is not True:
        return
    if scene.age_s < 5.0 or not _is_of_camera(scene):
        return
    is_on = scene.around.own("camera")
    asked_fps = scene.around.asked_fps
    share_of_asked = STILL_SLOW if scene.is_on(("slow-camera", "send", "video")) else SLOW
    severity = 2 if camera_fps < share_of_asked * (asked_fps or USUAL_FPS) else 0
    if camera_fps == 0:
        severity = {True: 3, None: 0, False: 0}[is_on]
    if scene.around.is_hidden:
        severity = min(1, severity)
    figures: Figures = {"camera_fps": camera_fps, "asked_fps": nan if asked_fps is None else asked_fps}
    figures["page"] = "hidden" if scene.around.is_hidden else "shown"
    yield Sign("slow-camera", "send", "video", severity, figures, needed=5)


def keyframe_requests(scene: Scene) -> Iterator[Sign]:
    """Whole pictures that are asked for again and again."""
    if scene.age_s < RAMP_S:
        return
    for direction in DIRECTIONS:
        if scene.row(direction, "video") is None:
            continue
        asked = ratio((beat.requests[direction], beat.seconds) for beat in scene.recent)
        if isnan(asked):
            continue
        severity = min(
            2, scene.severity(("keyframe-requests", direction, "video"), asked, REQUESTS_PER_S, 9e9)
        )
        figures: Figures = {"keyframe_requests_per_s": asked}
        yield Sign("keyframe-requests", direction, "video", severity, figures)


def asymmetric_quality(scene: Scene) -> Iterator[Sign]:
    """One direction much worse than the other."""
    if scene.age_s < RAMP_S or scene.around.is_hidden:
        return
    for kind in KINDS:
        ways = scene.row("send", kind), scene.row("receive", kind)
        if ways[0] is None or ways[1] is None or isnan(ways[0].mos + ways[1].mos):
            continue
        # The newest second first: nearly always that is all there is to look at.
        sent, received = ways[0].mos, ways[1].mos
        if abs(sent - received) >= RELIEF * ASYMMETRY[0]:
            sent, received = (scene.mean_of(direction, kind, "mos") for direction in DIRECTIONS)
        worse: Direction = "send" if sent < received else "receive"
        figures: Figures = {"send_mos": sent, "receive_mos": received}
        for direction in DIRECTIONS:
            key = "asymmetric-quality", direction, kind
            severity = scene.severity(key, abs(sent - received), *ASYMMETRY) if direction == worse else 0
            yield Sign("asymmetric-quality", direction, kind, max(0, severity - 1), figures)


def _is_of_camera(scene: Scene) -> bool:
    """Whether the sent picture comes from the camera: not a screen, and not Python's."""
    if scene.beat.is_screen or scene.around.own("screen"):
        return False
    return scene.peer == LINK or not scene.around.sends_own()


def _received_fps(beat: Beat) -> float:
    row = beat.row("receive", "video")
    return nan if row is None else row.fps


def _unevenness(rates: list[float]) -> float:
    """Standard deviation over mean; NaN of fewer than five."""
    if len(rates) < 5:
        return nan
    mean = sum(rates) / len(rates)
    return sqrt(sum((rate - mean) ** 2 for rate in rates) / len(rates)) / mean if mean > 0 else nan


MEDIA_RULES = (
    cpu_encoder,
    cpu_decoder,
    freezes,
    media_sync,
    concealed_sound,
    silent_microphone,
    black_camera,
    slow_camera,
    keyframe_requests,
    asymmetric_quality,
)
