"""A call in a real ipykernel, without a browser: what a notebook gets to see of it."""

import json

import pytest

import nbrtc
from tests.kernel.kernel import CellError, Kernel, Page

SECRET = "s3cret-credential"
HOSTILE = "<script>alert(1)</script>"


def test_a_hello_is_answered_with_a_welcome(shared_kernel: Kernel) -> None:
    welcome = Page(shared_kernel).hello()

    assert welcome["state"]["phase"] == "idle"
    assert [quality["name"] for quality in welcome["qualities"]] == ["auto", "low", "medium", "high"]
    assert [person["isPython"] for person in welcome["state"]["participants"]] == [False, True]


def test_messages_that_make_no_sense_are_dropped_and_the_call_goes_on(shared_kernel: Kernel) -> None:
    page = Page(shared_kernel)

    for content in (
        "null",
        "7",
        '"hello"',
        "[]",
        "{}",
        '{"page": "a"}',
        '{"page": 1, "body": "{}"}',
        '{"body": "{}"}',
    ):
        page.send_raw(json.loads(content))
    page.send_raw({"page": "x" * 65, "body": json.dumps({"type": "hello", "protocol": 1})})
    page.send_raw({"page": page.id, "body": "not json"})
    page.send({"type": "no such intent"})
    page.send({"type": "hello", "protocol": 1, "unknown": True})

    assert page.hello()["type"] == "welcome"
    refused = shared_kernel.value("[problem.code for problem in call.errors]")
    assert refused
    assert set(refused) == {"message"}


def test_the_repr_says_where_the_call_stands(shared_kernel: Kernel) -> None:
    cell = shared_kernel.run("call")

    data = cell.bundles[-1]
    assert data["text/plain"] == '<nbrtc.Call not started: click "Start camera" in the widget>'
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_poster_escapes_names_and_runs_nothing(shared_kernel: Kernel) -> None:
    shared_kernel.run(f"hostile = nbrtc.Call(name={HOSTILE!r})")

    poster = shared_kernel.run("hostile").bundles[-1]["text/html"]

    assert "nbrtc video call with &lt;script&gt;" in poster
    assert "<script" not in poster
    assert "src=" not in poster
    shared_kernel.run("hostile.close()")


def test_a_turn_credential_reaches_the_page_but_never_the_notebook_file(shared_kernel: Kernel) -> None:
    server = {"urls": "turn:turn.example.org", "username": "ada", "credential": SECRET}
    shared_kernel.run(f"relayed = nbrtc.Call(ice_servers=[{server!r}])")
    page = Page(shared_kernel, "relayed")

    welcome = page.hello()
    shown = shared_kernel.run("relayed").bundles[-1]
    synced = shared_kernel.value("repr(relayed.get_state()) + repr(relayed)")
    opened = [m["content"] for m in shared_kernel.comm_messages if m["msg_type"] == "comm_open"]

    assert welcome["ice"]["iceServers"] == [{**server, "urls": [server["urls"]]}]
    assert SECRET not in json.dumps(shown)
    assert SECRET not in synced
    assert opened
    assert SECRET not in json.dumps(opened)
    shared_kernel.run("relayed.close()")


def test_a_closed_call_says_so_to_every_page_and_in_its_repr(shared_kernel: Kernel) -> None:
    shared_kernel.run("closing = nbrtc.Call()")
    page = Page(shared_kernel, "closing")
    page.hello()

    shared_kernel.run("closing.close(); closing.close()")
    late = Page(shared_kernel, "closing")
    late.send({"type": "hello", "protocol": 1})

    assert page.next("bye")["code"] == "closed"
    assert page.next("state", lambda state: state["phase"] == "closed")["reason"]
    assert late.next("state", lambda state: state["phase"] == "closed")
    assert shared_kernel.value("(closing.state, repr(closing))") == (
        "closed",
        "<nbrtc.Call closed (The call was closed in Python.)>",
    )


def test_join_shows_in_the_page(shared_kernel: Kernel) -> None:
    page = Page(shared_kernel)
    page.hello()

    shared_kernel.run("call.join()")

    assert page.next("state", lambda state: state["joinRequested"])


def test_an_effect_and_a_quality_are_seen_by_the_page(shared_kernel: Kernel) -> None:
    page = Page(shared_kernel)
    page.hello()

    shared_kernel.run(
        "call.quality = 'low'\n"
        "@call.video_effect\n"
        "def negative(frame): return 255 - frame\n"
        "assert negative(5) == 250, 'the decorator returns the function unchanged'"
    )

    state = page.next("state", lambda state: state["videoEffect"] == "negative()")
    assert state["quality"]["name"] == "low"
    shared_kernel.run("call.clear_video_effect(); call.quality = 'medium'")
    assert page.next("state")["videoEffect"] is None


def test_what_needs_a_picture_says_that_there_is_none(shared_kernel: Kernel) -> None:
    for statement in ("call.snapshot()", "call.frames()", "call.record('a.mkv')", "call.is_camera_on = True"):
        cell = f"try:\n    {statement}\nexcept nbrtc.NotConnected as error:\n    print(error)"
        assert shared_kernel.run(cell).text, statement


def test_running_a_cell_again_closes_the_call_that_it_made(shared_kernel: Kernel) -> None:
    shared_kernel.run("before = nbrtc.Call(); beside = nbrtc.Call()", cell_id="cell-1")
    shared_kernel.run("other = nbrtc.Call()", cell_id="cell-2")
    assert shared_kernel.value("(before.state, beside.state)") == ("idle", "idle"), (
        "one run's calls live together"
    )

    shared_kernel.run("again = nbrtc.Call()", cell_id="cell-1")

    assert shared_kernel.value("(before.reason, beside.state)") == ("The cell was run again.", "closed")
    assert shared_kernel.value("(other.state, again.state)") == ("idle", "idle")
    shared_kernel.run("other.close(); again.close()")


def test_without_cell_ids_the_text_of_the_cell_stands_for_it(shared_kernel: Kernel) -> None:
    code = "made = [*globals().get('made', []), nbrtc.Call()]"

    shared_kernel.run(code)
    shared_kernel.run("another = nbrtc.Call()")
    shared_kernel.run(code)

    assert shared_kernel.value("([one.state for one in made], another.state)") == (["closed", "idle"], "idle")
    shared_kernel.run("made[-1].close(); another.close()")


@pytest.mark.parametrize(
    ("statement", "error", "said"),
    [
        ("nbrtc.Call(rooms='a')", TypeError, "no keyword 'rooms' (did you mean room?); it takes room, name,"),
        ("nbrtc.Call(room='a b')", ValueError, "'a b' cannot be a room's id: use 1 to 64"),
        ("nbrtc.Call(capacity=3)", ValueError, "capacity needs a room: Call(room=..., capacity=...)"),
        ("nbrtc.Call(codec='vp7')", ValueError, "no codec 'vp7'; use 'auto', 'vp8', 'vp9', 'av1', 'h264'"),
        ("nbrtc.Call(qualty='low')", TypeError, "'qualty' (did you mean quality?)"),
        ("nbrtc.Call(quality='hd')", ValueError, 'no quality \'hd\'; use "auto", "low", "medium", "high"'),
        ("nbrtc.Call(name=5)", TypeError, "name is a string, not 5"),
        ("nbrtc.Call(name=' ')", ValueError, "1 to 64 printable characters"),
        ("nbrtc.Call(ice_servers='stun:a')", TypeError, "ice_servers is a list of servers"),
        ("call.quality = 5", TypeError, "a name or nbrtc.Quality(width, height, fps), not 5"),
        ("call.quality = 'hd'", ValueError, "no quality 'hd'"),
        ("call.stats_interval_s = 0", ValueError, "stats_interval_s is a number from 0.1 to 5, not 0"),
        ("call.expect(speed__gt=1)", ValueError, "Unknown metric 'speed'"),
        ("call.is_camera_on = 'yes'", TypeError, "is_camera_on is True or False, not 'yes'"),
        ("call.is_microphone_on = 1", TypeError, "is_microphone_on is True or False, not 1"),
        ("call.qualty = 'low'", AttributeError, "no attribute 'qualty' (did you mean quality?)"),
        ("call.video_efect = print", AttributeError, "did you mean video_effect"),
        ("call.video_effect = print", AttributeError, "is a method: call it or decorate with it"),
        ("call.state = 'connected'", AttributeError, "no setter"),
        ("call.video_effect('blur')", TypeError, "a function of the frame, not 'blur'"),
        ("call.video_effect(lambda: 0)", TypeError, "cannot be called with one argument, the frame"),
        ("call.wait_for('open')", ValueError, "no state 'open'; a call is idle, connecting, connected"),
        ("call.wait_for('connected', 0)", TimeoutError, "still not started: click"),
        ("call.on_state_change(5)", TypeError, "a function of the new state, not 5"),
        ("call.on_chat(5)", TypeError, "a function of the new ChatMessage, not 5"),
        ("call.on_chat = print", AttributeError, "Call.on_chat is a method"),
        ("call.participants = {}", AttributeError, "no setter"),
        ("call.participants['Eve']", KeyError, "Nobody is 'Eve'; by id there are 'you' (You)"),
        ("call.chat.send('hello')", nbrtc.CallError, "a solo call has no chat"),
        ("call.invite_url", nbrtc.CallError, "A solo call has no invite link"),
        ("call.codec = 'vp7'", ValueError, "no codec 'vp7'"),
        ("call.share_screen()", nbrtc.NotConnected, "Nobody is in the call"),
    ],
)
def test_a_mistake_is_an_error_that_names_what_is_valid(
    shared_kernel: Kernel, statement: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(CellError) as raised:
        shared_kernel.run("%colors nocolor\n" + statement)

    last_line = str(raised.value).splitlines()[-1]
    assert last_line.partition(":")[0].endswith(error.__name__)
    assert said in last_line


def test_a_refused_call_leaves_nothing_behind(shared_kernel: Kernel) -> None:
    shared_kernel.run("import gc, ipywidgets; before = len(ipywidgets.widgets.widget._instances)")
    cell = shared_kernel.run(
        "for keywords in ({'rooms': 1}, {'quality': 'hd'}, {'ice_servers': [5]}):\n"
        "    try: nbrtc.Call(**keywords)\n"
        "    except (TypeError, ValueError): pass\n"
        "gc.collect()"
    )

    assert "ignored" not in cell.text, "ipywidgets closes what could not be made, and that works"
    assert shared_kernel.value("len(ipywidgets.widgets.widget._instances) == before")


def test_the_kernels_widget_attributes_can_still_be_set(shared_kernel: Kernel) -> None:
    shared_kernel.run("call.layout.width = '50%'; call.layout = {'width': '60%'}; call.tooltip = 'a call'")

    assert shared_kernel.value("(call.layout.width, call.tooltip)") == ("60%", "a call")
