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
