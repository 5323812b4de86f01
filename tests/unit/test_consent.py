"""Who may be written: rulings from what views show, on a clock of the test."""

from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.consent import WITHDRAWN_S, Consent
from nbrtc.messages import CONSENT_S


class Case:
    """A consent and its clock; `rule` says what changed."""

    def __init__(self) -> None:
        self.consent = Consent()
        self.now_s = 100.0

    def rule(self, after_s: float = 0.0, **shown: bool) -> dict[str, str]:
        self.now_s += after_s
        return {one.person: one.standing for one in self.consent.update(shown, self.now_s)}


def test_a_badge_that_is_shown_takes_its_person_in_at_once() -> None:
    case = Case()
    assert case.rule(you=False, bob=False) == {"you": "asked", "bob": "asked"}
    assert case.consent.recorded == frozenset()
    assert case.rule(0.3, you=True, bob=False) == {"you": "recorded"}
    assert case.consent.recorded == {"you"}


def test_who_does_not_confirm_in_time_is_left_out_and_may_still_come_in() -> None:
    case = Case()
    case.rule(bob=False)
    assert case.consent.due_s == case.now_s + CONSENT_S
    assert case.rule(CONSENT_S - 0.01, bob=False) == {}
    assert case.rule(0.01, bob=False) == {"bob": "left-out"}
    assert case.consent.due_s == float("inf")
    assert case.rule(60, bob=True) == {"bob": "recorded"}


def test_a_badge_that_flickers_changes_nothing_and_one_that_is_gone_ends_it() -> None:
    case = Case()
    case.rule(bob=True)
    assert case.rule(5, bob=False) == {}
    assert case.rule(WITHDRAWN_S - 0.01, bob=True) == {}
    assert case.rule(5, bob=False) == {}
    assert case.consent.due_s == case.now_s + WITHDRAWN_S
    assert case.rule(WITHDRAWN_S, bob=False) == {"bob": "left-out"}
    assert case.rule(0.1, bob=True) == {"bob": "recorded"}


def test_who_goes_is_gone_and_is_asked_when_they_come_back() -> None:
    case = Case()
    case.rule(bob=True)
    assert case.rule(1) == {"bob": "gone"}
    assert case.rule(1) == {}
    assert case.rule(1, bob=False) == {"bob": "asked"}


def test_somebody_else_in_the_same_seat_is_asked_anew_without_any_delay() -> None:
    case = Case()
    assert case.consent.ask_anew("you", case.now_s) == []
    case.rule(you=True)
    assert [one.standing for one in case.consent.ask_anew("you", case.now_s)] == ["asked"]
    assert case.consent.recorded == frozenset()
    assert case.rule(0.1, you=False) == {}
    assert case.rule(CONSENT_S, you=False) == {"you": "left-out"}


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3), st.dictionaries(st.sampled_from(["you", "bob", "cy"]), st.booleans(), max_size=3)
        ),
        max_size=60,
    )
)
def test_nobody_is_ever_recorded_whose_badge_was_not_shown_a_moment_ago(
    steps: list[tuple[float, dict[str, bool]]],
) -> None:
    case = Case()
    shown_s: dict[str, float] = {}
    for after_s, shown in steps:
        missing_before = {person for person in case.consent.recorded if not shown.get(person, False)}
        case.rule(after_s, **shown)
        shown_s.update({person: case.now_s for person, is_shown in shown.items() if is_shown})
        assert case.consent.recorded <= shown.keys(), "who is not here is not recorded"
        assert case.consent.recorded <= shown_s.keys()
        assert case.consent.recorded - missing_before <= {one for one, is_shown in shown.items() if is_shown}
        assert case.consent.due_s > case.now_s, "what is due is done"
