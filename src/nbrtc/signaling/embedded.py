"""The room server of one user on one machine: whoever needs it first runs it, and the others find it.

A file in Jupyter's runtime folder says where it is and holds the secret that signs tokens; a lock beside it
says who runs it. The lock is the operating system's, so it ends with its owner, however that ends; the next
engine that asks takes the lock, the port and the secret over, and everybody comes back to the same address.

Only this user can read the file, and the server asks everybody for a signed token: other users of the machine
can neither join nor pass for the server.
"""

import asyncio
import contextlib
import logging
import os
import re
import secrets
import socket
import stat
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from jupyter_core.paths import jupyter_runtime_dir

from ..errors import RoomError
from .access import MIN_SECRET_BYTES, new_secret, sign_token
from .connection import ServerAddress
from .server import ServerOptions, SignalingServer

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
TOKEN_S = 3600.0
"""A token is made anew for each connection; it need not live long."""
APPEAR_S = 2.0
"""How long somebody who has just taken the lock may take to listen."""
POLL_S = 0.02
MOVING = "The program that ran the room server of this machine has ended; another one takes over."


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the file."""

    secret: bytes
    port: int
    """Of the present server, or of the last one."""
    pid: int | None
    """Whose server listens; None while nobody's does."""


class EmbeddedServer:
    """Finds this user's room server, or becomes it. One for each engine, on the engine's loop.

    Parameters
    ----------
    folder
        Where the file is; None for Jupyter's runtime folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Path(jupyter_runtime_dir()) if folder is None else folder
        # homes may be shared between machines, and 127.0.0.1 is not
        machine = re.sub(r"[^A-Za-z0-9_.-]", "_", socket.gethostname())
        self.path = self._folder / f"nbrtc-signaling-{machine}.json"
        self._lock = FileLock(self.path.with_suffix(".lock"), mode=0o600, thread_local=False)
        self._server: SignalingServer | None = None
        self._secret = b""
        self._turn = asyncio.Lock()
        self._is_closed = False

    @property
    def is_owner(self) -> bool:
        """Whether the server runs in this process."""
        return self._server is not None

    async def find(self, room: str) -> ServerAddress:
        """Where the server is, with a token that lets an owner of this room in.

        Raises
        ------
        RoomError
            ``"unreachable"`` if nobody's server came up in time, ``"not-allowed"`` if the file or its folder
            could have been made by somebody else.
        """
        async with self._turn:
            if self._is_closed:
                raise RoomError("The engine is closing, and the room server with it.", "unreachable")
            url = await self._url()
        return ServerAddress(url, sign_token(self._secret, room, role="owner", ttl_s=TOKEN_S))

    async def close(self) -> None:
        """Stop the server if it is ours, for another engine to take over. Idempotent."""
        async with self._turn:
            self._is_closed = True
            server, self._server = self._server, None
            if server is None:
                return
            try:
                self._write(Notice(self._secret, server.port, pid=None))
                await server.close(MOVING)
            finally:
                self._lock.release()

    async def _url(self) -> str:
        if self._server is not None:
            return self._server.url
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + APPEAR_S
        while loop.time() < limit_s:
            self._check_folder()
            if self._take_lock():
                return await self._serve()
            notice = self._read()
            if notice is not None and notice.pid is not None and _is_alive(notice.pid):
                self._secret = notice.secret
                return f"http://{HOST}:{notice.port}"
            await asyncio.sleep(POLL_S)
        raise RoomError(
            "The room server of this machine does not come up. Try again in a moment.", "unreachable"
        )

    def _take_lock(self) -> bool:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            raise _unsafe(f"{self._lock.lock_file} cannot be locked: {error}.") from error
        return True

    async def _serve(self) -> str:
        """Run the server; the lock is ours."""
        try:
            last = self._read()
            secret = new_secret() if last is None else last.secret
            port = 0 if last is None else last.port
            # before the port is anybody's: those who read on must not go to whom the last owner's file names
            self._write(Notice(secret, port, pid=None))
            server = await _start(secret, port)
            try:
                self._write(Notice(secret, server.port, pid=os.getpid()))
            except BaseException:
                await server.close(MOVING)
                raise
        except BaseException:
            self._lock.release()
            raise
        self._server, self._secret = server, secret
        return server.url

    # --- the file

    def _check_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._folder.stat()
        except OSError as error:
            raise _unsafe(
                f"Jupyter's runtime folder {self._folder} cannot be used: {error.strerror}."
            ) from error
        if os.name == "posix" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022):
            raise _unsafe(f"Others may write to Jupyter's runtime folder {self._folder}: chmod 700 it.")

    def _read(self) -> Notice | None:
        """What the file says; None where there is none, or none that is whole."""
        try:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unsafe(f"{self.path} cannot be read ({error.strerror}): delete it.") from error
        with open(handle, "rb") as file:  # noqa: PTH123  a descriptor, not a path
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or (
                os.name == "posix" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077)
            ):
                raise _unsafe(f"{self.path} is not a file that only you can read: delete it.")
            text = file.read(4096)
        try:
            notice = msgspec.json.decode(text, type=Notice)
        except msgspec.MsgspecError:
            logger.warning("%s is damaged; it is written anew", self.path)
            return None
        is_sound = len(notice.secret) >= MIN_SECRET_BYTES and 0 <= notice.port < 65536
        return notice if is_sound else None

    def _write(self, notice: Notice) -> None:
        """Replace the file in one step, readable by this user only."""
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            handle = os.open(
                draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600
            )
            with open(handle, "wb") as file:  # noqa: PTH123
                file.write(msgspec.json.encode(notice))
            draft.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise _unsafe(f"{self.path} cannot be written: {error.strerror}.") from error


async def _start(secret: bytes, port: int) -> SignalingServer:
    """A server on the last one's port, so that invite links stay good, or on any other."""
    if port:
        try:
            return await _listen(secret, port)
        except OSError as error:
            logger.info("Port %d is somebody else's now (%s); the room server takes another", port, error)
    try:
        return await _listen(secret, 0)
    except OSError as error:
        raise RoomError(f"No room server could be started: {error.strerror}.", "unreachable") from error


async def _listen(secret: bytes, port: int) -> SignalingServer:
    server = SignalingServer(ServerOptions(host=HOST, port=port, secret=secret, require_token=True))
    await server.start()
    return server


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # the lock says so
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _unsafe(sentence: str) -> RoomError:
    return RoomError(f"{sentence} Or name a server: Call(room=..., server=...).", "not-allowed")
