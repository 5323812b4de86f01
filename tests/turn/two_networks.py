"""Two networks without a way to each other, and between them a machine that both reach: the relay's."""

from tests.turn.namespaces import Network
from tests.turn.people import Room

A, B = "10.77.1", "10.77.2"
DRAINED_S = 5.0
"""After this long nothing of what was under way is left."""
NOTICED_S = 20.0
"""After this long without an answer a room's client knows that it is cut off."""


class TwoNetworks:
    """`a` and `b`, and `relay` between them, which has an address in both and forwards nothing."""

    def __init__(self, network: Network) -> None:
        self.a, self.b, self.relay = (network.add(label) for label in ("a", "b", "relay"))
        self.relay.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
        self._device, _ = network.cable(self.a, f"{A}.2/24", self.relay, f"{A}.1/24")
        network.cable(self.b, f"{B}.2/24", self.relay, f"{B}.1/24")
        self.a.route("default", via=f"{A}.1")
        self.b.route("default", via=f"{B}.1")

    def move_a(self) -> None:
        """Give the first network another address, as when a laptop changes its network."""
        self.a.run("ip", "address", "del", f"{A}.2/24", "dev", self._device)
        self.a.run("ip", "address", "add", f"{A}.3/24", "dev", self._device)
        self.a.route("default", via=f"{A}.1")

    def let_through(self) -> None:
        """Forward between the two from now on."""
        self.relay.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def blackout(networks: TwoNetworks, room: Room, seconds: float) -> None:
    """Nothing goes through for a while, messages included; if it is long, the room's clients notice."""
    everywhere = (networks.relay, networks.a, networks.b)
    for namespace in everywhere:
        namespace.lose("")
    room.is_held = True
    room.wait(min(seconds, DRAINED_S))
    counts = room.counts()
    for wait_s in (min(seconds, NOTICED_S) - DRAINED_S, seconds - NOTICED_S):
        if wait_s > 0:
            room.wait(wait_s)
            assert room.counts() == counts, "pictures came through the blackout"
            room.reach(seconds <= NOTICED_S)
    for namespace in everywhere:
        namespace.heal()
    room.is_held = False
    room.reach(True)
