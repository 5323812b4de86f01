"""How often a client may say what: token buckets, and what happens beyond them."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from ..errors import RoomError

PAIRS = 128
"""Bound of the pairs that are counted for one client; the one that was used longest ago is forgotten.

Whoever invents receivers to have their pairs forgotten runs into the client's own bucket.
"""


class TokenBucket:
    """At most `burst` at once, and `rate_per_s` over time. The time is the caller's, in seconds."""

    __slots__ = ("_burst", "_rate_per_s", "_tokens", "_used_s")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._used_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Take one token if there is one. A clock that goes backwards gives none."""
        if self._used_s is not None:
            grown = self._tokens + max(0.0, now_s - self._used_s) * self._rate_per_s
            self._tokens = min(self._burst, grown)
        self._used_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds; the same number may come at once."""

    count: float
    per_s: float

    def bucket(self) -> TokenBucket:
        """A full bucket of this rate."""
        return TokenBucket(self.count / self.per_s, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one client may say, all together and towards one other participant.

    The totals let the last of ten people offer to nine at once, twice over, with twenty candidates each; the
    figures of a pair are those after which something is certainly wrong.
    """

    join: Rate = Rate(5, 60)
    """Joining, creating and leaving a room."""
    description: Rate = Rate(100, 10)
    description_of_pair: Rate = Rate(10, 10)
    candidate: Rate = Rate(400, 10)
    candidate_of_pair: Rate = Rate(200, 10)
    chat: Rate = Rate(5, 1)
    status: Rate = Rate(10, 1)
    turn: Rate = Rate(6, 60)
    """Fresh TURN credentials; joining gives some as well."""
    refusal: Rate = Rate(100, 50)
    """How often a client may be refused before it is thought to be hostile."""

    def scaled(self, factor: float) -> "Rates":
        """The same with all counts multiplied, for a load test."""
        return replace(
            self,
            **{
                name: replace(rate, count=rate.count * factor)
                for name in self.__slots__
                if isinstance(rate := getattr(self, name), Rate)
            },
        )


MAX_ADDRESSES = 10_000
"""Addresses that are counted; the one seen longest ago is forgotten."""


class AddressLimits:
    """How often each address may ask for something over HTTP.

    Parameters
    ----------
    sentence
        Why it is refused beyond that.
    """

    def __init__(self, rate: Rate, sentence: str) -> None:
        self._rate = rate
        self._sentence = sentence
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def check(self, address: str, now_s: float) -> None:
        """Count one request; `RoomError` (``"rate-limited"``) where it is one too many."""
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = self._rate.bucket()
            if len(self._buckets) > MAX_ADDRESSES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(address)
        if not bucket.take(now_s):
            raise RoomError(self._sentence, "rate-limited")


KINDS = {
    "create-room": "join",
    "join-room": "join",
    "leave-room": "join",
    "offer": "description",
    "answer": "description",
    "ice-candidate": "candidate",
    "chat-message": "chat",
    "participant-status": "status",
    "turn-credentials": "turn",
}
PAIRED = ("description", "candidate")


class Limits:
    """The buckets of one connected client. On the server's loop."""

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = Rates() if rates is None else rates
        self._totals: dict[str, TokenBucket] = {}
        self._pairs: OrderedDict[tuple[str, str | None], TokenBucket] = OrderedDict()
        self._refusals = self._rates.refusal.bucket()

    def admit(self, event: str, now_s: float, to: str | None = None) -> bool:
        """Count one message, and say whether it may pass; `to` None is everybody in the room."""
        kind = KINDS[event]
        total = self._totals.get(kind)
        if total is None:
            total = self._totals[kind] = self._rate(kind).bucket()
        return total.take(now_s) and (kind not in PAIRED or self._pair(kind, to).take(now_s))

    def is_hostile(self, now_s: float) -> bool:
        """Count a refusal, for whatever reason, and say whether the client goes on and on: disconnect it."""
        return not self._refusals.take(now_s)

    def _pair(self, kind: str, to: str | None) -> TokenBucket:
        pair = (kind, to)
        bucket = self._pairs.get(pair)
        if bucket is None:
            bucket = self._pairs[pair] = self._rate(f"{kind}_of_pair").bucket()
            if len(self._pairs) > PAIRS:
                self._pairs.popitem(last=False)
        else:
            self._pairs.move_to_end(pair)
        return bucket

    def _rate(self, name: str) -> Rate:
        rate: Rate = getattr(self._rates, name)
        return rate
