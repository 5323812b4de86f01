"""ICE as page, engine and kernel speak of it: configuration, the decision behind it, what was seen, checks.

Credentials are only in `IceConfiguration`, which goes to the page that uses it and nowhere else.
"""

from typing import Literal

from .wire import Wire

IceTransportPolicy = Literal["all", "relay"]
"""webrtc-pc, section 4.2.5."""
BundlePolicy = Literal["balanced", "max-compat", "max-bundle"]
"""webrtc-pc, section 4.2.6."""
CandidateType = Literal["host", "srflx", "prflx", "relay"]
"""RFC 8445, section 5.1.1; the short names of RFC 8839."""
Transport = Literal["udp", "tcp", "tls"]
"""How a STUN or TURN server is reached (RFC 7065: ``turns`` is TLS)."""


class IceServerEntry(Wire, frozen=True):
    """One entry of ``RTCConfiguration.iceServers`` (webrtc-pc, section 4.2.4)."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


class IceConfiguration(Wire, frozen=True):
    """What the page makes its peer connections with (``RTCConfiguration``, webrtc-pc, section 4.2.1).

    It may hold credentials, so it is in no state and in no log.
    """

    ice_servers: tuple[IceServerEntry, ...] = ()
    """The best first."""
    ice_transport_policy: IceTransportPolicy = "all"
    bundle_policy: BundlePolicy = "max-bundle"
    ice_candidate_pool_size: int = 0
    max_bitrate_bps: int | None = None
    """Of what the page sends to one peer, picture and sound together; None for no limit."""
    left_s: float | None = None
    """In how many seconds, from when this is said, a TURN credential is refused; None if none expires.
    No time of day: the clocks of page, engine and server differ."""

    def __repr__(self) -> str:
        urls = [url for server in self.ice_servers for url in server.urls]
        return f"IceConfiguration(urls={urls!r}, ice_transport_policy={self.ice_transport_policy!r}, ...)"


class IceOptions(Wire, frozen=True):
    """What a person asks of `nbrtc.IcePolicy`. They combine."""

    privacy: bool = False
    """Only relayed candidates: nobody learns an address of this machine, and none is asked of STUN."""
    low_latency: bool = False
    """Candidates are gathered ahead, and servers are ordered by round-trip time."""
    max_reliability: bool = False
    """Every server and transport is tried, those that worked before first."""
    limit_bps: int | None = None
    """At most so much is sent to one peer; None for what the quality asks."""
    force_turn: bool = False
    """Only relayed candidates, over whatever transport works."""


class IceDecision(Wire, frozen=True):
    """What was decided, and why; without credentials. It is part of `CallState`."""

    options: IceOptions = IceOptions()
    ice_transport_policy: IceTransportPolicy = "all"
    bundle_policy: BundlePolicy = "max-bundle"
    ice_candidate_pool_size: int = 0
    max_bitrate_bps: int | None = None
    urls: tuple[str, ...] = ()
    """Of the servers that are used, the best first."""
    left_out: tuple[str, ...] = ()
    """Of those that are configured and not used."""
    reasons: tuple[str, ...] = ()
    """One sentence for each choice."""


class NetworkInformation(Wire, frozen=True):
    """What the browser knows of its network (Network Information API, section 4); None where it does not."""

    type: str | None = None
    """``"wifi"``, ``"cellular"``, ``"ethernet"``, ..."""
    effective_type: str | None = None
    """``"slow-2g"``, ``"2g"``, ``"3g"``, ``"4g"``."""
    downlink_bps: float | None = None
    rtt_s: float | None = None
    save_data: bool | None = None


class ServerProbe(Wire, frozen=True):
    """How one URL of a STUN or TURN server answered."""

    url: str
    by: Literal["page", "engine"]
    ok: bool
    """A STUN server told an address; a TURN server gave an allocation."""
    transport: Transport
    time_s: float
    """Unix time in seconds."""
    rtt_s: float | None = None
    """Of one transaction by the engine; by the page, from the start of gathering to the candidate."""
    candidate_types: tuple[CandidateType, ...] = ()
    error_code: int | None = None
    """STUN's (RFC 8489, section 14.8), or 701: it cannot be reached (webrtc-pc, section 4.8.2)."""
    error: str = ""
    """One sentence for a person; empty if `ok`."""


# --- what was seen of a connection, for `call.ice` --------------------------------------------------------


class CandidateSeen(Wire, frozen=True, tag="candidate-seen"):
    """A candidate was gathered, or came from the other side (webrtc-stats, RTCIceCandidateStats)."""

    time_s: float
    """Unix time in seconds; so in all of these."""
    peer: str
    """``"python"`` for the page's end of the link, ``"you"`` for the engine's end of it, else a participant's
    id; so in all of these."""
    generation: int
    id: str
    """Unique in its connection; `PairSeen` names it."""
    is_remote: bool
    candidate_type: CandidateType
    address: str
    """An IP address or an mDNS name; empty where the browser hides it."""
    port: int | None
    protocol: Literal["udp", "tcp"]
    relay_protocol: Transport | None = None
    """How the TURN server of an own relay candidate is reached."""
    url: str = ""
    """The server that gave it."""
    priority: int | None = None
    related_address: str = ""
    related_port: int | None = None
    foundation: str = ""


class CandidateFailed(Wire, frozen=True, tag="candidate-failed"):
    """A server gave no candidate (``icecandidateerror``, webrtc-pc, section 4.8.2)."""

    time_s: float
    peer: str
    generation: int
    url: str
    error_code: int
    error_text: str
    address: str = ""


class CandidateRefused(Wire, frozen=True, tag="candidate-refused"):
    """A candidate of the other side was not taken: why."""

    time_s: float
    peer: str
    generation: int
    address: str
    reason: str


class PairSeen(Wire, frozen=True, tag="pair-seen"):
    """A pair changed its state (RFC 8445, section 6.1.2.6; webrtc-stats, RTCIceCandidatePairStats)."""

    time_s: float
    peer: str
    generation: int
    local_id: str
    remote_id: str
    state: Literal["frozen", "waiting", "in-progress", "failed", "succeeded"]
    nominated: bool = False
    selected: bool = False
    """It carries the media from now on."""
    rtt_s: float | None = None
    requests_sent: int | None = None
    responses_received: int | None = None


class IceStateSeen(Wire, frozen=True, tag="ice-state-seen"):
    """``iceGatheringState`` or ``iceConnectionState`` changed, or ICE was started anew."""

    time_s: float
    peer: str
    generation: int
    what: Literal["gathering", "connection", "start", "restart", "closed"]
    state: str = ""
    """Verbatim as in webrtc-pc, sections 5.6.3 and 5.6.4; empty for start, restart and closed."""


IceRecord = CandidateSeen | CandidateFailed | CandidateRefused | PairSeen | IceStateSeen


# --- "check my connection" --------------------------------------------------------------------------------


class CheckName(Wire, frozen=True):
    """A line of the connection check that is still to come."""

    name: str
    """As `CheckResult.name`."""
    title: str


class CheckResult(Wire, frozen=True):
    """One line of the connection check."""

    name: str
    """``"secure-context"``, ``"camera"``, ``"server turn:..."``, ...: unique in one report."""
    title: str
    outcome: Literal["pass", "warning", "fail", "skipped"]
    by: Literal["page", "engine", "kernel"]
    detail: str
    """What was found, with its value, as a sentence."""
    advice: str = ""
    """What to do, as one sentence; empty if it passed."""
    value: float | None = None
    """The measured figure, where there is one."""
    unit: str = ""
    """Of `value`: ``"s"``, ``"fps"``, ``"fraction"``."""
