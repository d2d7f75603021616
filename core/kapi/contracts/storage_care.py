"""What a storage backend may offer beyond :mod:`kapi.contracts.storage`, for the commands of ``kapi storage``.

Each is a protocol of its own: a backend has the methods or has not. The commands do without, where that is possible.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

Progress = Callable[[float], None]
"""Is told how much of the work is done, from 0 to 1."""


@runtime_checkable
class Existing(Protocol):
    """A store that ``start`` would create if it were not there."""

    def exists(self) -> bool:
        """Tell whether the store, which need not be started, is there."""


@runtime_checkable
class Verifying(Protocol):
    """A store that can look for damage in itself."""

    async def verify(self) -> Sequence[str]:
        """Return what is wrong with the started store, one line each; nothing if it is sound. Raises Unavailable."""


@runtime_checkable
class Reclaiming(Protocol):
    """A store that keeps the space that compaction frees."""

    async def reclaim(self) -> None:
        """Remove all that is compacted and give its space back, now. Raises Unavailable."""


@runtime_checkable
class Advancing(Protocol):
    """A store whose revision can be raised at once."""

    async def advance(self, revision: int) -> None:
        """Bring the started store to ``revision`` at least, and compact all history before. Raises Unavailable.

        For a store that is filled from another's content, so that no client sees revisions go back.
        """


@runtime_checkable
class Expiring(Protocol):
    """A store that can tell which keys expire."""

    async def expiries(self, prefix: str) -> Mapping[str, float]:
        """Return the seconds that keys below ``prefix`` have left, for those that expire. Raises Unavailable."""


@runtime_checkable
class Snapshotting(Protocol):
    """A store that can be copied as a whole into a file of its own format."""

    def is_snapshot(self, head: bytes) -> bool:
        """Tell whether a file that begins with ``head`` (64 bytes at least) may be such a copy."""

    async def save_snapshot(self, path: Path, progress: Progress) -> None:
        """Write the state of this moment to a new file, while the started store is in use. Raises Unavailable."""

    async def load_snapshot(self, path: Path, progress: Progress) -> None:
        """Fill the store, which is not started and holds no keys, from such a file. Raises StorageError."""
