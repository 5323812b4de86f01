"""`call.ice`: how the connections of a call found their way."""

from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING

from ..messages import IceDecision, ServerProbe
from .trail import IceTrail

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


MAX_TIMEOUT_S = 60.0


class CallIce:
    """Candidates, pairs and servers of a call's connections, for any thread to read.

    Participants are ``"python"`` for the link as the page sees it, ``"you"`` for Python's own end of it, and
    ids of others. Addresses stay in this kernel; ``redact=True`` gives tables and plots that may be shown to
    others. The statistics (`Call.stats`) never have addresses.

    >>> call.ice.selected()                                             # doctest: +SKIP
    >>> call.ice.candidates(redact=True)                                # doctest: +SKIP
    >>> call.ice.plot()                                                 # doctest: +SKIP

    Parameters
    ----------
    trail
        What was seen.
    decision
        Gives the policy's newest decision.
    probe
        Has all servers probed, which takes seconds.
    """

    def __init__(
        self,
        trail: IceTrail,
        decision: Callable[[], IceDecision],
        probe: Callable[[float], list[ServerProbe]],
    ) -> None:
        self._trail = trail
        self._decision = decision
        self._probe = probe

    @property
    def decision(self) -> IceDecision:
        """What connections are made with now, and why; without credentials."""
        return self._decision()

    def candidates(self, participant: str | None = None, *, redact: bool = False) -> "pd.DataFrame":
        """The candidates that were gathered or came from the other side (RFC 8445, section 5.1).

        Parameters
        ----------
        participant
            Whose connections; None for all.
        redact
            Replace addresses by names such as ``"private-ipv4-1"``, the same for the same address.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time`` of the first sight; ``participant``, ``generation``, ``side`` (local or
            remote), ``id``, ``type`` (host, srflx, prflx, relay), ``protocol``, ``relay_protocol``,
            ``address``, ``port``, ``url``, ``priority``, ``related_address``, ``related_port``,
            ``foundation``. Browsers hide host addresses behind mDNS names, or leave them empty.
        """
        from .tables import candidates

        return candidates(self._trail.records(participant), redact=redact)

    def pairs(self, participant: str | None = None, *, redact: bool = False) -> "pd.DataFrame":
        """The candidate pairs (RFC 8445, section 6.1.2), each as it was seen last.

        Parameters
        ----------
        participant, redact
            As for `candidates`.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time`` of the first sight; ``participant``, ``generation``, ``state`` (frozen,
            waiting, in-progress, failed, succeeded), ``nominated``, ``selected``, type, address and port of
            both ends, ``protocol``, ``relay_protocol``, ``rtt_s``, ``requests_sent``,
            ``responses_received``, ``local_id``, ``remote_id``.
        """
        from .tables import pairs

        return pairs(self._trail.records(participant), redact=redact)

    def selected(self, participant: str | None = None, *, redact: bool = False) -> "pd.DataFrame":
        """The pair that carries the media of each connection's newest generation; columns as in `pairs`."""
        found = self.pairs(participant, redact=redact)
        newest = found.groupby("participant")["generation"].transform("max")
        return found[(found["selected"] == True) & (found["generation"] == newest)]  # noqa: E712

    def events(self, participant: str | None = None, *, redact: bool = False) -> "pd.DataFrame":
        """What happened: states of gathering and connection, starts and restarts, errors, refusals.

        Parameters
        ----------
        participant, redact
            As for `candidates`.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time``; ``participant``, ``generation``, ``event`` (start, restart, gathering,
            connection, selected, error, refused, closed), ``value`` (the state, the error's code), ``text``.
        """
        from .tables import events

        return events(self._trail.records(participant), redact=redact)

    def probe(self, timeout_s: float = 5.0) -> "pd.DataFrame":
        """Ask every configured STUN and TURN server now, from the engine and from the page; blocks.

        This contacts the servers, also before the click that starts the call.

        Parameters
        ----------
        timeout_s
            How long one server may take, up to 60.

        Returns
        -------
        pandas.DataFrame
            As `probes`, only what was found now.

        Raises
        ------
        TypeError, ValueError
            For a time that is none.
        CallError
            If the call is closed.
        """
        from .tables import probes

        given: object = timeout_s
        if isinstance(given, bool) or not isinstance(given, Real):
            raise TypeError(f"timeout_s is a number of seconds, not {given!r}.")
        if not 0 < float(given) <= MAX_TIMEOUT_S:
            raise ValueError(f"timeout_s is above 0 and up to {MAX_TIMEOUT_S:.0f} s, not {given!r}.")
        return probes(self._probe(float(given)))

    def probes(self) -> "pd.DataFrame":
        """How servers answered so far.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time``; ``url``, ``by`` (page or engine), ``ok``, ``transport`` (udp, tcp, tls),
            ``rtt_s``, ``candidate_types``, ``error_code``, ``error``.
        """
        from .tables import probes

        return probes(self._trail.probes())

    def plot(self, participant: str | None = None, *, redact: bool = False) -> "Figure":
        """Draw gathering and checks of one connection over time.

        Parameters
        ----------
        participant
            Whose newest connection; by default the link (``"python"``), else the first that was seen.
        redact
            As for `candidates`.
        """
        from .plot import plot

        if participant is None:
            peers = list(self._trail.peers())
            participant = "python" if "python" in peers or not peers else peers[0]
        return plot(self._trail.records(participant), participant, redact=redact)

    def __repr__(self) -> str:
        peers = ", ".join(self._trail.peers()) or "no connection yet"
        return f"<ICE of {peers}>"
