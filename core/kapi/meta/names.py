"""The laws of names: what may be called what, with the sentences that apimachinery prints.

Every check takes the name and returns a list of what is wrong with it (empty: nothing). Lengths are in bytes of
UTF-8, as Go counts them. The patterns are written so that no text can make them backtrack.
"""

import random
import re
from collections.abc import Callable
from typing import Final

NameCheck = Callable[[str], list[str]]
"""Takes a name, returns what is wrong with it."""

NameValidator = Callable[[str, bool], list[str]]
"""Takes a name and whether it is a prefix (``generateName``), returns what is wrong with it."""

LABEL_MAX: Final = 63
SUBDOMAIN_MAX: Final = 253
_GENERATED_SUFFIX: Final = 5
_GENERATED_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"

_LABEL = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
_NAME_PART = r"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*"
_match_label = re.compile(_LABEL).fullmatch
_match_subdomain = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch
_match_wildcard = re.compile(rf"\*\.{_LABEL}(?:\.{_LABEL})*").fullmatch
_match_1035 = re.compile(r"[a-z][a-z0-9]*(?:-+[a-z0-9]+)*").fullmatch
_match_name_part = re.compile(_NAME_PART).fullmatch
_match_config_key = re.compile(r"[-._a-zA-Z0-9]+").fullmatch
_match_port_name = re.compile(r"[-a-z0-9]+").fullmatch
_search_letter = re.compile(r"[a-z]").search


def _regex_error(sentence: str, pattern: str, *examples: str) -> str:
    shown = "".join(f"'{example}',  or " for example in examples[:-1]) + f"'{examples[-1]}'"
    return f"{sentence} (e.g. {shown}, regex used for validation is '{pattern}')"


_LABEL_ERROR = _regex_error(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    "my-name",
    "123-abc",
)
_SUBDOMAIN_ERROR = _regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "example.com",
)
_WILDCARD_ERROR = _regex_error(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "*.example.com",
)
_1035_ERROR = _regex_error(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    "my-name",
    "abc-123",
)
_NAME_PART_ERROR = _regex_error(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    "MyName",
    "my.name",
    "123-abc",
)
_LABEL_KEY_ERROR = (
    f"a valid label key {_NAME_PART_ERROR} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_LABEL_VALUE_ERROR = _regex_error(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_KEY_ERROR = _regex_error(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "[-._a-zA-Z0-9]+",
    "key.name",
    "KEY_NAME",
    "key-name",
)


def byte_length(text: str) -> int:
    """Return the length of ``text`` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def max_length(limit: int, unit: str = "characters") -> str:
    """Return the sentence for a name that is longer than ``limit``."""
    return f"must be no more than {limit} {unit}"


def _bounded(name: str, limit: int, matches: bool, sentence: str, unit: str = "characters") -> list[str]:
    problems = []
    if byte_length(name) > limit:
        problems.append(max_length(limit, unit))
    if not matches:
        problems.append(sentence)
    return problems


def dns1123_label(name: str) -> list[str]:
    """Check a DNS label (RFC 1123): namespaces, services, containers."""
    if _match_label(name):
        return [max_length(LABEL_MAX)] if len(name) > LABEL_MAX else []
    return _bounded(name, LABEL_MAX, False, "must not contain dots" if _match_subdomain(name) else _LABEL_ERROR)


def dns1123_subdomain(name: str) -> list[str]:
    """Check a DNS subdomain (RFC 1123): what most objects are called."""
    if _match_subdomain(name):
        return [max_length(SUBDOMAIN_MAX)] if len(name) > SUBDOMAIN_MAX else []
    return _bounded(name, SUBDOMAIN_MAX, False, _SUBDOMAIN_ERROR)


def wildcard_dns1123_subdomain(name: str) -> list[str]:
    """Check a DNS subdomain whose first label is ``*``."""
    return _bounded(name, SUBDOMAIN_MAX, _match_wildcard(name) is not None, _WILDCARD_ERROR)


def dns1035_label(name: str) -> list[str]:
    """Check a DNS label (RFC 1035): begins with a letter."""
    return _bounded(name, LABEL_MAX, _match_1035(name) is not None, _1035_ERROR)


def qualified_name(name: str) -> list[str]:
    """Check the key of a label, annotation, taint or finalizer: ``name`` or ``prefix.example/name``."""
    if len(name) <= LABEL_MAX and _match_name_part(name):
        return []
    prefix, slash, part = name.partition("/")
    if not slash:
        return _name_part(prefix)
    if "/" in part:
        return [_LABEL_KEY_ERROR]
    if not prefix:
        return ["prefix part must be non-empty", *_name_part(part)]
    matches = _match_subdomain(prefix) is not None
    problems = _bounded(prefix, SUBDOMAIN_MAX, matches, _SUBDOMAIN_ERROR, "bytes")
    return [f"prefix part {problem}" for problem in problems] + _name_part(part)


def _name_part(part: str) -> list[str]:
    problems = [] if part else ["name part must be non-empty"]
    found = _bounded(part, LABEL_MAX, _match_name_part(part) is not None, _NAME_PART_ERROR, "bytes")
    return problems + [f"name part {problem}" for problem in found]


def label_value(value: str) -> list[str]:
    """Check the value of a label."""
    if not value or (len(value) <= LABEL_MAX and _match_name_part(value)):
        return []
    matches = not value or _match_name_part(value) is not None
    return _bounded(value, LABEL_MAX, matches, _LABEL_VALUE_ERROR, "bytes")


def path_segment_name(name: str) -> list[str]:
    """Check that a name can stand as a segment of a URL path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in "/%" if mark in name]


def config_map_key(key: str) -> list[str]:
    """Check a key of a ConfigMap or Secret: a file name without surprises."""
    if len(key) <= SUBDOMAIN_MAX and not key.startswith(".") and _match_config_key(key):
        return []
    problems = _bounded(key, SUBDOMAIN_MAX, _match_config_key(key) is not None, _CONFIG_KEY_ERROR)
    if key in (".", ".."):
        problems.append(f"must not be '{key}'")
    elif key.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def port_name(name: str) -> list[str]:
    """Check an IANA service name (RFC 6335)."""
    problems = []
    if byte_length(name) > 15:
        problems.append(max_length(15))
    if not _match_port_name(name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _search_letter(name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_number(port: int) -> list[str]:
    """Check a TCP, UDP or SCTP port."""
    return [] if 1 <= port <= 65535 else ["must be between 1 and 65535, inclusive"]


def mask_trailing_dash(prefix: str) -> str:
    """Return a ``generateName`` so that a check of whole names can judge it: a last dash will be followed by more."""
    return prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def name_validator(check: NameCheck) -> NameValidator:
    """Return a validator for ``metadata.name`` and ``metadata.generateName`` from a check of whole names."""

    def validate(name: str, prefix: bool) -> list[str]:
        return check(mask_trailing_dash(name) if prefix else name)

    return validate


name_is_subdomain = name_validator(dns1123_subdomain)
"""The names of most kinds."""
name_is_label = name_validator(dns1123_label)
"""The names of namespaces, services and the like."""


def name_is_path_segment(name: str, prefix: bool) -> list[str]:
    """Validate names that may hold anything that a URL path can (roles, bindings)."""
    problems = path_segment_name(name)
    return [p for p in problems if not p.startswith("may not be")] if prefix else problems


def generate_name(base: str) -> str:
    """Return ``base``, cut to leave room, with five random characters that form no words."""
    suffix = "".join(random.choices(_GENERATED_ALPHABET, k=_GENERATED_SUFFIX))
    return base[: LABEL_MAX - _GENERATED_SUFFIX] + suffix
