"""TURN servers, networks and browsers for these tests; skipped with a sentence where there are none."""

import itertools
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from nbrtc.ice.turn_config import TurnOptions, turn_config
from nbrtc.ice.turn_options import MIN_PORT, USER_QUOTA
from nbrtc.messages import IceConfiguration
from tests.browser.chromium import find_chromium
from tests.turn import certificate as certificates
from tests.turn import coturn, namespaces, people
from tests.turn.certificate import Certificate
from tests.turn.coturn import Coturn
from tests.turn.engine import Engine
from tests.turn.namespaces import PATIENCE_S, LoopIn, Namespace, Network
from tests.turn.people import Person
from tests.turn.times import pytest_terminal_summary, report_times
from tests.turn.two_networks import TwoNetworks

__all__ = ["pytest_terminal_summary", "report_times"]

JS = Path(__file__).parents[2] / "js"
NUMBERS = itertools.count(1)
RELAY_ADDRESSES = ("10.77.1.1", "10.77.2.1")
"""Of a relay that stands between two networks."""


class StartCoturn(Protocol):
    """Start a TURN server: on this machine's own address, or in a namespace at its addresses.

    With TLS it shows the certificate that browsers of these tests trust, or another one.
    """

    def __call__(
        self,
        namespace: Namespace | None = None,
        *addresses: str,
        relay_address: str | None = None,
        allow_peers: tuple[str, ...] = (),
        user_quota: int = USER_QUOTA,
        with_tls: bool = False,
        certificate: Certificate | None = None,
    ) -> Coturn: ...


class NewLoop(Protocol):
    """Start a loop in a network; None is the machine's own."""

    def __call__(self, namespace: Namespace | None = None) -> LoopIn: ...


@pytest.fixture(scope="session")
def turnserver() -> str:
    path = coturn.find_turnserver()
    if path is None:
        pytest.skip("turnserver is not in PATH: install coturn (tools/coturn.sh does)")
    return path


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that is not loopback: browsers and aioice leave that out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: UDP only looks for the way
        except OSError:
            pytest.skip("this machine has no network address besides loopback")
        return str(probe.getsockname()[0])


@pytest.fixture(scope="session")
def certificate(own_address: str, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Of every TURN server of these tests."""
    return certificates.issue(tmp_path_factory.mktemp("certificate"), own_address, *RELAY_ADDRESSES)


@pytest.fixture
def network() -> Iterator[Network]:
    """Namespaces for one test."""
    reason = namespaces.why_not()
    if reason is not None:
        pytest.skip(reason)
    with Network() as made:
        yield made


@pytest.fixture
def two_networks(network: Network) -> TwoNetworks:
    return TwoNetworks(network)


@pytest.fixture
def start_coturn(turnserver: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartCoturn]:
    """Start TURN servers; all end after the test."""
    ends = ExitStack()

    def start(
        namespace: Namespace | None = None,
        *addresses: str,
        relay_address: str | None = None,
        allow_peers: tuple[str, ...] = (),
        user_quota: int = USER_QUOTA,
        with_tls: bool = False,
        certificate: Certificate | None = None,
    ) -> Coturn:
        addresses = addresses or (request.getfixturevalue("own_address"),)
        at = addresses[0]
        folder = tmp_path / f"coturn-{next(NUMBERS)}"
        folder.mkdir()
        port, tls_port = free_port(at, namespace), free_port(at, namespace)
        if with_tls:
            certificate = request.getfixturevalue("certificate")
        options = TurnOptions(
            realm="turn.nbrtc.test",
            secret=coturn.SECRET,
            external_ip=relay_address or at,
            listening_ips=addresses,
            port=port,
            tls_port=tls_port,
            tls=certificate is not None,
            certificate=certificate.cert if certificate else None,
            key=certificate.pkey if certificate else None,
            allow_peers=allow_peers,
            user_quota=user_quota,
        )
        server = Coturn(
            folder,
            at,
            port,
            turn_config(options),
            tls_port=tls_port if certificate else None,
            namespace=namespace,
        )
        ends.callback(server.close)
        return server

    with ends:
        yield start


@pytest.fixture
def new_loop() -> Iterator[NewLoop]:
    """Start loops; all end after the test."""
    ends = ExitStack()

    def start(namespace: Namespace | None = None) -> LoopIn:
        loop = LoopIn(namespace)
        ends.callback(loop.close)
        return loop

    with ends:
        yield start


# --- browsers -----------------------------------------------------------------------------------------------


class NewPerson(Protocol):
    """Open a page in a browser of the machine's own network, or in one of a namespace."""

    def __call__(self, name: str, ice: IceConfiguration, namespace: Namespace | None = None) -> Person: ...


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("turn") / "page.js"
    subprocess.run([node, "test/bundle.mjs", "test/turn-page.ts", str(out)], cwd=JS, check=True)
    return out.read_text()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = find_chromium()
    if path is None:
        pytest.skip(
            "no chromium, chromium-browser or google-chrome in PATH: install one or set NBRTC_CHROMIUM"
        )
    return path


@pytest.fixture(scope="session")
def playwright(chromium_path: str) -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture
def new_person(
    playwright: Playwright, chromium_path: str, certificate: Certificate, script: str, tmp_path: Path
) -> Iterator[NewPerson]:
    """Open pages; each network has one browser, and all end after the test."""
    ends = ExitStack()

    @cache
    def browser_in(namespace: Namespace | None) -> Browser:
        browser = people.launch(playwright, chromium_path, tmp_path, certificate, namespace)
        ends.callback(browser.close)
        return browser

    def open_page(name: str, ice: IceConfiguration, namespace: Namespace | None = None) -> Person:
        # with the camera's permission: without it browsers hide their addresses behind mDNS names
        context = browser_in(namespace).new_context(permissions=["camera", "microphone"])
        context.set_default_timeout(1000 * PATIENCE_S)
        return Person(name, context.new_page(), script, ice)

    with ends:
        yield open_page


# --- Python's end -------------------------------------------------------------------------------------------


class NewEngine(Protocol):
    """Start the engine's end of a call in the machine's own network, or in a namespace."""

    def __call__(self, ice: IceConfiguration, namespace: Namespace | None = None) -> Engine: ...


@pytest.fixture
def new_engine(new_loop: NewLoop) -> Iterator[NewEngine]:
    """Start engines; all end after the test."""
    ends = ExitStack()

    def start(ice: IceConfiguration, namespace: Namespace | None = None) -> Engine:
        engine = Engine(new_loop(namespace), ice)
        ends.callback(engine.close)
        return engine

    with ends:
        yield start


def free_port(address: str, namespace: Namespace | None = None) -> int:
    """A port below the relay's that nobody listens on, neither for TCP nor for UDP."""
    if namespace is not None:
        return namespace.do(lambda: free_port(address))
    for _ in range(100):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            if port >= MIN_PORT:
                continue
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port at {address}")
