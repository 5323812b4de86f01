"""The room server as ``nbrtc serve`` runs it, without the limits that a load test would run into.

``python -m benchmarks.signaling.nbrtc_server`` prints its URL and serves until it is terminated.
"""

import asyncio
import signal

import uvloop

from nbrtc.signaling.limits import Rates
from nbrtc.signaling.server import ServerOptions, SignalingServer

MANY = 100_000


async def main() -> None:
    # The buckets are counted like everybody's; they only hold more.
    options = ServerOptions(
        rates=Rates().scaled(MANY), max_rooms=MANY, max_clients=MANY, max_clients_per_address=MANY
    )
    server, stop = SignalingServer(options), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    print(server.url, flush=True)
    try:
        await stop.wait()
    finally:
        await server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
