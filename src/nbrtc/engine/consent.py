"""Who may be written into a recording: whoever confirms that its red badge is shown. Pure, time is passed in.

Nobody is asked in words. A page that shows the badge says so, and from that moment on its person is recorded.
Who does not say it within `CONSENT_S` is left out until they do; who stops showing it is left out again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..messages import CONSENT_S

WITHDRAWN_S = 2.0
"""A badge that is gone for so long is a withdrawal; a page that redraws its views or reconnects is not."""

Standing = Literal["asked", "recorded", "left-out", "gone"]
"""As in `RecordedPerson.state`."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What changed for somebody."""

    person: str
    standing: Standing


@dataclass(slots=True)
class _Case:
    standing: Standing
    since_s: float
    """When it was asked; of who is recorded: since when the badge is missing, infinity while it is shown."""


class Consent:
    """The standing of everybody whom one recording concerns."""

    def __init__(self) -> None:
        self._cases: dict[str, _Case] = {}

    def standing(self, person: str) -> Standing:
        """How somebody stands; whoever was never seen is ``"gone"``."""
        case = self._cases.get(person)
        return "gone" if case is None else case.standing

    @property
    def recorded(self) -> frozenset[str]:
        """Whose frames are written now."""
        return frozenset(person for person, case in self._cases.items() if case.standing == "recorded")

    @property
    def due_s(self) -> float:
        """When `update` has news though nobody says anything: infinity if never."""
        return min((self._due_s(case) for case in self._cases.values()), default=float("inf"))

    def update(self, shown: Mapping[str, bool], now_s: float) -> list[Ruling]:
        """Rule on everybody anew.

        Parameters
        ----------
        shown
            Everybody who is here now, and whether their views show the badge of this recording.
        now_s
            Seconds of a clock that does not go back.
        """
        gone = [person for person in self._cases.keys() - shown.keys() if self.standing(person) != "gone"]
        rulings = [self._rule(person, "gone", now_s) for person in gone]
        for person, is_shown in shown.items():
            case = self._cases.get(person)
            if case is None or case.standing == "gone":
                rulings.append(self._rule(person, "recorded" if is_shown else "asked", now_s))
            elif is_shown and case.standing != "recorded":
                rulings.append(self._rule(person, "recorded", now_s))
            elif is_shown:
                case.since_s = float("inf")
            else:
                if case.standing == "recorded":
                    case.since_s = min(case.since_s, now_s)
                if now_s >= self._due_s(case):
                    rulings.append(self._rule(person, "left-out", now_s))
        return rulings

    def ask_anew(self, person: str, now_s: float) -> list[Ruling]:
        """Somebody else may sit there now: nothing is written until the badge is confirmed again."""
        case = self._cases.get(person)
        if case is None or case.standing in ("asked", "gone"):
            return []
        return [self._rule(person, "asked", now_s)]

    def _rule(self, person: str, standing: Standing, now_s: float) -> Ruling:
        since_s = float("inf") if standing == "recorded" else now_s
        self._cases[person] = _Case(standing, since_s)
        return Ruling(person, standing)

    @staticmethod
    def _due_s(case: _Case) -> float:
        if case.standing == "asked":
            return case.since_s + CONSENT_S
        return case.since_s + WITHDRAWN_S if case.standing == "recorded" else float("inf")
