"""Tabs of one window, of which all but one are really hidden.

Playwright makes its own pages believe that they are looked at, whatever lies in front of them; so these are
pages of the browser that Playwright does not know, spoken to through the browser's own DevTools session
(Chrome DevTools Protocol, domain Target).
"""

import json
import time
from typing import Any

from playwright.sync_api import Browser, CDPSession

PATIENCE_S = 90.0
NOT_HELD_BACK = (
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
)
"""What Playwright asks of Chromium, and a person's Chromium is not asked: hidden tabs would be spared."""


class Tab:
    """One page. Everything is waited for with a limit of `PATIENCE_S`."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._session: CDPSession = browser.new_browser_cdp_session()
        self.id: str = self._session.send("Target.createTarget", {"url": url})["targetId"]
        attached = self._session.send("Target.attachToTarget", {"targetId": self.id, "flatten": False})
        self._line = attached["sessionId"]
        self._answers: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._session.on("Target.receivedMessageFromTarget", self._hear)

    def show(self) -> None:
        """Bring it to the front of its window."""
        self._session.send("Target.activateTarget", {"targetId": self.id})

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self._send("Runtime.evaluate", options)
        result = answer.get("result", {})
        if "error" in answer or "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {answer}")
        return result["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait for a true value; returns it."""
        limit_s = time.monotonic() + PATIENCE_S
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < limit_s, f"waited in vain for {expression}"
            time.sleep(0.05)
        return value

    def close(self) -> None:
        """Close the page."""
        self._session.send("Target.closeTarget", {"targetId": self.id})
        self._session.detach()

    def _send(self, method: str, options: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        message = json.dumps({"id": self._number, "method": method, "params": options})
        self._session.send("Target.sendMessageToTarget", {"sessionId": self._line, "message": message})
        limit_s = time.monotonic() + PATIENCE_S
        while self._number not in self._answers:
            assert time.monotonic() < limit_s, f"no answer to {message}"
            self._session.send("Target.getTargets")  # while it is waited for, events come in
        return self._answers.pop(self._number)

    def _hear(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if event["sessionId"] == self._line and "id" in message:
            self._answers[message["id"]] = message
