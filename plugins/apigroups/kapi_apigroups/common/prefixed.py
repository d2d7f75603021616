"""Names of controllers and the like: ``domain.example/path``."""

import re
from collections.abc import Iterator

from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import dns1123_subdomain

_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_PATH_SYNTAX = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"


def domain_prefixed_path(text: str, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a name that must be a domain, a slash and a path."""
    if not text:
        yield field_required(path)
        return
    domain, slash, rest = text.partition("/")
    if not slash or not domain or not rest:
        yield field_invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    for problem in dns1123_subdomain(domain):
        yield field_invalid(path, domain, problem)
    if not _PATH.fullmatch(rest):
        yield field_invalid(path, rest, _PATH_SYNTAX)
