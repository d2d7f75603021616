"""The order of API versions: ``v2`` before ``v1`` before ``v1beta2`` before ``v1alpha1`` before any other name."""

import re
from typing import Any

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?", re.ASCII)
_STABILITY = {None: 0, "beta": 1, "alpha": 2}


def version_order(version: str) -> tuple[Any, ...]:
    """Return the key by which versions are sorted, preferred first (see "Version priority" in the docs of CRDs)."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return 1, version
    major, stability, minor = match.groups()
    return 0, _STABILITY[stability], -int(major), -int(minor or 0)


def is_preferred(version: str, to: str) -> bool:
    """Tell whether a version comes before another."""
    return version_order(version) < version_order(to)
