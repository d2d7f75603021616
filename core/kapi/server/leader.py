"""One leader among all processes that share a store: a key with a time to live that the leader renews."""

import asyncio
import logging
import os
import socket
import uuid
from pathlib import Path

import orjson

from kapi.contracts.storage import KeyExists, KeyMissing, KeyValue, RevisionConflict, StorageBackend, StorageError

log = logging.getLogger("kapi.hooks")

KEY = "kapi/leader"
"""Below the prefix of all keys: there the watch feed sees the renewals, and readers need not wait for its progress."""
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
RETRY_SECONDS = 2.0


class Leadership:
    """Takes, keeps and gives up the leader's key."""

    def __init__(self, backend: StorageBackend, prefix: str) -> None:
        """Take the store that the candidates share, and the prefix of all keys (ending in a slash)."""
        self._backend = backend
        self._key = prefix + KEY
        self._identity = orjson.dumps({**_place(), "pid": os.getpid(), "id": uuid.uuid4().hex})
        self._revision = 0

    async def acquire(self) -> None:
        """Return when this process is the leader."""
        while not await self._try():  # noqa: ASYNC110  # the key is in the store, out of reach of an Event
            await asyncio.sleep(RETRY_SECONDS)

    async def _try(self) -> bool:
        try:
            self._revision = await self._backend.create(self._key, self._identity, ttl=LEASE_SECONDS)
        except KeyExists:
            return await self._take_over()
        except StorageError as error:
            log.warning("leadership cannot be asked for: %s", error)
            return False
        return True

    async def _take_over(self) -> bool:
        """Take the key from a leader on this machine that has died without giving it up."""
        try:
            held = await self._backend.get(self._key)
            if held is None or not _dead(held):
                return False
            self._revision = await self._backend.update(self._key, self._identity, held.revision, ttl=LEASE_SECONDS)
        except StorageError:
            return False
        return True

    async def lost(self) -> None:
        """Renew the key; return when that fails for as long as the key lives, or another has it."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < LEASE_SECONDS - RENEW_SECONDS:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._renew()
                renewed = loop.time()
            except (KeyMissing, RevisionConflict):
                return
            except StorageError as error:
                log.warning("leadership cannot be renewed: %s", error)

    async def _renew(self) -> None:
        update = self._backend.update
        self._revision = await update(self._key, self._identity, self._revision, ttl=LEASE_SECONDS)

    async def release(self) -> None:
        """Give the key up, if it is still ours."""
        try:
            await self._backend.delete(self._key, self._revision)
        except StorageError as error:
            log.debug("leadership was not ours to give up: %s", error)


def _dead(held: KeyValue) -> bool:
    """Tell whether the holder was a process of this place that is no more; what is not understood counts as alive."""
    try:
        holder = orjson.loads(held.value)
        if {name: holder[name] for name in _place()} != _place():
            return False
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, TypeError, KeyError, OverflowError, PermissionError):
        return False
    return False


def _place() -> dict[str, str]:
    """Return where process ids mean what they mean here: machine, boot and, on Linux, the namespace of process ids.

    Containers may share a host name, and a machine's ids begin anew when it starts.
    """
    try:
        boot, namespace = Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")
    except OSError:
        boot = namespace = ""
    return {"host": socket.gethostname(), "boot": boot, "namespace": namespace}
