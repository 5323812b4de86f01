"""Names of STUN and TURN servers, looked up beside everything else.

asyncio looks names up on the threads that pictures are encoded on, where a name server that does not answer
would hold them up for many seconds.
"""

import asyncio
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from ipaddress import ip_address

_running: dict[str, Future[list[str]]] = {}
"""One thread for each name that is being looked up, however many want it."""
_lock = threading.Lock()


async def addresses_of(host: str) -> list[str]:
    """IP addresses of a host, the best first; an address is its own. On any loop.

    Raises
    ------
    OSError
        If the name is not known, or nobody tells.
    """
    try:
        return [str(ip_address(host))]
    except ValueError:
        return await asyncio.wrap_future(_lookup(host))


def first_of_each_family(addresses: Iterable[str]) -> list[str]:
    """One IPv4 and one IPv6 address, as far as there are: whoever has a name need not listen at both.

    IPv4 comes first, since that is what relays give.
    """
    firsts = {":" in address: address for address in reversed(list(addresses))}
    return [firsts[is_ipv6] for is_ipv6 in sorted(firsts)]


def _lookup(host: str) -> Future[list[str]]:
    with _lock:
        found = _running.get(host)
        if found is None:
            found = _running[host] = Future()
            found.set_running_or_notify_cancel()  # who stops waiting does not stop it for the others
            # a daemon: the operating system has its own patience, and the process ends when it likes
            threading.Thread(target=_look_up, args=(host, found), name="nbrtc-lookup", daemon=True).start()
    return found


def _look_up(host: str, found: Future[list[str]]) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        _forget(host)
        found.set_exception(error)
    else:
        _forget(host)
        found.set_result(list(dict.fromkeys(str(info[4][0]) for info in infos)))


def _forget(host: str) -> None:
    with _lock:
        del _running[host]
