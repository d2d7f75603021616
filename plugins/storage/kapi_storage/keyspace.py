"""Keys and prefixes: what may be a key, and where a prefix ends in byte order."""

import re

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_FROM_SURROGATE = re.compile("[\ud800-\udfff].*", re.DOTALL)


def check_key(key: str) -> None:
    """Raise ValueError for text that cannot be a key: it must begin with "/", and have no NUL or lone surrogate."""
    if not key.startswith("/") or "\0" in key:
        raise ValueError(f"not a storage key: {key!r}")
    key.encode()


def bounds(prefix: str) -> tuple[str, str]:
    """Return (first, end): a key is below ``prefix`` exactly when first <= key < end.

    Python compares text by code point, which is also the byte order of its UTF-8 form. As every key begins with
    "/", the empty prefix means the same as "/".
    """
    first = prefix or "/"
    kept = first.rstrip(chr(_LAST))
    if not kept:
        raise ValueError(f"not a storage prefix: {prefix!r}")
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return lowest_from(first), lowest_from(kept[:-1] + chr(following))


def lowest_from(text: str) -> str:
    """Return the lowest text in UTF-8 that is not below ``text``, which may hold lone surrogates.

    No key has those, but what a client sends as the place to continue from may.
    """
    return _FROM_SURROGATE.sub("\ue000", text)


def check_entry(key: str, value: bytes) -> None:
    """Raise ValueError for a bad key, TypeError for a value that is not bytes."""
    check_key(key)
    if not isinstance(value, bytes):
        raise TypeError(f"the value of {key!r} is {type(value).__name__}, not bytes")
