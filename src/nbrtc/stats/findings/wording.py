"""Problems in words: what happens, with the figure that matters, and what can be done."""

from collections.abc import Callable

from nbrtc.stats.findings.course import Figures
from nbrtc.stats.row import Direction, Kind

Words = tuple[str, str]


class Told:
    """What a sentence is made from."""

    def __init__(self, name: str, direction: Direction | None, kind: Kind | None, figures: Figures) -> None:
        self.name = name
        self.direction = direction
        self.kind = kind
        self._figures = figures

    @property
    def is_sent(self) -> bool:
        """Whether it leaves the browser."""
        return self.direction == "send"

    @property
    def way(self) -> str:
        """Between whom."""
        return f"to {self.name}" if self.is_sent else f"from {self.name}"

    @property
    def what(self) -> str:
        """Picture, sound or both."""
        return {"video": "picture", "audio": "sound", None: "media"}[self.kind]

    def number(self, name: str) -> float | None:
        """A figure; None where it is unknown."""
        value = self._figures.get(name)
        return float(value) if isinstance(value, float | int) else None

    def text(self, name: str) -> str:
        """A word among the figures; empty where it is none."""
        value = self._figures.get(name)
        return value if isinstance(value, str) else ""

    def percent(self, name: str) -> str:
        """A share in words."""
        value = self.number(name)
        if value is None:
            return "part"
        return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"

    def ms(self, name: str) -> str:
        """A time in words."""
        value = self.number(name)
        return "an unknown time" if value is None else f"{1000 * value:.0f} ms"

    def rate(self, name: str) -> str:
        """A bitrate in words."""
        value = self.number(name)
        if value is None:
            return "an unknown rate"
        return f"{value / 1e6:.1f} Mbit/s" if value >= 1e6 else f"{value / 1000:.0f} kbit/s"

    def count(self, name: str, unit: str) -> str:
        """A number with its unit."""
        value = self.number(name)
        return f"too few {unit}" if value is None else f"{value:.0f} {unit}"


def words(code: str, name: str, direction: Direction | None, kind: Kind | None, figures: Figures) -> Words:
    """The sentence and the advice for a problem, one of `TEXTS`."""
    return TEXTS[code](Told(name, direction, kind, figures))


def _loss(told: Told) -> Words:
    # The codes that a loss explains stand among its figures.
    freeze = told.number("freeze_fraction")
    concealed = told.number("concealed_fraction")
    text = f"The network loses {told.percent('loss_fraction')} of the packets {told.way}"
    if freeze is not None and freeze >= 0.05:
        text += f", and the picture stands still for {told.percent('freeze_fraction')} of the time"
    elif concealed is not None and concealed >= 0.05:
        text += f", and {told.percent('concealed_fraction')} of the sound has to be made up"
    return text + ".", (
        "Move closer to the access point or use a cable, and stop large transfers; a lower quality needs "
        "fewer "
        "packets."
    )


def _jitter(told: Told) -> Words:
    return (
        f"Packets {told.way} arrive unevenly, {told.ms('jitter_s')} of jitter.",
        "Something else uses the network in bursts, or the radio link is poor: try a cable, or stop "
        "transfers.",
    )


def _rtt(told: Told) -> Words:
    return (
        f"The way to {told.name} and back takes {told.ms('rtt_s')}: people will talk into each other's "
        "words.",
        "Distance, a VPN, a relay far away or a full queue in the router: switch the VPN off, stop "
        "uploads, or "
        "use a TURN server that is nearer.",
    )


def _bandwidth(told: Told) -> Words:
    size = told.number("frame_width"), told.number("frame_height")
    shown = f" ({size[0]:.0f}x{size[1]:.0f} at {told.count('fps', 'fps')})" if None not in size else ""
    available = told.number("available_bitrate_bps")
    carries = "" if available is None else f"; the path carries about {told.rate('available_bitrate_bps')}"
    return (
        f"The network limits the picture {told.way} to {told.rate('bitrate_bps')}{shown}{carries}.",
        "Stop uploads on this network, use a cable, or choose a lower quality so that the sound has room.",
    )


def _relayed(told: Told) -> Words:
    over = {"": "", "udp": "over UDP", "tcp": "over TCP", "tls": "over TLS"}.get(
        told.text("protocol").lower(), ""
    )
    return (
        f"The media to and from {told.name} goes through a relay {over}".rstrip() + ".",
        "That works, and costs delay. A direct path needs UDP to be let through by both networks.",
    )


def _tcp(told: Told) -> Words:
    return (
        f"The media to and from {told.name} goes over TCP: every loss stops it until it is repaired.",
        "Let UDP through on this network, or ask whoever runs it.",
    )


def _one_way(told: Told) -> Words:
    if told.is_sent:
        return (
            f"{told.name} has not confirmed anything of what is sent for "
            f"{told.count('report_age_s', 's')}, while "
            f"media from there arrives.",
            "A firewall may let packets through in one direction only. Reconnect, or use a relay (TURN).",
        )
    return (
        f"Nothing arrives from {told.name}, although media is sent there.",
        "The network in between is down or lets packets through in one direction only. Reconnect, or use "
        "a relay "
        "(TURN).",
    )


def _missing(told: Told) -> Words:
    if told.is_sent:
        device = "camera" if told.kind == "video" else "microphone"
        return (
            f"The {device} works, and no {told.what} goes out {told.way}.",
            "Switch the device off and on. If that does not help, reconnect.",
        )
    return (
        f"No {told.what} arrives from {told.name}, who sends it.",
        "Other packets arrive, so the path works: reconnect, or ask the other side to switch the device "
        "off and on.",
    )


def _cpu_encoder(told: Told) -> Words:
    return (
        f"This computer is too slow to encode the picture: {told.count('fps', 'fps')}, "
        f"{told.ms('encode_s')} for "
        "each.",
        "Close other programs and tabs, choose a lower quality, or send to fewer people at once.",
    )


def _cpu_decoder(told: Told) -> Words:
    dropped = told.number("dropped_fraction")
    detail = (
        f"{told.percent('dropped_fraction')} of the pictures are left out"
        if dropped is not None and dropped >= 0.05
        else f"decoding takes {told.ms('decode_s')} for each"
    )
    return (
        f"This computer is too slow to show the picture {told.way}: {detail}.",
        "Close other programs and tabs, or ask for a smaller picture.",
    )


def _freezes(told: Told) -> Words:
    share = told.number("freeze_fraction")
    stood = "stands still" if share is not None and share > 0.95 else "keeps freezing"
    return (
        f"The picture from {told.name} {stood}, {told.percent('freeze_fraction')} of the time.",
        "No loss explains it here: the sender's computer or network may be busy. Ask how it looks at that "
        "end.",
    )


def _media_sync(told: Told) -> Words:
    buffer_s, stretched = told.number("jitter_buffer_s"), told.number("stretched_fraction")
    if stretched is not None and stretched >= 0.035 and (buffer_s is None or buffer_s < 0.35):
        text = (
            f"{told.percent('stretched_fraction')} of the sound from {told.name} is slowed down or hurried."
        )
    else:
        text = f"The {told.what} from {told.name} waits {told.ms('jitter_buffer_s')} in the jitter buffer."
    return text, "Packets come unevenly, or this computer is busy. Sound and picture may drift apart."


def _concealed(told: Told) -> Words:
    return (
        f"{told.percent('concealed_fraction')} of the sound from {told.name} has to be made up: it came "
        "too late, or "
        "not at all.",
        "Packets come too late, or this computer plays sound with interruptions: close what is busy, use "
        "a cable.",
    )


def _silent(told: Told) -> Words:
    return (
        "The microphone gives nothing but digital silence; it may be muted on the device or in the system.",
        "Look at the microphone's own switch, choose another one, and check its level in the system's "
        "settings.",
    )


def _black(told: Told) -> Words:
    return (
        f"The camera's picture is black, covered or frozen: {told.count('bytes_per_frame', 'bytes')} are "
        "enough for "
        "each frame.",
        "Look for a shutter or a key that switches the camera off, and whether another program uses it.",
    )


def _slow_camera(told: Told) -> Words:
    fps = told.number("camera_fps")
    gives = "no pictures" if not fps else f"only {fps:.0f} pictures a second"
    if told.text("page") == "hidden":
        return (
            f"The camera's picture comes as {gives}: the page is in the background, where browsers save "
            "work.",
            "Bring the page to the front.",
        )
    return (
        f"The camera itself gives {gives}.",
        "Dark rooms make cameras slow, and so do other programs that use them: more light, or another "
        "camera.",
    )


def _keyframes(told: Told) -> Words:
    asks = f"{told.name} asks" if told.is_sent else f"This browser asks {told.name}"
    per_s = told.number("keyframe_requests_per_s")
    often = "again and again" if per_s is None else f"{per_s:.1f} times a second"
    return (
        f"{asks} for whole pictures {often}: each one costs as much as many others.",
        "Something on the way damages the picture or joins all the time; look at loss and at who receives.",
    )


def _asymmetric(told: Told) -> Words:
    sent, received = told.number("send_mos") or 0.0, told.number("receive_mos") or 0.0
    this, other = (sent, received) if told.is_sent else (received, sent)
    return (
        f"The {told.what} {told.way} is much worse than the other way: MOS {this:.1f} against {other:.1f}.",
        "Compare loss, bitrate and frame rate of both directions: the network or the computer of one side "
        "limits.",
    )


def _failed(told: Told) -> Words:
    return (
        f"The connection to {told.name} failed: no network path works.",
        "Reconnect. If it fails again, a firewall is in the way: a TURN server over TLS gets through most.",
    )


def _interrupted(told: Told) -> Words:
    return (
        f"The connection to {told.name} is interrupted.",
        "It comes back by itself where the network does. Look at the network of both sides.",
    )


def _unstable(told: Told) -> Words:
    return (
        f"The connection to {told.name} broke {told.count('breaks', 'times')} within a minute.",
        "The network changes or drops out: stay on one network, use a cable, or switch the VPN off.",
    )


TEXTS: dict[str, Callable[[Told], Words]] = {
    "network-loss": _loss,
    "jitter": _jitter,
    "high-rtt": _rtt,
    "bandwidth": _bandwidth,
    "relayed-path": _relayed,
    "tcp-path": _tcp,
    "one-way-media": _one_way,
    "missing-media": _missing,
    "cpu-encoder": _cpu_encoder,
    "cpu-decoder": _cpu_decoder,
    "freezes": _freezes,
    "media-sync": _media_sync,
    "concealed-sound": _concealed,
    "silent-microphone": _silent,
    "black-camera": _black,
    "slow-camera": _slow_camera,
    "keyframe-requests": _keyframes,
    "asymmetric-quality": _asymmetric,
    "connection-failed": _failed,
    "connection-interrupted": _interrupted,
    "connection-unstable": _unstable,
}
"""Every code that a finding may have."""
