"""What is known of each configured server: how it answered to probes, and how it did before. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..messages import NetworkInformation, ServerProbe
from .outcome import Outcome
from .urls import ServerUrl, canonical, parse, try_parse

PROBE_GOOD_S = 3600.0
"""An older probe says nothing any more."""
HALF_LIFE_S = 14 * 86400.0
"""An outcome counts half after two weeks."""
ELSEWHERE = 0.25
"""What an outcome in another kind of network counts."""
UNREACHABLE = 701
"""No answer (webrtc-pc, section 4.8.2). Any other code is the server's own, and came through."""
REFUSALS = {
    401: "it refuses the credential",
    403: "it refuses this",
    438: "it refuses the credential as stale",
    486: "its quota is used up",
    508: "it has no capacity left",
}
"""RFC 8489, section 14.8; RFC 8656, section 19."""

Health = Literal["answers", "unknown", "half", "silent", "dead"]
"""By the probes: it served whoever asked; nobody asked; it served one end and the other not; not the one end
that asked; neither."""
HEALTHS: tuple[Health, ...] = ("answers", "unknown", "half", "silent", "dead")
"""The best first."""


@dataclass(frozen=True)
class Standing:
    """One URL of a server, with everything that speaks for it or against it."""

    url: str
    parts: ServerUrl
    order: int
    """In which it is configured."""
    probes: tuple[ServerProbe, ...] = ()
    """The newest one of the page and the newest one of the engine, if any."""
    answered: float = 0.0
    """Weight of the earlier attempts in which it gave a candidate; recent ones weigh more."""
    silent: float = 0.0
    """Of those in which it gave none."""
    carried: int = 0
    """Connections that it carried."""
    connect_s: float | None = None
    """How long those took, on average."""
    attempts: int = 0
    """Earlier attempts that asked it."""
    answers: int = 0
    """Those of them in which it gave a candidate."""

    @property
    def health(self) -> Health:
        """What the probes say."""
        good = sum(probe.ok for probe in self.probes)
        if not self.probes:
            return "unknown"
        if good == len(self.probes):
            return "answers"
        return "half" if good else "dead" if len(self.probes) == 2 else "silent"

    @property
    def rtt_s(self) -> float | None:
        """The longest that a probe measured: both ends have to reach it."""
        return max(
            (probe.rtt_s for probe in self.probes if probe.ok and probe.rtt_s is not None), default=None
        )

    @property
    def reliability(self) -> float:
        """0 to 1: how often it gave a candidate; 0.5 where nothing is known (rule of succession)."""
        return (self.answered + 1) / (self.answered + self.silent + 2)

    @property
    def errors(self) -> str:
        """What the probes that failed say, as a clause."""
        return ", ".join(f"{_end(probe)}: {_reason(probe)}" for probe in self.probes if not probe.ok)

    @property
    def is_silent(self) -> bool:
        """Whether those that failed had no answer; False if one was refused."""
        return not any(_answered(probe) for probe in self.probes if not probe.ok)


def standings(
    urls: Iterable[str],
    probes: Iterable[ServerProbe] = (),
    outcomes: Sequence[Outcome] = (),
    network: NetworkInformation | None = None,
    *,
    now_s: float,
) -> list[Standing]:
    """Look each URL up, in their order; one that is listed twice, however it is written, counts once.

    Raises
    ------
    ValueError
        For what is no URL of a STUN or TURN server.
    """
    newest: dict[tuple[ServerUrl, str], ServerProbe] = {}
    for probe in sorted(probes, key=lambda probe: (probe.time_s, probe.ok)):
        parts = try_parse(probe.url)
        if parts is not None and now_s - probe.time_s <= PROBE_GOOD_S:
            newest[parts, probe.by] = probe
    found: dict[ServerUrl, Standing] = {}
    here = kind_of(network)
    for order, url in enumerate(urls):
        parts = parse(url)
        if parts not in found:
            both = tuple(newest[parts, by] for by in ("page", "engine") if (parts, by) in newest)
            found[parts] = _recalled(Standing(url, parts, order, both), outcomes, here, now_s)
    return list(found.values())


def kind_of(network: NetworkInformation | None) -> str:
    """A word for the kind of network: what connects it, else how quick it is; empty if that is unknown."""
    return "" if network is None else network.type or network.effective_type or ""


def is_udp_blocked(standings: Sequence[Standing]) -> str | None:
    """Which end gets no UDP through, judged by its probes: ``"page"``, ``"engine"``, or None.

    No server answered it over UDP, not even to refuse, and at least one did over TCP or TLS.
    """
    for by in ("page", "engine"):
        heard = [
            (one.parts.transport, _answered(probe))
            for one in standings
            for probe in one.probes
            if probe.by == by
        ]
        udp = [ok for transport, ok in heard if transport == "udp"]
        if udp and not any(udp) and any(ok for transport, ok in heard if transport != "udp"):
            return by
    return None


def _recalled(standing: Standing, outcomes: Sequence[Outcome], network: str, now_s: float) -> Standing:
    name = canonical(standing.url)
    answered = silent = 0.0
    times: list[float] = []
    attempts = answers = 0
    for outcome in outcomes:
        did, did_not = name in outcome.answered or name == outcome.server, name in outcome.silent
        if not (did or did_not):
            continue
        attempts, answers = attempts + 1, answers + did
        weight = 0.5 ** (max(0.0, now_s - outcome.started_s) / HALF_LIFE_S)
        if network and outcome.network and outcome.network != network:
            weight *= ELSEWHERE
        answered, silent = (answered + weight, silent) if did else (answered, silent + weight)
        if outcome.success and outcome.server == name and outcome.connect_s is not None:
            times.append(outcome.connect_s)
    return replace(
        standing,
        answered=answered,
        silent=silent,
        carried=len(times),
        connect_s=sum(times) / len(times) if times else None,
        attempts=attempts,
        answers=answers,
    )


def _end(probe: ServerProbe) -> str:
    return "from the page" if probe.by == "page" else "from Python"


def _reason(probe: ServerProbe) -> str:
    """Not `ServerProbe.error`: that may be a whole sentence of somebody else."""
    if not _answered(probe):
        return "no answer"
    code = probe.error_code
    return f"{REFUSALS[code]} ({code})" if code in REFUSALS else f"error {code}"


def _answered(probe: ServerProbe) -> bool:
    return probe.ok or probe.error_code not in (None, UNREACHABLE)
