"""The end of what a process says."""

import asyncio

TAIL_BYTES = 4096


async def tail(stream: asyncio.StreamReader) -> str:
    """Read to the end, so that the process never waits, and keep the last `TAIL_BYTES`."""
    said = b""
    while part := await stream.read(TAIL_BYTES):
        said = (said + part)[-TAIL_BYTES:]
    return said.decode(errors="replace").strip()
