"""`call.errors`: bounded, ordered, counted."""

from nbrtc.complaint import complaint
from nbrtc.errors import FrameError
from nbrtc.problems import MAX_PROBLEMS, Problems, blamed


def test_the_same_problem_counts_up_and_is_new_only_once() -> None:
    problems = Problems()

    assert problems.add("engine", "It was killed.")
    assert not problems.add("engine", "It was killed.")
    assert problems.add("frame", "It was killed."), "another code"

    first, second = problems.items()
    assert (first.code, first.count, second.count) == ("engine", 2, 1)
    assert first.first <= first.last
    assert str(first).endswith("engine: It was killed. (2 times)")
    assert str(second).endswith("frame: It was killed.")


def test_what_came_often_counts_at_once_and_keeps_its_traceback() -> None:
    problems = Problems()
    problems.add("video-effect", "No.", "line 3")
    problems.add("video-effect", "No.", times=29)

    (only,) = problems.items()
    assert (only.count, only.traceback) == (30, "line 3")


def test_a_key_makes_problems_one_whose_messages_differ() -> None:
    problems = Problems()

    assert problems.add("video-effect", "frame 1", "trace 1", key="line 3")
    assert not problems.add("video-effect", "frame 2", "trace 2", key="line 3")

    (only,) = problems.items()
    assert (only.message, only.traceback, only.count) == ("frame 2", "trace 2", 2)


def test_the_oldest_are_forgotten() -> None:
    problems = Problems()
    for number in range(MAX_PROBLEMS + 5):
        problems.add("stats", str(number))

    assert [problem.message for problem in problems.items()] == [str(n) for n in range(5, MAX_PROBLEMS + 5)]


def test_what_is_read_is_a_copy() -> None:
    problems = Problems()
    problems.add("engine", "It was killed.")
    (seen,) = problems.items()

    problems.add("engine", "It was killed.")

    assert seen.count == 1


def test_what_a_function_returned_is_said_once_and_in_whole_sentences() -> None:
    wrong = FrameError("f() returned None; is a return missing?")
    assert blamed("f()", wrong) == "f() returned None; is a return missing?"
    assert blamed("f()", FrameError("another's")) == "f() raised FrameError: another's"
    assert blamed("f()", ValueError("f() is odd")) == "f() raised ValueError: f() is odd"
    assert complaint("f() raised ValueError: no", "It stays") == (
        "f() raised ValueError: no. It stays; see call.errors."
    )
    assert complaint("Return a picture.", "It stays") == "Return a picture. It stays; see call.errors."
