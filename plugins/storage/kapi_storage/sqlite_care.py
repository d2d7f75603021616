"""Looking after the database as a whole: for the commands of ``kapi storage``.

The functions block; they run in threads, on connections of their own, or as work for the writer.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apsw

from kapi.contracts.storage import StorageError, Unavailable
from kapi_storage.keyspace import bounds
from kapi_storage.sqlite_schema import APPLICATION_ID, BUSY_TIMEOUT_MS, MIGRATIONS, open_reader, open_writer
from kapi_storage.sqlite_writer import Transaction

MAGIC = b"SQLite format 3\0"
STEP_PAGES = 512
MAX_FINDINGS = 20

_LOST_VALUES = """
SELECT current.key FROM current LEFT JOIN changes USING (revision)
WHERE changes.value IS NULL OR changes.key <> current.key LIMIT ?
"""
_AHEAD = "SELECT compacted FROM compaction WHERE max(compacted, swept) > (SELECT max(revision) FROM changes)"
_EXPIRIES = "SELECT key, expires FROM current WHERE expires IS NOT NULL AND key >= ? AND key < ?"
_SPARE_HISTORY = "DELETE FROM changes WHERE revision NOT IN (SELECT revision FROM current)"
_MOVE = "INSERT INTO changes (revision, previous_revision, key) VALUES (?, 0, '')"


def verify(path: Path) -> list[str]:
    """Return what is wrong with a database, one line each. Raises Unavailable."""
    with _reading(path) as connection:
        findings = [line for (line,) in connection.execute(f"PRAGMA integrity_check({MAX_FINDINGS})") if line != "ok"]
        for (key,) in connection.execute(_LOST_VALUES, (MAX_FINDINGS,)):
            findings.append(f"the value of {key} is missing")
        if connection.execute(_AHEAD).fetchall():
            findings.append("more is compacted than there is")
    return findings


def expiries(path: Path, prefix: str) -> Mapping[str, float]:
    """Return the seconds that keys have left. Raises Unavailable."""
    now = time.time()
    with _reading(path) as connection:
        return {key: max(0.0, expires - now) for key, expires in connection.execute(_EXPIRIES, bounds(prefix))}


def advance(transaction: Transaction, revision: int) -> None:
    """Raise the revision, and drop all history: the log then has a gap that nobody can see. Work for the writer."""
    execute = transaction.execute
    execute(_SPARE_HISTORY)
    if revision > transaction.revision:
        execute(_MOVE, (revision,))
        transaction.revision = revision
    elif execute("SELECT count(*) FROM changes WHERE revision = ?", (transaction.revision,)).get == 0:
        execute(_MOVE, (transaction.revision,))
    execute("UPDATE compaction SET compacted = ?1, swept = ?1 - 1", (transaction.revision,))
    execute("DELETE FROM marks")


def shrink(transaction: Transaction) -> bool:
    """Give some free pages back to the file system; return whether there are more. Work for the writer."""
    transaction.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
    free: int = transaction.execute("PRAGMA freelist_count").get
    return free > 0


def log_size(path: Path) -> int:
    """Return the bytes of the write-ahead log, 0 if there is none."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def checkpoint(path: Path, patience: float = BUSY_TIMEOUT_MS / 1000) -> None:
    """Bring the write-ahead log into the database, and empty it, as far as readers let it.

    New readers do not use the log any more once it is in the database, so that the last old one is waited for. Writers
    wait meanwhile: ``patience`` seconds at most. Raises Unavailable.
    """
    connection = open_writer(path)
    connection.set_busy_timeout(int(1000 * patience))
    try:
        connection.pragma("wal_checkpoint", "TRUNCATE")
    except apsw.Error as error:
        raise Unavailable(f"cannot write {path}: {error}") from error
    finally:
        connection.close()


def save(source: Path, target: Path, progress: Callable[[float], None]) -> None:
    """Copy a database, as it is now, to a new file while others write. Raises Unavailable."""
    with _reading(source) as connection, _writing(target) as copy:
        connection.execute("BEGIN")
        connection.execute("SELECT max(revision) FROM changes").fetchall()  # pins what the copy shows
        _copy(connection, copy, progress)
        connection.execute("ROLLBACK")
        copy.pragma("journal_mode", "DELETE")


def load(source: Path, target: Path, progress: Callable[[float], None]) -> None:
    """Fill a database that has no keys from a copy. Raises StorageError."""
    with _reading(source) as connection:
        version = connection.pragma("user_version")
        if connection.pragma("application_id") != APPLICATION_ID or not 0 < version <= len(MIGRATIONS):
            raise StorageError(f"{source} is not a backup that this kapi can read")
        problems = connection.execute("PRAGMA quick_check(1)").get
        if problems != "ok":
            raise StorageError(f"{source} is damaged: {problems}")
        database = open_writer(target)
        try:
            if database.execute("SELECT count(*) FROM current").get:
                raise StorageError(f"{target} is not empty")
            _copy(connection, database, progress)
        except apsw.Error as error:
            raise Unavailable(f"cannot restore {target}: {error}") from error
        finally:
            database.close()


def _copy(source: apsw.Connection, target: apsw.Connection, progress: Callable[[float], None]) -> None:
    with target.backup("main", source, "main") as backup:
        while not backup.done:
            backup.step(STEP_PAGES)
            progress(1 - backup.remaining / max(1, backup.page_count))


@contextmanager
def _reading(path: Path) -> Iterator[apsw.Connection]:
    connection = open_reader(path)
    try:
        yield connection
    except apsw.Error as error:
        raise Unavailable(f"cannot read {path}: {error}") from error
    finally:
        connection.close()


@contextmanager
def _writing(path: Path) -> Iterator[apsw.Connection]:
    """Make a file, for its owner only."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except (OSError, apsw.Error) as error:
        raise Unavailable(f"cannot write {path}: {error}") from error
    try:
        yield connection
    finally:
        connection.close()
