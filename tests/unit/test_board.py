"""The board of a call: what every page hears of it."""

import msgspec

from nbrtc.engine.board import Board
from nbrtc.messages import CallState, Notice, Notification, PageMessage, Quality


def test_a_notice_is_taken_away_once_and_only_where_there_was_one() -> None:
    said: list[Notification] = []
    board = Board("call", CallState(quality=Quality(64, 48, 30)), said.append)
    board.retract("video-effect")
    assert said == []
    board.broadcast(Notice(key="video-effect", level="error", text="f() raised ValueError: no."))
    board.retract("audio-effect")
    board.retract("video-effect")
    board.retract("video-effect")
    texts = [msgspec.json.decode(one.body)["text"] for one in said if isinstance(one, PageMessage)]
    assert texts == ["f() raised ValueError: no.", ""]
