"""Names in the paths of proxies: ``name``, ``name:port`` or ``scheme:name:port``."""

from typing import NamedTuple

from kapi.meta.errors import bad_request, go_quote

_SCHEMES = ("", "http", "https")


class Endpoint(NamedTuple):
    """What such a name means; empty members were left out."""

    scheme: str
    name: str
    port: str


def split_name(text: str, what: str) -> Endpoint:
    """Split a name; raises bad_request that calls it a request for ``what``."""
    parts = text.split(":")
    if len(parts) == 1:
        found = Endpoint("", parts[0], "")
    elif len(parts) == 2:
        found = Endpoint("", *parts)
    elif len(parts) == 3:
        found = Endpoint(*parts)
    else:
        found = Endpoint("", "", "")
    if not found.name or found.scheme not in _SCHEMES:
        raise bad_request(f"invalid {what} request {go_quote(text)}")
    return found
