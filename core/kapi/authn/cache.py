"""A small memory of tokens that were good a moment ago."""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from kapi.contracts.authn import AuthnResponse

_Key = tuple[bytes, tuple[str, ...]]


class _Entry(NamedTuple):
    expires: float
    response: AuthnResponse


class TokenCache:
    """Remembers successful logins for ``ttl`` seconds, at most ``size`` of them.

    Tokens are kept only as digests keyed with a secret of the process, so that neither a memory dump nor the
    timing of a lookup tells anything about them.
    """

    def __init__(self, ttl: float = 10.0, size: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the life of an entry in seconds and the bound on their number; a ``ttl`` of 0 remembers nothing."""
        self._ttl = ttl
        self._size = size
        self._clock = clock
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=32)
        self._entries: dict[_Key, _Entry] = {}

    def key(self, token: str, audiences: tuple[str, ...]) -> _Key:
        """Return the key of a token as seen by those who accept ``audiences``."""
        digest = self._keyed.copy()
        digest.update(token.encode("utf-8", "surrogatepass"))
        return digest.digest(), audiences

    def get(self, key: _Key) -> AuthnResponse | None:
        """Return what was remembered for the key, unless that is too long ago."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires > self._clock():
            return entry.response
        del self._entries[key]
        return None

    def put(self, key: _Key, response: AuthnResponse) -> None:
        """Remember a success, forgetting the oldest one when there are too many."""
        if self._ttl <= 0:
            return
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = _Entry(self._clock() + self._ttl, response)
