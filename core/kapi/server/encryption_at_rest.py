"""``--encryption-provider-config``: from the file to a backend that encrypts. Only imported when the flag is given."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from kapi.config.completed import ConfigError
from kapi.config.encryption_file import parse_encryption, read_encryption_file
from kapi.contracts.storage import StorageBackend
from kapi.meta.gvk import GroupResource
from kapi.storage.encrypted import EncryptedBackend
from kapi.storage.encryption import Encryption, build_transformers

log = logging.getLogger("kapi.storage")

RELOAD_SECONDS = 60.0
"""How often the file is looked at; as often as kube-apiserver does."""


def check_encryption_file(path: Path) -> None:
    """Read the file and make its ciphers. Raises ConfigError, OSError."""
    build_transformers(read_encryption_file(path))


def encrypted(
    backend: StorageBackend,
    path: Path,
    prefix: str,
    stored: Callable[[], Iterable[tuple[str, GroupResource]]],
    *,
    reload_seconds: float = 0.0,
) -> EncryptedBackend:
    """Return a backend that encrypts as the file says. Raises ConfigError, OSError.

    ``prefix`` is that of all keys, ending in a slash; ``stored`` returns the storage prefixes of resources, and is not
    called before the backend is used. Every ``reload_seconds`` (0: never) a changed file is read again.
    """
    encryption = Encryption(build_transformers(read_encryption_file(path)), prefix, stored)
    if not reload_seconds:
        return EncryptedBackend(backend, encryption)
    return EncryptedBackend(backend, encryption, Reload(encryption, path, reload_seconds).run)


class Reload:
    """Takes over a changed file while the server runs; one that cannot be used changes nothing."""

    def __init__(self, encryption: Encryption, path: Path, seconds: float) -> None:
        """Take what uses the file as it is now."""
        self._encryption = encryption
        self._path = path
        self._seconds = seconds
        self._seen = _digest(path.read_bytes())

    async def run(self) -> None:
        """Look at the file again and again."""
        while True:
            await asyncio.sleep(self._seconds)
            self.look()

    def look(self) -> None:
        """Use the file if it has changed since the last look."""
        try:
            text = self._path.read_bytes()
            if _digest(text) == self._seen:
                return
            self._seen = _digest(text)
            self._encryption.replace(build_transformers(parse_encryption(text)))
        except (OSError, ConfigError) as ex:
            log.error("the encryption configuration stays as it was: %s: %s", self._path, ex)
        else:
            log.warning("the encryption configuration was read again: %s", self._path)


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
