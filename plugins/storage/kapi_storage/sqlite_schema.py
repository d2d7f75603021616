"""The database file: how it is opened, what is in it, and how older versions are brought up to date.

``changes`` is the log of all changes, one row per revision, and holds the values; ``current`` says which row is the
present value of each key. A value is thus written once, and history costs nothing extra. The newest row of the log is
never removed, so that its revision is the store's revision for ever, whatever was deleted and compacted.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw

from kapi.contracts.storage import Unavailable

APPLICATION_ID = 0x6B617069
BUSY_TIMEOUT_MS = 10_000
_BUSY_PAUSE_SECONDS = 0.0003
_OPEN_RETRY_SECONDS = 0.02

# The log begins with a row of its own, so that an empty store is at revision 1: 0 means "the current one" in reads.
_VERSION_1 = """
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    previous_revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB
);
CREATE TABLE current (
    key TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    expires REAL
) WITHOUT ROWID;
CREATE INDEX current_by_expiry ON current (expires) WHERE expires IS NOT NULL;
CREATE TABLE compaction (
    compacted INTEGER NOT NULL,
    swept INTEGER NOT NULL
);
CREATE TABLE marks (
    time REAL PRIMARY KEY,
    revision INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO changes (revision, previous_revision, key) VALUES (1, 0, '');
INSERT INTO compaction VALUES (0, 0);
"""


def _create(connection: apsw.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_schema").get:
        raise Unavailable(f"{connection.filename} is a database of another program")
    connection.execute(_VERSION_1)
    connection.pragma("application_id", APPLICATION_ID)


MIGRATIONS: tuple[Callable[[apsw.Connection], None], ...] = (_create,)
"""The step at index N brings a file from version N to N + 1; steps are never changed once released."""


def open_writer(path: Path) -> apsw.Connection:
    """Open the file for writing, create it if need be (mode 0600) and bring it to the present version.

    Raises Unavailable.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_file(path)
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except (OSError, apsw.Error) as error:
        raise Unavailable(f"cannot open the database {path}: {error}") from error
    try:
        connection.set_busy_handler(wait_for_lock)
        _configure(connection)
        _migrate(connection)
    except apsw.Error as error:
        connection.close()
        raise Unavailable(f"cannot use the database {path}: {error}") from error
    except Unavailable:
        connection.close()
        raise
    return connection


def _make_file(path: Path) -> None:
    """Make the file, for its owner only, unless it exists. Raises OSError.

    A file that exists is not touched: closing a file gives up all locks that the process has on it (POSIX), also those
    of a connection that is open in this process. Another process could then take the log away from under it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def wait_for_lock(attempt: int) -> bool:
    """Wait a moment for a lock that another process holds; False when it has taken too long.

    SQLite's own handler waits longer and longer, up to 0.1 s, and so hardly ever gets a turn while another process
    writes group after group.
    """
    time.sleep(_BUSY_PAUSE_SECONDS)
    return attempt * _BUSY_PAUSE_SECONDS * 1000 < BUSY_TIMEOUT_MS


def open_reader(path: Path) -> apsw.Connection:
    """Open a file that a writer has prepared, for reading only. Raises Unavailable."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("cache_size", -4000)
    except apsw.Error as error:
        raise Unavailable(f"cannot read the database {path}: {error}") from error
    return connection


def _configure(connection: apsw.Connection) -> None:
    connection.pragma("auto_vacuum", "INCREMENTAL")
    _enter_wal_mode(connection)
    connection.pragma("synchronous", "FULL")
    connection.pragma("fullfsync", True)
    connection.pragma("cache_size", -8000)
    connection.pragma("temp_store", "MEMORY")
    connection.pragma("journal_size_limit", 64 << 20)


def _enter_wal_mode(connection: apsw.Connection) -> None:
    """Turn the write-ahead log on. SQLite does not wait for other processes that do the same, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.pragma("journal_mode", "WAL")
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_OPEN_RETRY_SECONDS)


def _migrate(connection: apsw.Connection) -> None:
    if connection.pragma("user_version") == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.pragma("user_version")
        if version > len(MIGRATIONS):
            raise Unavailable(
                f"{connection.filename} has version {version}, which a newer kapi wrote;"
                f" this one knows versions up to {len(MIGRATIONS)}"
            )
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.pragma("user_version", len(MIGRATIONS))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
