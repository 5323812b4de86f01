"""How connections are to be made: from servers, wishes, probes, the network and earlier outcomes. Pure.

A call's engine decides so, and `nbrtc.IcePolicy` does where there is no call.
"""

from collections.abc import Iterable, Iterator, Sequence

from ..messages import (
    IceConfiguration,
    IceDecision,
    IceOptions,
    IceServerEntry,
    NetworkInformation,
    ServerProbe,
)
from .outcome import Outcome
from .standing import HEALTHS, Standing, is_udp_blocked, standings
from .urls import parse

NOTHING_ASKED = IceOptions()
MOST_URLS = 4
"""A browser asks all that it is given before it says that it is done, and warns at five."""
MOST_URLS_SLOW = 2
"""In a network where each question takes a second."""
SLOW = ("slow-2g", "2g")
CAPS_BPS = {"slow-2g": 100_000, "2g": 200_000}
SAVE_DATA_BPS = 300_000
CELLULAR_BPS = 1_000_000
POOL_LOW_LATENCY = 1
"""Everything travels over one transport, so that more would gather for nobody."""
NO_TURN = (
    "{asked} needs a TURN server: {none}. Give one in ice_servers, or have the room's server issue one "
    "(nbrtc serve --turn)."
)
PREFERRED = {"udp": 0, "tls": 1, "tcp": 2}
"""TLS before TCP: what lets TCP through only to port 443 lets TLS through."""


def decide(
    urls: Iterable[str],
    options: IceOptions = NOTHING_ASKED,
    *,
    probes: Iterable[ServerProbe] = (),
    network: NetworkInformation | None = None,
    outcomes: Sequence[Outcome] = (),
    now_s: float,
) -> IceDecision:
    """Decide, and say why.

    Parameters
    ----------
    urls
        Of the servers that are configured, in that order.
    probes, network, outcomes
        What is known; each may be empty.
    now_s
        Unix time: old probes are forgotten, and old outcomes weigh less.

    Raises
    ------
    ValueError
        For what is no URL of a STUN or TURN server.
    """
    urls = tuple(urls)
    known = standings(urls, probes, outcomes, network, now_s=now_s)
    relay_only = is_relay_only(options)
    reasons = [_transport(options, known)]
    usable, left_out = known, list(_repeated(urls, known))
    if relay_only:
        usable = [one for one in known if one.parts.kind == "turn"]
        left_out += [
            (one.url, "it is no TURN server, and only relayed candidates are used")
            for one in known
            if one.parts.kind == "stun"
        ]
    blocked = is_udp_blocked(usable)
    if not options.max_reliability:
        usable, dead = _alive(usable)
        left_out += [
            (one.url, f"it {'does not answer' if one.is_silent else 'serves nobody'} ({one.errors})")
            for one in dead
        ]
    ranked = sorted(usable, key=lambda one: _rank(one, options, blocked is not None, network))
    most, why = _most(options, network)
    used = _chosen(ranked, most, blocked is not None)
    left_out += [(one.url, why) for one in ranked if one not in used]
    reasons += _order(used, options, blocked)
    reasons += [f"{url} is left out: {because}." for url, because in left_out]
    pool = POOL_LOW_LATENCY if options.low_latency else 0
    reasons.append(
        f"Candidates are gathered ahead (pool of {pool}), as low_latency asks."
        if pool
        else "Candidates are gathered when a connection is made (pool of 0)."
    )
    reasons.append(
        "Picture, sound and data share one path (max-bundle): one allocation on each TURN server, and "
        "nothing to wait for but that path."
    )
    cap_bps, cap_reason = _cap(options, network)
    reasons.append(cap_reason)
    return IceDecision(
        options=options,
        ice_transport_policy="relay" if relay_only else "all",
        bundle_policy="max-bundle",
        ice_candidate_pool_size=pool,
        max_bitrate_bps=cap_bps,
        urls=tuple(one.url for one in used),
        left_out=tuple(url for url, _ in left_out),
        reasons=tuple(reasons),
    )


def is_relay_only(options: IceOptions) -> bool:
    """Whether nothing but relayed candidates may be used."""
    return options.privacy or options.force_turn


def has_turn(urls: Iterable[str]) -> bool:
    """Whether one of them is a TURN server's."""
    return any(parse(url).kind == "turn" for url in urls)


def lack(options: IceOptions, urls: Iterable[str], none: str = "none is configured") -> str | None:
    """The sentence for what cannot work: relayed candidates only, and no TURN server; else None."""
    if not is_relay_only(options) or has_turn(urls):
        return None
    return NO_TURN.format(asked=f"IcePolicy({_asked(options)})", none=none)


def configuration_of(
    decision: IceDecision, entries: Iterable[IceServerEntry], left_s: float | None = None
) -> IceConfiguration:
    """What the page makes its connections with; `entries` have the decision's URLs and the credentials."""
    return IceConfiguration(
        ice_servers=servers_of(decision, entries),
        ice_transport_policy=decision.ice_transport_policy,
        bundle_policy=decision.bundle_policy,
        ice_candidate_pool_size=decision.ice_candidate_pool_size,
        max_bitrate_bps=decision.max_bitrate_bps,
        left_s=left_s,
    )


def servers_of(decision: IceDecision, entries: Iterable[IceServerEntry]) -> tuple[IceServerEntry, ...]:
    """The decision's URLs, the best first, neighbours with the same credentials together."""
    owners: dict[str, IceServerEntry] = {}
    for entry in entries:
        for url in entry.urls:
            owners.setdefault(url, entry)
    servers: list[IceServerEntry] = []
    for url in decision.urls:
        owner = owners[url]
        is_turn = parse(url).kind == "turn"
        username, credential = (owner.username, owner.credential) if is_turn else (None, None)
        last = servers[-1] if servers else None
        if last is not None and (last.username, last.credential) == (username, credential):
            servers[-1] = IceServerEntry((*last.urls, url), username, credential)
        else:
            servers.append(IceServerEntry((url,), username, credential))
    return tuple(servers)


# --- the steps


def _transport(options: IceOptions, known: Sequence[Standing]) -> str:
    asked = _asked(options)
    if options.privacy:
        return f"Only relayed candidates ({asked}): nobody in the call learns an address of this machine."
    if options.force_turn:
        return f"Only relayed candidates ({asked}): everything goes through a TURN server."
    if not known:
        return "No STUN or TURN server is configured: none is contacted, and only direct paths are tried."
    relays = has_turn(one.url for one in known)
    return "All candidates: direct paths are used where they work" + (
        ", a TURN server's relay where they do not." if relays else "; no TURN server could relay elsewhere."
    )


def _asked(options: IceOptions) -> str:
    return ", ".join(f"{name}=True" for name in ("privacy", "force_turn") if getattr(options, name))


def _repeated(urls: Sequence[str], known: Sequence[Standing]) -> Iterator[tuple[str, str]]:
    """Spellings of a server that is there already. The same text twice is nothing to speak of."""
    texts = {one.url for one in known}
    for url in dict.fromkeys(urls):
        if url not in texts:
            yield url, "it is another spelling of a server that is listed already"


def _alive(usable: Sequence[Standing]) -> tuple[list[Standing], list[Standing]]:
    """Those that are not known to be dead; of a kind that has no other, the first dead one is kept."""
    alive = [one for one in usable if one.health != "dead"]
    for kind in ("stun", "turn"):
        of_kind = [one for one in usable if one.parts.kind == kind]
        if of_kind and not any(one.parts.kind == kind for one in alive):
            alive.append(max(of_kind, key=lambda one: (one.reliability, -one.order)))
    return alive, [one for one in usable if one not in alive]


def _rank(
    one: Standing, options: IceOptions, is_blocked: bool, network: NetworkInformation | None
) -> tuple[float, ...]:
    """Small is good. What a probe says now comes before what was earlier, unless that is asked for."""
    health = float(HEALTHS.index(one.health))
    held_up = float(is_blocked and one.parts.transport == "udp")
    rtt_s = float("inf") if one.rtt_s is None else one.rtt_s
    # carriers translate addresses in a way that leaves STUN's useless
    is_mobile = network is not None and network.type == "cellular"
    kind = float((one.parts.kind == "stun") == is_mobile)
    before, transport, order = (
        -round(one.reliability, 2),
        float(PREFERRED[one.parts.transport]),
        float(one.order),
    )
    if options.max_reliability:
        return (before, health, held_up, kind, transport, rtt_s, order)
    if options.low_latency:
        return (health, held_up, rtt_s, kind, transport, before, order)
    return (health, held_up, kind, transport, before, rtt_s, order)


def _most(options: IceOptions, network: NetworkInformation | None) -> tuple[int | None, str]:
    if options.max_reliability:
        return None, ""
    if network is not None and network.effective_type in SLOW:
        return MOST_URLS_SLOW, (
            f"in a {network.effective_type} network {MOST_URLS_SLOW} are asked, and the others come first"
        )
    return MOST_URLS, f"{MOST_URLS} are enough, more slow gathering down, and the others come first"


def _chosen(ranked: Sequence[Standing], most: int | None, is_blocked: bool) -> list[Standing]:
    """The first ones, but of each kind and transport one before the second of any."""
    if most is None or len(ranked) <= most:
        return list(ranked)
    ways = [("turn", "udp"), ("stun", "udp"), ("turn", "tls"), ("turn", "tcp"), ("stun", "tls")]
    if is_blocked:
        ways = [("turn", "tls"), ("turn", "tcp"), ("stun", "udp"), ("turn", "udp"), ("stun", "tls")]
    rounds: list[tuple[int, int, Standing]] = []
    for number, way in enumerate(ways):
        of_way = [one for one in ranked if (one.parts.kind, one.parts.transport) == way]
        # one that does not answer is no use just because there is no other of its way
        rounds += [
            (turn + 9 * (one.health in ("silent", "dead")), number, one) for turn, one in enumerate(of_way)
        ]
    first = [one for _, _, one in sorted(rounds, key=lambda item: item[:2])[:most]]
    return [one for one in ranked if one in first]


def _order(used: Sequence[Standing], options: IceOptions, blocked: str | None) -> Iterator[str]:
    if blocked is not None:
        who = "this page" if blocked == "page" else "Python"
        yield f"UDP does not get through from {who}: TURN servers over TCP or TLS come first."
    for number, one in enumerate(used):
        place = "is the only server" if len(used) == 1 else "comes first" if not number else "follows"
        yield f"{one.url} {place}{_evidence(one)}."
    if options.max_reliability and used:
        yield "Every server and transport is tried, those that worked before first, as max_reliability asks."
    elif options.low_latency and len(used) > 1:
        yield "Servers are ordered by their round-trip time, as low_latency asks."


def _evidence(one: Standing) -> str:
    said = []
    if one.health == "answers":
        ends = " and ".join("the page" if probe.by == "page" else "Python" for probe in one.probes)
        within = "" if one.rtt_s is None else f" within {1000 * one.rtt_s:.0f} ms"
        said.append(f"it answered {ends}{within}")
    elif one.errors:
        said.append(f"it does not {'answer' if one.is_silent else 'serve'} everywhere ({one.errors})")
    if one.attempts:
        said.append(f"it answered {one.answers} of {one.attempts} earlier attempts")
    if one.connect_s is not None:
        said.append(f"connections through it took {one.connect_s:.1f} s")
    return ": " + "; ".join(said) if said else ""


def _cap(options: IceOptions, network: NetworkInformation | None) -> tuple[int | None, str]:
    if options.limit_bps is not None:
        return (
            options.limit_bps,
            f"At most {_rate(options.limit_bps)} go to each peer, as limit_bandwidth asks.",
        )
    caps: list[tuple[int, str]] = []
    if network is not None:
        if network.save_data:
            caps.append((SAVE_DATA_BPS, "the browser is set to save data"))
        if network.effective_type in CAPS_BPS:
            caps.append((CAPS_BPS[network.effective_type], f"the network is {network.effective_type}"))
        if network.type == "cellular":
            caps.append((CELLULAR_BPS, "the network is cellular"))
    if not caps:
        return None, "No limit on the bitrate but what the quality asks."
    cap_bps, why = min(caps)
    return cap_bps, f"At most {_rate(cap_bps)} go to each peer, because {why}; limit_bandwidth= changes that."


def _rate(bitrate_bps: int) -> str:
    return f"{bitrate_bps / 1e6:g} Mbit/s" if bitrate_bps >= 1_000_000 else f"{bitrate_bps / 1000:g} kbit/s"
