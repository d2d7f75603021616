"""Lets a user act as another, by the Impersonate-* headers."""

from urllib.parse import unquote

from kapi.authz.impersonation import Impersonation, Wanted
from kapi.contracts.authz import Authorizer
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.state import request_state
from kapi.filters.authorization import attributes_of, user_of
from kapi.meta.errors import StatusError, bad_request, go_quote

IMPERSONATED_USER = "impersonation.kapi/user"
_PREFIX = b"impersonate-"
_EXTRA = b"impersonate-extra-"


def with_impersonation(app: ASGIApp, authorizer: Authorizer) -> ASGIApp:
    """Wrap ``app`` so that it sees the user whom the headers name, if the sender may act as that one.

    Raises 400 for headers that name no user, and the 403 Status of the check that failed. The headers are gone from
    what ``app`` sees.
    """
    impersonation = Impersonation(authorizer)

    async def impersonate(scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        if not asks(headers):
            await app(scope, receive, send)
            return
        wanted = wanted_user(headers)
        if wanted is not None:
            state = request_state(scope)
            state.user = await impersonation.user(wanted, attributes_of(state.info, user_of(state)))
            state.audit[IMPERSONATED_USER] = state.user.name
            scope["headers"] = [item for item in headers if not item[0].startswith(_PREFIX)]
        await app(scope, receive, send)

    return impersonate


def asks(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether headers ask for impersonation."""
    for name, _ in headers:  # noqa: SIM110  # every request comes by here, and a generator costs three times as much
        if name.startswith(_PREFIX):
            return True
    return False


def wanted_user(headers: list[tuple[bytes, bytes]]) -> Wanted | None:
    """Return whom the headers ask to act as; None when they ask nothing. Raises 400 when they name no user."""
    firsts: dict[bytes, str] = {}
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for name, raw in headers:
        value = raw.decode("latin-1")
        if name in (b"impersonate-user", b"impersonate-uid"):
            firsts.setdefault(name, value)
        elif name == b"impersonate-group":
            groups.append(value)
        elif name.startswith(_EXTRA):
            extra.setdefault(extra_key(name[len(_EXTRA) :]), []).append(value)
    wanted = Wanted(
        firsts.get(b"impersonate-user", ""),
        firsts.get(b"impersonate-uid", ""),
        tuple(groups),
        {key: tuple(values) for key, values in extra.items()},
    )
    if wanted.name:
        return wanted
    if wanted.uid or wanted.groups or wanted.extra:
        raise _nameless(wanted)
    return None


def extra_key(encoded: bytes) -> str:
    """Return the key of an Impersonate-Extra-* header: lower case, percent-decoded where that is possible."""
    text = encoded.decode("latin-1").lower()
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _nameless(wanted: Wanted) -> StatusError:
    """Return the refusal of headers without a user, which shows them the way Go prints a user."""
    groups = _go_strings(wanted.groups) if wanted.groups else "[]string(nil)"
    pairs = ", ".join(f"{go_quote(key)}:{_go_strings(wanted.extra[key])}" for key in sorted(wanted.extra))
    extra = f"map[string][]string{{{pairs}}}" if wanted.extra else "map[string][]string(nil)"
    shown = f'&user.DefaultInfo{{Name:"", UID:{go_quote(wanted.uid)}, Groups:{groups}, Extra:{extra}}}'
    return bad_request(f"requested {shown} without impersonating a user name")


def _go_strings(values: tuple[str, ...]) -> str:
    return "[]string{" + ", ".join(go_quote(value) for value in values) + "}"
