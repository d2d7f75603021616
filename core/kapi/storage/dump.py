"""The portable backup: a text file that any backend can be restored from.

One JSON object a line. The first says what the file is, the last how many keys there are and the SHA-256 of all lines
before it, so that a file that was cut off or changed is noticed. A name that ends in ``.gz`` makes it compressed.
"""

import base64
import binascii
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

FORMAT = "kapi-storage-dump"
VERSION = 1
MAX_LINE = 64 << 20
_GZIP_MAGIC = b"\x1f\x8b"


class DumpError(Exception):
    """A file is not a whole backup; the message is one line."""


class Header(NamedTuple):
    """What the first line says: the prefix of all keys (ending in a slash), and the revision that the file shows."""

    prefix: str
    revision: int
    keys: int


class Record(NamedTuple):
    """One key: its name below the prefix, value, revision, and the seconds that it has left (None: it stays)."""

    name: str
    value: bytes
    revision: int
    ttl: float | None = None


class DumpWriter:
    """Writes records behind a header; the file is whole after :meth:`end`."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        """Take an open file."""
        self._file = file
        self._digest = hashlib.sha256()
        self._count = 0
        self._line({"format": FORMAT, "version": VERSION, **header._asdict()})

    def add(self, records: Iterable[Record]) -> None:
        """Write records. Raises OSError."""
        for name, value, revision, ttl in records:
            line = {"key": name, "revision": revision, "value": base64.b64encode(value).decode()}
            self._line(line if ttl is None else {**line, "ttl": round(ttl, 3)})
            self._count += 1

    def end(self) -> None:
        """Write the last line. Raises OSError."""
        self._line({"end": True, "keys": self._count, "sha256": self._digest.hexdigest()})

    def _line(self, content: Mapping[str, Any]) -> None:
        line = orjson.dumps(content) + b"\n"
        self._digest.update(line)
        self._file.write(line)


@contextmanager
def writing(path: Path, header: Header, compressed: bool) -> Iterator[DumpWriter]:
    """Make a file, for its owner only, and give a writer to it; it is on the disk at the end. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        if compressed:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, filename="", mtime=0) as packed:
                yield DumpWriter(cast(IO[bytes], packed), header)
        else:
            yield DumpWriter(file, header)
        file.flush()
        os.fsync(file.fileno())


def read_header(path: Path) -> Header:
    """Return what the first line of a file says. Raises DumpError, OSError."""
    with _lines(path) as lines:
        return _header(next(lines, b""))


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records; the file has been found whole when the last one was taken. Raises DumpError, OSError."""
    digest = hashlib.sha256()
    count = 0
    with _lines(path) as lines:
        first = next(lines, b"")
        _header(first)
        digest.update(first)
        for line in lines:
            content = _parsed(line)
            if content.get("end"):
                if (content.get("keys"), content.get("sha256")) != (count, digest.hexdigest()):
                    raise DumpError("the backup was changed: its checksum does not fit")
                return
            digest.update(line)
            count += 1
            yield _record(content)
    raise DumpError("the backup is not whole: its last line is missing")


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[bytes]]:
    """Open a file and give its lines; one that is too long, or bad compression, is a DumpError."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file
        try:
            yield _limited(stream)
        except (EOFError, gzip.BadGzipFile, zlib.error) as ex:
            raise DumpError(f"the backup is damaged: {ex}") from ex


def _limited(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE):
        if len(line) >= MAX_LINE:
            raise DumpError("the backup has a line that is too long")
        yield line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as ex:
        raise DumpError("not a backup of kapi storage, or a damaged one") from ex
    if not isinstance(content, dict):
        raise DumpError("not a backup of kapi storage")
    return content


def _header(line: bytes) -> Header:
    content = _parsed(line)
    if content.get("format") != FORMAT:
        raise DumpError("not a backup of kapi storage")
    if content.get("version") != VERSION:
        raise DumpError(f"a backup of version {content.get('version')!r}: this kapi reads version {VERSION}")
    prefix, revision, keys = content.get("prefix"), content.get("revision"), content.get("keys")
    if not (isinstance(prefix, str) and isinstance(revision, int) and isinstance(keys, int)):
        raise DumpError("the backup is damaged: its first line is not whole")
    return Header(prefix, revision, keys)


def _record(content: Mapping[str, Any]) -> Record:
    try:
        ttl = content.get("ttl")
        value = base64.b64decode(content["value"], validate=True)
        return Record(str(content["key"]), value, int(content["revision"]), None if ttl is None else float(ttl))
    except (KeyError, TypeError, ValueError, binascii.Error) as ex:
        raise DumpError("the backup is damaged: a line is not that of a key") from ex
