"""Telling the other processes on a database of a commit, so that their watches need not look for it.

Each process has a datagram socket in a folder beside the database, and sends the revision of each commit to all that
it finds there. That is a hint and no more: what has changed stands in the database, and those who hear nothing (the
file system knows no sockets, a datagram was lost) still look now and then. A process that was killed leaves its socket
behind; the next to send removes it.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

log = logging.getLogger("kapi.storage")

HELLO = b"hello"
_REVISION_BYTES = 8
_HIGHEST = (1 << 63) - 1
_READ_AT_ONCE = 64
_LONGEST_ADDRESS = 100
"""Addresses of sockets are short (108 bytes on Linux, 104 elsewhere); data directories need not be."""

_GONE = (ConnectionRefusedError, FileNotFoundError)


class Peers:
    """The other processes on a database, as far as they can be told. All calls are made on the event loop.

    ``connected`` says whether this process can hear: if not, it must look by itself more often.
    """

    def __init__(self, path: Path, heard: Callable[[int], None]) -> None:
        """Take the database, and what to call with a revision that peers have reached.

        It may be higher than any that there is: then it is not known how far they are.
        """
        self._folder = path.with_name(f".{path.name}-peers")
        self._heard = heard
        self._name = secrets.token_hex(8)
        self._others: dict[str, str] = {}
        self._handle = -1
        self._socket: socket.socket | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a socket to be told through."""
        return self._socket is not None

    def open(self) -> None:
        """Make the socket, and greet who is there. Without one, this process neither hears nor tells."""
        try:
            self._handle = _open_folder(self._folder)
            self._socket = _bound(self._address(self._name))
            asyncio.get_running_loop().add_reader(self._socket, self._read)
        except (OSError, AttributeError, NotImplementedError) as error:
            self.close()
            log.info("no sockets in %s, looking for changes of other processes instead: %s", self._folder, error)
            return
        self.look()
        self._send(HELLO)

    def close(self) -> None:
        """Remove the socket. Idempotent."""
        own, self._socket = self._socket, None
        if own is not None:
            asyncio.get_running_loop().remove_reader(own)
            own.close()
            self._remove(self._name)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def look(self) -> None:
        """Find out which peers there are."""
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            names = os.listdir(self._handle)
            self._others = {name: self._address(name) for name in names if name != self._name}

    def tell(self, revision: int) -> None:
        """Tell all peers that there are changes up to a revision."""
        if self._others and self._socket is not None:
            self._send(revision.to_bytes(_REVISION_BYTES, "big"))

    def _send(self, message: bytes) -> None:
        own = self._socket
        assert own is not None
        for name, address in list(self._others.items()):
            try:
                own.sendto(message, address)
            except _GONE:
                del self._others[name]
                self._remove(name)
            except OSError as error:
                # Mostly a full queue: whoever has not read the last messages will look when it does.
                log.debug("a peer was not told of a commit: %s", error)

    def _read(self) -> None:
        """Take what peers have sent, and pass the highest revision on."""
        messages = list(islice(self._messages(), _READ_AT_ONCE))
        if HELLO in messages:
            self.look()
        revisions = [int.from_bytes(message, "big") for message in messages if len(message) == _REVISION_BYTES]
        if len(revisions) > 1:
            # There may have been more of them than there was room for.
            self._heard(_HIGHEST)
        elif revisions:
            self._heard(revisions[0])

    def _messages(self) -> Iterator[bytes]:
        while self._socket is not None:
            try:
                yield self._socket.recv(_REVISION_BYTES + 1)
            except OSError:
                return

    def _address(self, name: str) -> str:
        """Return the address of a socket in the folder; through the open folder where the plain path is too long."""
        plain = str(self._folder / name)
        if len(os.fsencode(plain)) <= _LONGEST_ADDRESS:
            return plain
        return f"/proc/self/fd/{self._handle}/{name}"

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self._handle)


def _open_folder(folder: Path) -> int:
    """Return a handle of the folder, made if need be, that only its owner can use. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(handle)
    if found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077:
        return handle
    os.close(handle)
    raise PermissionError(f"{folder} is open to others")


def _bound(address: str) -> socket.socket:
    """Return a socket that receives datagrams at an address. Raises OSError; AttributeError where there are none."""
    own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        own.setblocking(False)
        own.bind(address)
    except OSError:
        own.close()
        raise
    return own
