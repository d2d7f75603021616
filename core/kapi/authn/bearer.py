"""Bearer tokens in the Authorization header (RFC 6750, section 2.1), read as kube-apiserver reads them."""

from typing import NamedTuple

EXTRA_SPACE_WARNING = "the provided Authorization header contains extra space before the bearer token, and is ignored"


class Bearer(NamedTuple):
    """What an Authorization header says: the token ("" for none), and a warning for its sender ("" for none)."""

    token: str = ""
    warning: str = ""


NO_BEARER = Bearer()


def parse_authorization(value: str) -> Bearer:
    """Return the bearer token of an Authorization header's value.

    Headers of other schemes are nobody's concern here and give no token. Whatever follows the token after a space
    is ignored.
    """
    scheme, _, rest = value.strip(" \t").partition(" ")
    if scheme.lower() != "bearer" or not rest:
        return NO_BEARER
    token, _, _ = rest.partition(" ")
    return Bearer(token) if token else Bearer(warning=EXTRA_SPACE_WARNING)
