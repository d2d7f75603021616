"""Work in the database that nobody asked for: expired keys, compaction, and what it leaves behind.

Each function is work for the :class:`~kapi_storage.sqlite_writer.Writer`, small enough not to hold up the writes that
share its transaction. As they look again when they hold the write lock, any number of processes may run them.
"""

import time
from typing import Any

from kapi.contracts.storage import FutureRevision
from kapi_storage.sqlite_reader import Extent
from kapi_storage.sqlite_writer import Transaction

EXPIRE_ROWS = 500
MOST_HISTORY_BYTES = 48 << 20
"""What history may take up where the present values take up less."""
KEPT_SHARE = 0.75
"""How much of that is left when it has become too much."""
SWEEP_REVISIONS = 50
SWEEP_SECONDS = 0.003
VACUUM_PAGES = 250
SPARE_PAGES = 2000
"""Free pages to keep for the next writes; giving back more than that is worth the work."""

_SWEEP_REPLACED = """
DELETE FROM changes WHERE revision IN (
    SELECT previous_revision FROM changes WHERE revision > ? AND revision <= ? AND previous_revision > 0
)
"""
_SWEEP_DELETIONS = "DELETE FROM changes WHERE revision > ? AND revision <= ? AND value IS NULL"


def expire(transaction: Transaction, now: float) -> bool:
    """Delete keys that have expired; return whether there may be more."""
    due: list[Any] = transaction.execute(
        "SELECT key, revision FROM current WHERE expires <= ? ORDER BY expires LIMIT ?", (now, EXPIRE_ROWS)
    ).fetchall()
    for key, revision in due:
        transaction.delete(key, revision)
    return len(due) == EXPIRE_ROWS


def compact(transaction: Transaction, revision: int) -> None:
    """Make revisions below ``revision`` unreadable. Raises FutureRevision."""
    if revision > transaction.revision:
        raise FutureRevision(transaction.revision)
    transaction.execute("UPDATE compaction SET compacted = ?1 WHERE compacted < ?1", (revision,))


def compact_by_age(transaction: Transaction, now: float, age: float) -> None:
    """Compact what is older than ``age`` seconds, and mark where history is now.

    The marks are in the database so that restarts do not put compaction off for ever. Those from the future (the
    clock was put back) are dropped.
    """
    execute = transaction.execute
    execute("DELETE FROM marks WHERE time > ?", (now,))
    old = execute("SELECT max(time), revision FROM marks WHERE time <= ?", (now - age,)).get
    if old[0] is not None:
        compact(transaction, old[1])
        execute("DELETE FROM marks WHERE time <= ?", (old[0],))
    execute("INSERT OR IGNORE INTO marks VALUES (?, ?)", (now, transaction.revision))


def revision_to_keep(extent: Extent) -> int:
    """Return from which revision on history is small enough; 0 if all of it is.

    It may take up as much as the present values. A burst of writes would otherwise fill the disk within the time that
    history is kept for.
    """
    most = max(MOST_HISTORY_BYTES / extent.row_bytes, extent.present)
    return extent.revision - int(KEPT_SHARE * most) if extent.history > most else 0


def sweep(transaction: Transaction) -> bool:
    """Remove some of the log that compaction has made unreadable; return whether there is more.

    A row goes when a change at or below the compacted revision replaced it, or if it is a deletion: what the compacted
    revision showed stays. The newest row always stays, for the revision counter.
    """
    execute = transaction.execute
    compacted: int
    swept: int
    compacted, swept = execute("SELECT compacted, swept FROM compaction").get
    last = min(compacted, transaction.revision - 1)
    if swept >= last:
        return False
    enough = time.perf_counter() + SWEEP_SECONDS
    while swept < last and time.perf_counter() < enough:
        upto = min(last, swept + SWEEP_REVISIONS)
        execute(_SWEEP_REPLACED, (swept, upto))
        execute(_SWEEP_DELETIONS, (swept, upto))
        swept = upto
    execute("UPDATE compaction SET swept = ?", (swept,))
    return swept < last


def give_back(transaction: Transaction) -> bool:
    """Return some free pages to the file system if there are many; return whether there are still."""
    execute = transaction.execute
    free, total = (execute(f"PRAGMA {name}").get for name in ("freelist_count", "page_count"))
    if free <= max(SPARE_PAGES, total // 4):
        return False
    execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    return True


def touch(transaction: Transaction) -> None:
    """Write something, to find out whether writing works."""
    transaction.execute("UPDATE compaction SET swept = swept")
