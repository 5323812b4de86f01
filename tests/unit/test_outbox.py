"""What is kept until the room's server has confirmed it."""

from nbrtc.signaling.outbox import MAX_KEPT, WINDOW, Letter, Outbox


def letter(number: int, peer: str = "bob", generation: int | None = 1) -> Letter:
    return Letter("ice-candidate", peer, generation, {"number": number})


def numbers(outbox: Outbox, *present: str, now_s: float = 0.0) -> list[int]:
    return [kept.payload["number"] for kept in outbox.ready(set(present or ("bob",)), now_s)]


def test_letters_go_out_once_and_in_order() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.add(letter(number))

    assert numbers(outbox) == [0, 1, 2, 3, 4]
    assert numbers(outbox) == []
    assert len(outbox) == 5


def test_no_more_than_the_window_are_on_their_way() -> None:
    outbox = Outbox()
    letters = [letter(number) for number in range(WINDOW + 5)]
    for one in letters:
        outbox.add(one)

    assert numbers(outbox) == list(range(WINDOW))
    outbox.done(letters[0])
    outbox.done(letters[0])
    assert numbers(outbox) == [WINDOW]


def test_what_was_not_confirmed_goes_out_again() -> None:
    outbox = Outbox()
    first, second = letter(1), letter(2)
    outbox.add(first)
    outbox.add(second)
    numbers(outbox)
    outbox.done(first)
    outbox.again()

    assert numbers(outbox) == [2]


def test_letters_wait_for_those_who_are_not_there() -> None:
    outbox = Outbox()
    outbox.add(letter(1, "cleo"))
    outbox.add(letter(2, "bob"))

    assert numbers(outbox, "bob") == [2]
    assert numbers(outbox, "bob", "cleo") == [1]


def test_a_new_connection_makes_letters_of_the_last_one_worthless() -> None:
    outbox = Outbox()
    outbox.add(letter(1, generation=1))
    outbox.add(letter(2, "cleo", generation=1))
    outbox.add(letter(3, generation=None))
    outbox.add(letter(4, generation=2))
    outbox.add(letter(5, generation=1))

    assert numbers(outbox, "bob", "cleo") == [2, 4, 5]


def test_the_oldest_are_dropped_beyond_the_bound() -> None:
    outbox = Outbox()
    for number in range(MAX_KEPT + 10):
        outbox.add(letter(number))

    assert len(outbox) == MAX_KEPT
    assert numbers(outbox)[0] == 10


def test_letters_to_somebody_who_is_gone_are_forgotten() -> None:
    outbox = Outbox()
    outbox.add(letter(1, "cleo"))
    outbox.add(letter(2, "bob"))
    outbox.forget("cleo")

    assert numbers(outbox, "bob", "cleo") == [2]


def test_the_oldest_unconfirmed_is_known() -> None:
    outbox = Outbox()
    assert outbox.oldest_sent_s() is None
    first = letter(1)
    outbox.add(first)
    assert outbox.oldest_sent_s() is None
    numbers(outbox, now_s=3.0)
    outbox.add(letter(2))
    numbers(outbox, now_s=5.0)
    assert outbox.oldest_sent_s() == 3.0
    outbox.done(first)
    assert outbox.oldest_sent_s() == 5.0
