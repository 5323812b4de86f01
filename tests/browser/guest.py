"""The guest page as a person with only a browser meets it."""

from playwright.sync_api import Page

from tests.browser.widget import View


class Guest(View):
    """The call in a page of the room server.

    Parameters
    ----------
    page
        The window; it goes to the address.
    address
        An invite link, or the server's own with a room in its path.
    """

    def __init__(self, page: Page, address: str) -> None:
        page.goto(address)
        super().__init__(page, page.locator(".nbrtc").first)

    def join(self, name: str) -> None:
        """Say a name, and click "Join"."""
        self.root.get_by_label("Your name").fill(name)
        self.button("Join").click()


def never_asks_where_to_save(page: Page) -> None:
    """As a browser without file pickers; to be called before the page goes anywhere."""
    page.add_init_script("delete window.showSaveFilePicker; delete window.showDirectoryPicker;")


class Silence:
    """Keeps from the room which badges a page shows; to be made before the page goes anywhere."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(
            """
            window.isSilent = true;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (data) {
              const isText = window.isSilent && typeof data === "string";
              const kept = isText ? data.replace(/"acknowledges":\\[[^\\]]*\\]/g, '"acknowledges":[]') : data;
              return send.call(this, kept);
            };
            """
        )

    def end(self) -> None:
        """From now on it tells, with the next that it says of itself."""
        self._page.evaluate("window.isSilent = false")
