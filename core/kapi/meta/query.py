"""The query of a URL, read as Go's ``net/url`` and apimachinery's parameter codec read it."""

from collections.abc import Mapping, Sequence
from typing import Final

from kapi.meta.errors import StatusError, bad_request, go_quote

Query = Mapping[str, Sequence[str]]
"""The values of each parameter, in order."""

_INT64_MAX: Final = (1 << 63) - 1
_UINT64_MAX: Final = (1 << 64) - 1
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def parse_query(query: bytes | str) -> dict[str, list[str]]:
    """Return the parameters of a raw query string.

    Parts that hold a semicolon or a malformed escape are dropped, as Go's ``URL.Query`` does.
    """
    if not query:
        return {}
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    values: dict[str, list[str]] = {}
    for part in text.split("&"):
        if not part or ";" in part:
            continue
        key, _, value = part.partition("=")
        try:
            decoded = unescape(key, plus=True), unescape(value, plus=True)
        except ValueError:
            continue
        values.setdefault(decoded[0], []).append(decoded[1])
    return values


def unescape(text: str, *, plus: bool = False) -> str:
    """Undo percent-encoding (and ``+`` for a space); raises ValueError for a malformed escape.

    ``text`` is latin-1 decoded bytes, as they come from the wire. What is not UTF-8 becomes U+FFFD.
    """
    if plus and "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")
    head, *escaped = text.split("%")
    out = bytearray(head, "latin-1", "replace")
    for piece in escaped:
        code = piece[:2]
        if len(code) < 2 or not _HEX.issuperset(code):
            raise ValueError(f"invalid URL escape {go_quote('%' + code)}")
        out.append(int(code, 16))
        out += piece[2:].encode("latin-1", "replace")
    return out.decode("utf-8", "replace")


def first(query: Query, name: str) -> str:
    """Return the first value of a parameter, or ""."""
    values = query.get(name)
    return values[0] if values else ""


def boolean(query: Query, name: str) -> bool | None:
    """Return a parameter as apimachinery reads booleans: anything but ``false`` and ``0`` is true; absent is None."""
    values = query.get(name)
    if not values:
        return None
    return values[0].lower() not in ("false", "0")


def integer(query: Query, name: str) -> int | None:
    """Return a parameter as int64, None when absent; raises a 400 StatusError for anything else."""
    values = query.get(name)
    if not values:
        return None
    try:
        return parse_int(values[0])
    except ValueError as ex:
        raise bad_request(str(ex)) from None


def parse_int(text: str) -> int:
    """Return the int64 in ``text``; raises ValueError in the words of Go's ``strconv``."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    magnitude = _magnitude(digits)
    if magnitude > _INT64_MAX + (text[0] == "-"):
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return -magnitude if text[0] == "-" else magnitude


def parse_uint(text: str) -> int:
    """Return the uint64 in ``text``; raises ValueError in the words of Go's ``strconv``."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(text)}: invalid syntax")
    magnitude = _magnitude(text)
    if magnitude > _UINT64_MAX:
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(text)}: value out of range")
    return magnitude


def _magnitude(digits: str) -> int:
    """Return the number, or one that is out of any range when it has too many digits to be worth computing."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= 20 else _UINT64_MAX + 1


def parse_resource_version(text: str, *, listing: bool = False) -> int:
    """Return a resource version ("" and "0" are 0).

    Raises a StatusError for anything else: a plain 500, and 400 for lists (``listing``), as kube-apiserver does.
    """
    if not text:
        return 0
    try:
        return parse_uint(text)
    except ValueError as ex:
        message = f"resourceVersion: Invalid value: {go_quote(text)}: {ex}"
    if listing:
        raise bad_request(f"invalid resource version: {message}")
    raise StatusError(500, "", message)
