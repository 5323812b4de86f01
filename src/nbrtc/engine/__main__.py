"""``python -m nbrtc.engine FOLDER``: started by the kernel's bridge, ends when the kernel does."""

import asyncio
import gc
import logging
import os
import shutil
import signal
import sys

from .host import Engine
from .ice_seams import drop_malformed_messages
from .seams import use_loopback_where_alone


def main() -> None:
    """Run the engine and leave without waiting for aiortc's threads, which are not daemons."""
    if len(sys.argv) != 2:
        sys.exit("The engine is started by nbrtc.Call(); it takes the folder of the bridge's sockets.")
    logging.basicConfig(
        level=os.environ.get("NBRTC_ENGINE_LOG", "WARNING").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupting a cell is not meant for the call
    gc.freeze()  # what was imported will not be garbage: shorter pauses
    use_loopback_where_alone()
    drop_malformed_messages()
    try:
        asyncio.run(Engine(sys.argv[1]).run())
    finally:
        shutil.rmtree(sys.argv[1], ignore_errors=True)  # the kernel may have been killed
        logging.shutdown()
        sys.stderr.flush()
        os._exit(0)


main()
