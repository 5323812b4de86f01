"""Notebooks, guests and Bots meet on ``nbrtc serve``."""

import itertools
import logging
import queue
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

import nbrtc
from nbrtc.bridge import Bridge
from nbrtc.messages import ChatMessage
from nbrtc.signaling.access import sign_token
from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS
from tests.browser.conftest import NewPage, OpenNotebook, Serve
from tests.browser.guest import Guest
from tests.browser.server import ServerProcess, free_port
from tests.browser.watch import Watch
from tests.browser.widget import Widget, is_near
from tests.loopback.pictures import NUMBERS, draw

logger = logging.getLogger(__name__)

CLIP, OTHER_CLIP = list(QUADRANTS.values()), list(OTHER_QUADRANTS.values())
CALL = "import nbrtc\ncall = nbrtc.Call({arguments}, quality='low')\ncall"
OUTAGE_S = 3.0
"""How long the server is away, at least. Ten seconds make no difference but to whoever waits for the test."""
FRAMES = 15
"""A second of the quality "low"."""
LISTEN = """
came_and_went = []
call.on_participant_joined(lambda person: came_and_went.append(person.name))
call.on_participant_left(lambda person: came_and_went.append(person.name))
"""


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    """This process's own engine, for its Bots."""
    bridge = Bridge.shared()
    yield bridge
    bridge.close()


def test_a_notebook_and_a_guest_call_each_other_and_outlive_their_server(
    serve: Serve, new_page: NewPage, page: Page, open_notebook: OpenNotebook
) -> None:
    server = serve("--require-token")
    token = sign_token(server.secret, "lab", role="owner")
    arguments = f"room='lab', name='Ada', server={server.url!r}, token={token!r}"
    ada = Widget(open_notebook(page, [CALL.format(arguments=arguments)]))
    ada.notebook.run(0)
    ada.enter()
    invitation = ada.notebook.execute("print(call.invite_url, end='')")
    assert invitation.startswith(f"{server.url}/r/lab#token=")
    guest = Guest(new_page("other-clip"), invitation)
    assert guest.page.url == f"{server.url}/r/lab"
    guest.join("Guest")
    ada.wait_corners("Guest", OTHER_CLIP)
    guest.wait_corners("Ada", CLIP)

    guest.say("Hello from outside")
    ada.wait_python("[message.text for message in call.chat.messages] == ['Hello from outside']")
    expect(ada.drawer("Chat")).to_contain_text("Hello from outside")
    ada.notebook.execute("call.chat.send('Welcome')")
    expect(guest.drawer("Chat")).to_contain_text("Welcome")

    ada.notebook.execute(LISTEN)
    watches = [Watch(view) for view in (ada, guest)]
    server.kill()
    killed_s = time.monotonic()
    for view in (ada, guest):
        expect(view.status).to_contain_text(re.compile("lost|out of reach"))
    wait_frames(watches, FRAMES)
    ada.page.wait_for_timeout(max(0.0, OUTAGE_S - (time.monotonic() - killed_s)) * 1000)
    logger.info("frames during the outage: %s", [watch.frames for watch in watches])

    server.restart()
    back_s = time.monotonic()
    wait_users(server, 2)
    rejoined_s = time.monotonic() - back_s
    logger.info("away for %.1f s, everybody back %.1f s later", back_s - killed_s, rejoined_s)
    for view in (ada, guest):
        expect(view.status).to_have_text("In lab")
    guest.say("Still there?")
    ada.wait_python("call.chat.messages[-1].text == 'Still there?'")
    ada.notebook.execute("call.chat.send('Always')")
    expect(guest.drawer("Chat")).to_contain_text("Always")
    wait_frames(watches, FRAMES)
    assert [watch.notes for watch in watches] == [[], []]
    logger.info("longest from one frame to the next, in ms: %s", [watch.longest_ms for watch in watches])
    assert ada.notebook.execute("print(came_and_went, end='')") == "[]"
    connections = "{person.name: person.connection for person in call.participants.values()}"
    ada.wait_python(f"{connections} == dict.fromkeys(('Ada', 'Guest'), 'connected')")


def test_a_room_that_takes_nobody_in_says_why(
    serve: Serve, page: Page, open_notebook: OpenNotebook, new_page: NewPage
) -> None:
    server = serve()
    server.make_room(roomId="small", capacity=1)
    server.make_room(roomId="secret", passcode="open sesame")
    gone = f"{server.url}/r/gone#token=" + sign_token(server.secret, "gone")
    calls = [
        f"room='lab', server='http://127.0.0.1:{free_port()}'",
        f"room='small', server={server.url!r}",
        f"room='{server.url}/r/secret', name='Ada', passcode='open says me'",
        f"room={gone!r}",
    ]
    bot = f"import nbrtc\nbot = nbrtc.Bot(room='small', server={server.url!r}).wait_for('connected')"
    notebook = open_notebook(page, [*(CALL.format(arguments=arguments) for arguments in calls), bot])
    notebook.run(0)
    nowhere, small, secret, forgotten = (Widget(notebook, index) for index in range(len(calls)))
    nowhere.button("Start camera").click()  # it is tried for ten seconds, and read last
    for cell in (4, 1, 2, 3):
        notebook.run(cell)
    for widget, words in (
        (small, 'The room "small" is full (1 of 1). Try again when somebody has left'),
        (secret, "Enter the room's passcode, then try again."),
        (forgotten, 'There is no room "gone", or not any more. Ask whoever invited you for a new link'),
    ):
        widget.button("Start camera").click()
        expect(widget.root.get_by_role("alert")).to_contain_text(words)
        expect(widget.button("Start camera")).to_be_enabled()
    secret.root.get_by_label("Passcode").fill("open sesame")
    secret.enter()

    guest = Guest(new_page("other-clip"), f"{server.url}/r/secret")
    guest.join("Eve")
    expect(guest.root.get_by_role("alert")).to_contain_text("Enter the room's passcode, then try again.")
    guest.root.get_by_label("Passcode").fill("open sesame")
    guest.button("Join").click()
    guest.wait_corners("Ada", CLIP)
    expect(nowhere.root.get_by_role("alert")).to_contain_text("See that the server runs and that its address")


READ_NUMBERS = """video => {
  const canvas = new OffscreenCanvas(160, 120);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const numbers = [];
  const look = () => {
    context.drawImage(video, 0, 0, 160, 120);
    const { data } = context.getImageData(0, 0, 160, 120);
    const bit = field => data[4 * (160 * (15 + 30 * Math.floor(field / 4)) + 20 + 40 * (field % 4))] > 125;
    const number = first => Array.from({ length: 8 }, (_, index) => bit(first + index))
      .reduce((value, set) => 2 * value + set, 0);
    if (number(0) + number(8) === 255) numbers.push(number(0));
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  return numbers;
}"""


def test_the_numbered_frames_of_a_bot_arrive_in_a_browser_and_the_browsers_at_the_bot(
    serve: Serve, bridge: Bridge, new_page: NewPage
) -> None:
    server = serve()
    guest = Guest(new_page("other-clip"), f"{server.url}/r/lab")
    guest.join("Guest")
    counter = iter(range(1_000_000))
    with nbrtc.Bot(
        room="lab", name="Robot", server=server.url, video=lambda: draw(next(counter)), fps=15
    ) as bot:
        expect(guest.video("Robot")).to_be_visible()
        numbers = guest.video("Robot").evaluate_handle(READ_NUMBERS)
        guest.page.wait_for_function("numbers => numbers.length >= 60", arg=numbers)
        read: list[int] = numbers.json_value()
        steps = [(new - old) % NUMBERS for old, new in itertools.pairwise(read)]
        assert max(steps) < NUMBERS // 2, f"numbers only grow: {read}"
        arrived = sum(step > 0 for step in steps) / sum(steps)
        assert arrived > 0.5, f"{arrived:.0%} of the Bot's frames arrived: {read}"

        picture = bot.participants["Guest"].snapshot(60)
        rows, columns = (slice(size // 10, None, size * 8 // 10) for size in picture.shape[:2])
        corners = picture[rows, columns].reshape(-1, 3).tolist()[:4]
        assert is_near(corners, OTHER_CLIP), corners
        heard: queue.Queue[ChatMessage] = queue.Queue()
        bot.on_chat(heard.put)
        guest.say("Hello Robot")
        assert heard.get(timeout=60).text == "Hello Robot"
        bot.chat.send("Hello human")
        expect(guest.drawer("Chat")).to_contain_text("Hello human")
        assert bot.errors == []


def wait_frames(watches: list[Watch], count: int) -> None:
    """Wait until so many more frames of everybody were shown to everybody."""
    for watch, before in [(watch, watch.frames) for watch in watches]:
        watch.wait_frames(count, before)


def wait_users(server: ServerProcess, count: int) -> None:
    """Wait until so many are in its rooms."""
    deadline_s = time.monotonic() + 60
    while (users := server.health()["users"]) != count:
        assert time.monotonic() < deadline_s, f"{users} instead of {count} users"
        time.sleep(0.02)
