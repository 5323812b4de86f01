"""`IcePolicy`: what a person asks of the way connections are made."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import msgspec

from ..messages import IceDecision, IceOptions, IceServerSource, NetworkInformation, ServerProbe
from ..messages.plain import is_boolean
from .decision import configuration_of, decide, lack
from .explanation import Explanation
from .history_table import to_outcomes
from .servers import AnyServer, entry_of, to_sources

LIMIT_BPS = 500_000
"""What ``limit_bandwidth=True`` means: a small picture that still moves, with sound."""
LIMITS_BPS = 50_000, 100_000_000
HIDDEN = "(hidden)"
NOBODY = "nbrtc"
"""Whom a credential is for that is made of a secret where there is no call."""


@dataclass(frozen=True, kw_only=True)
class IcePolicy:
    """How connections find their way: what is asked for, beside what is known of servers and network.

    Parameters
    ----------
    privacy
        Transport policy ``relay``: only relayed candidates. Nobody in the call learns an address of this
        machine, STUN servers are left out, and a TURN server is needed.
    low_latency
        A pool of 1: candidates are gathered before they are needed. Servers are ordered by their round-trip
        time.
    max_reliability
        Every server is used, also those that did not answer and more than the usual four, those that
        worked before first. Gathering takes longer.
    limit_bandwidth
        At most so many bit/s are sent to one peer, picture and sound together: 50,000 to 100,000,000. True is
        500,000. False or None, the default, is no limit of one's own; where the browser says that it saves
        data (300,000), or that the network is cellular (1,000,000), 2g (200,000) or slow-2g (100,000),
        that holds instead.
    force_turn
        Transport policy ``relay``, over whichever of UDP, TLS and TCP works: to test a TURN server, or where
        nothing else may be used.

    Raises
    ------
    TypeError, ValueError
        For a value that is none of these.

    Notes
    -----
    Without any of them: transport policy ``all``, a pool of 0, and at most four URLs (two on a 2g network),
    those that answer before those that do not, at least one of each way (STUN, TURN over UDP, TLS, TCP) while
    there is room. A server that answered neither the page nor Python is left out, unless no other of its kind
    is there. Where UDP is blocked, TURN over TLS and TCP comes first. On a cellular network TURN comes before
    STUN, because carriers' address translation often leaves STUN's candidates useless. The bundle policy is
    always ``max-bundle``: everybody in a call bundles, and each further transport would gather, and allocate
    on every TURN server, once more.
    """

    privacy: bool = False
    low_latency: bool = False
    max_reliability: bool = False
    limit_bandwidth: float | bool | None = None
    force_turn: bool = False
    _live: Callable[[], IceDecision] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("privacy", "low_latency", "max_reliability", "force_turn"):
            if not is_boolean(getattr(self, name)):
                raise TypeError(f"{name} is True or False, not {getattr(self, name)!r}.")
            object.__setattr__(self, name, bool(getattr(self, name)))
        limit: object = self.limit_bandwidth
        if limit is None or is_boolean(limit):
            object.__setattr__(self, "limit_bandwidth", None if limit is None else bool(limit))
            return
        if not isinstance(limit, Real):
            raise TypeError(f"limit_bandwidth is a number of bit/s, True, False or None, not {limit!r}.")
        if not LIMITS_BPS[0] <= float(limit) <= LIMITS_BPS[1]:
            raise ValueError(
                f"limit_bandwidth is {LIMITS_BPS[0]:,} to {LIMITS_BPS[1]:,} bit/s, not {limit!r}; True is "
                f"{LIMIT_BPS:,}."
            )

    @property
    def options(self) -> IceOptions:
        """The same for the engine."""
        limit = self.limit_bandwidth
        limit_bps = None if limit is None or limit is False else LIMIT_BPS if limit is True else int(limit)
        return IceOptions(
            privacy=self.privacy,
            low_latency=self.low_latency,
            max_reliability=self.max_reliability,
            limit_bps=limit_bps,
            force_turn=self.force_turn,
        )

    @classmethod
    def of(cls, options: IceOptions, live: Callable[[], IceDecision] | None = None) -> "IcePolicy":
        """The policy that asks for this; `live` says what its call decided."""
        policy = cls(
            privacy=options.privacy,
            low_latency=options.low_latency,
            max_reliability=options.max_reliability,
            limit_bandwidth=options.limit_bps,
            force_turn=options.force_turn,
        )
        object.__setattr__(policy, "_live", live)
        return policy

    def decide(
        self,
        servers: Iterable[AnyServer] = (),
        *,
        probes: Iterable[ServerProbe] = (),
        network: NetworkInformation | Mapping[str, Any] | None = None,
        history: Any = None,
    ) -> IceDecision:
        """What it comes to with these servers; nothing is contacted.

        Parameters
        ----------
        servers
            As for `Call`.
        probes
            How servers answered, as `nbrtc.messages.ServerProbe`.
        network
            What a browser knows of its network: a dictionary with any of ``type``, ``effective_type``,
            ``downlink_bps``, ``rtt_s``, ``save_data``.
        history
            How earlier connections went: the table of `nbrtc.ice_history`. None for no history.

        Returns
        -------
        nbrtc.messages.IceDecision
            Without credentials.
        """
        urls = [url for source in to_sources(servers) for url in source.urls]
        return decide(
            urls,
            self.options,
            probes=probes,
            network=_network(network),
            outcomes=to_outcomes(history),
            now_s=time.time(),
        )

    def explain(self, servers: Iterable[AnyServer] = (), **known: Any) -> Explanation:
        """Why connections are made as they are.

        Of ``call.ice_policy`` it explains what the call does now. Of a policy of one's own, or with
        `servers`, what `decide` comes to; it takes the same arguments.
        """
        sources = to_sources(servers)
        if self._live is not None and not sources and not known:
            return Explanation(self._live())
        return Explanation(self.decide(sources, **known))

    def configuration(
        self, servers: Iterable[AnyServer] = (), *, redact: bool = True, **known: Any
    ) -> dict[str, Any]:
        """The ``RTCConfiguration`` (webrtc-pc, section 4.2.1) that it comes to, as a dictionary.

        Parameters
        ----------
        redact
            False shows usernames and credentials, made anew where a server has a secret: keep them out of
            notebooks that others read.
        **known
            As for `decide`.
        """
        sources = to_sources(servers)
        entries = [entry_of(source, NOBODY, time.time())[0] for source in sources]
        configuration = configuration_of(self.decide(sources, **known), entries)
        listed = []
        for entry in configuration.ice_servers:
            shown: dict[str, Any] = {"urls": list(entry.urls)}
            if entry.username is not None:
                shown["username"] = HIDDEN if redact else entry.username
                shown["credential"] = HIDDEN if redact else entry.credential
            listed.append(shown)
        return {
            "iceServers": listed,
            "iceTransportPolicy": configuration.ice_transport_policy,
            "bundlePolicy": configuration.bundle_policy,
            "iceCandidatePoolSize": configuration.ice_candidate_pool_size,
        }


def to_options(policy: object, sources: Iterable[IceServerSource], *, in_room: bool) -> IceOptions:
    """The options of what a user gave as ``ice_policy``; None is the default policy.

    Raises
    ------
    TypeError
        If it is no `IcePolicy`.
    ValueError
        If it needs a TURN server where none is configured and no room could issue one.
    """
    if policy is None:
        return IceOptions()
    if not isinstance(policy, IcePolicy):
        raise TypeError(f"ice_policy is an nbrtc.IcePolicy, not {type(policy).__name__}.")
    urls = [url for source in sources for url in source.urls]
    if not in_room and (sentence := lack(policy.options, urls)) is not None:
        raise ValueError(sentence)
    return policy.options


def _network(network: NetworkInformation | Mapping[str, Any] | None) -> NetworkInformation | None:
    if not isinstance(network, Mapping):
        return network
    if unknown := set(network) - set(NetworkInformation.__struct_fields__):
        known = ", ".join(NetworkInformation.__struct_fields__)
        raise ValueError(f"A network has {known}; this one has {', '.join(map(str, sorted(unknown)))}, too.")
    said = NetworkInformation(**network)
    return msgspec.convert(msgspec.to_builtins(said), NetworkInformation)  # which looks at the types, too
