"""What a LIST or WATCH asks for: ListOptions, and the continue tokens of paged lists."""

import base64
import binascii
import hmac
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kapi.meta.errors import (
    FieldError,
    StatusError,
    bad_request,
    field_forbidden,
    field_not_supported,
    invalid,
)
from kapi.meta.fields import EVERYTHING as ANY_FIELDS
from kapi.meta.fields import FieldSelector, parse_field_selector
from kapi.meta.gvk import GroupKind
from kapi.meta.labels import EVERYTHING as ANY_LABELS
from kapi.meta.labels import Selector, parse_label_selector
from kapi.meta.query import Query, boolean, first, integer

EXACT: Final = "Exact"
NOT_OLDER_THAN: Final = "NotOlderThan"
_MATCH: Final = "resourceVersionMatch"
_KIND: Final = GroupKind("meta.k8s.io", "ListOptions")
_TOKEN_VERSION: Final = "meta.k8s.io/v1"
_MAC_BYTES: Final = 12

EXPIRED_CONTINUE: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The parameters of a LIST, WATCH or DELETECOLLECTION. ``limit`` 0 means no limit (negative counts as 0)."""

    label_selector: Selector = ANY_LABELS
    field_selector: FieldSelector = ANY_FIELDS
    watch: bool = False
    allow_watch_bookmarks: bool = False
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: int | None = None
    limit: int = 0
    continue_token: str = ""
    send_initial_events: bool | None = None


_DEFAULT = ListOptions()


def decode_list_options(query: Query) -> ListOptions:
    """Read the options from a query; raises a 400 StatusError for malformed numbers and selectors."""
    if not query:
        return _DEFAULT
    timeout = integer(query, "timeoutSeconds")
    limit = integer(query, "limit") or 0
    return ListOptions(
        label_selector=parse_label_selector(first(query, "labelSelector")),
        field_selector=parse_field_selector(first(query, "fieldSelector")),
        watch=boolean(query, "watch") or False,
        allow_watch_bookmarks=boolean(query, "allowWatchBookmarks") or False,
        resource_version=first(query, "resourceVersion"),
        resource_version_match=first(query, _MATCH),
        timeout_seconds=timeout,
        limit=max(limit, 0),
        continue_token=first(query, "continue"),
        send_initial_events=boolean(query, "sendInitialEvents"),
    )


def parse_list_options(query: Query, *, watch: bool | None = None) -> ListOptions:
    """Read and check the options from a query; raises a 400 or 422 StatusError.

    ``watch`` overrides the parameter where the path already says which it is.
    """
    options = decode_list_options(query)
    watching = options.watch if watch is None else watch
    errors = _validate_watch(options) if watching else _validate_list(options)
    if errors:
        raise invalid(_KIND, "", errors)
    return options


def _validate_list(options: ListOptions) -> list[FieldError]:
    errors = []
    match = options.resource_version_match
    if match:
        if not options.resource_version:
            errors.append(field_forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided"))
        if options.continue_token:
            errors.append(field_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER_THAN):
            errors.append(field_not_supported(_MATCH, match, (EXACT, NOT_OLDER_THAN, "")))
        if match == EXACT and options.resource_version == "0":
            errors.append(field_forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"'))
    if options.send_initial_events is not None:
        errors.append(field_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return errors


def _validate_watch(options: ListOptions) -> list[FieldError]:
    errors = []
    match = options.resource_version_match
    wants_initial = options.send_initial_events is not None
    if wants_initial and match != NOT_OLDER_THAN:
        errors.append(field_forbidden(_MATCH, f"sendInitialEvents requires setting {_MATCH} to {NOT_OLDER_THAN}"))
    if match:
        if not wants_initial:
            detail = f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"
            errors.append(field_forbidden(_MATCH, detail))
        if match != NOT_OLDER_THAN:
            errors.append(field_not_supported(_MATCH, match, (NOT_OLDER_THAN,)))
    if options.continue_token:
        errors.append(field_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
    return errors


class ContinueTokens:
    """Makes and reads the continue tokens of the lists below one key prefix.

    A token has the form of kube-apiserver's, and a ``mac`` (HMAC-SHA-256, cut to 96 bits) of where it leads: one that
    was changed, or made up, is refused. All servers behind one address need the same ``secret``.
    """

    __slots__ = ("_secret", "prefix")

    def __init__(self, secret: Callable[[], bytes], prefix: str) -> None:
        """Take what returns the secret, asked only for tokens, and the prefix of all keys that the list is about."""
        self._secret = secret
        self.prefix = prefix

    def encode(self, key: str, revision: int) -> str:
        """Return the token for the page that begins at ``key`` in the state at ``revision`` (-1: the current one).

        Raises ValueError when the key is not below the prefix.
        """
        if not key.startswith(self.prefix) or len(key) == len(self.prefix):
            raise ValueError("unable to encode next field: the key and key prefix do not match")
        start = key[len(self.prefix) :]
        token = {"v": _TOKEN_VERSION, "rv": revision, "start": start, "mac": self._mac(revision, start)}
        return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()

    def decode(self, token: str) -> tuple[str, int]:
        """Return the key at which the page begins, and the revision; raises a 400 StatusError for a bad token.

        The key always stays below the prefix.
        """
        try:
            fields = _token_fields(token)
            key, revision = self.prefix + _start_key(fields)[1:], fields["rv"]
            mac = fields.get("mac")
            if not isinstance(mac, str) or not hmac.compare_digest(
                mac.encode("utf-8", "replace"), self._mac(revision, fields["start"]).encode()
            ):
                raise ValueError("it was changed, or is not of this server")
        except ValueError as ex:
            raise bad_request(f"invalid continue token: continue key is not valid: {ex}") from None
        return key, revision

    def _mac(self, revision: int, start: str) -> str:
        digest = hmac.digest(self._secret(), f"{revision}/{start}".encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode()


def _token_fields(token: str) -> dict[str, Any]:
    raw = _base64(token)
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ValueError(_json_problem(raw)) from None
    if not isinstance(fields, dict):
        raise ValueError("json: cannot unmarshal the token into Go value of type storage.continueToken")
    version, revision = fields.get("v", ""), fields.get("rv", 0)
    if version != _TOKEN_VERSION:
        raise ValueError(f"server does not recognize this encoded version {version}")
    if type(revision) is not int or revision == 0:
        raise ValueError(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    return fields


def _start_key(fields: dict[str, Any]) -> str:
    start = fields.get("start", "")
    if not isinstance(start, str) or not start:
        raise ValueError(f"encoded start key empty (version {_TOKEN_VERSION})")
    key = start if start.startswith("/") else f"/{start}"
    if key.startswith("//") or posixpath.normpath(key) != key:
        raise ValueError(start)
    return key


def _base64(token: str) -> bytes:
    """Decode base64url without padding; raises ValueError in Go's words."""
    allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bad = next((i for i, ch in enumerate(token) if ch not in allowed), -1)
    if bad < 0 and len(token) % 4 == 1:
        bad = len(token) - 1
    if bad >= 0:
        raise ValueError(f"illegal base64 data at input byte {bad}")
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        raise ValueError("illegal base64 data at input byte 0") from None


def _json_problem(raw: bytes) -> str:
    """Say what is wrong with JSON of which only the beginning matters, as Go's decoder does."""
    text = raw.lstrip(b" \t\r\n")
    if not text:
        return "unexpected end of JSON input"
    ch = chr(text[0])
    if ch in '{["-0123456789tfn':
        return "invalid character in the token"
    shown = ch if ch.isprintable() and ch.isascii() else f"\\x{ord(ch):02x}"
    return f"invalid character '{shown}' looking for beginning of value"


class ExpiredContinueError(StatusError):
    """410: the state that a paged list was reading has been compacted; carries a token to go on without it."""

    def __init__(self, continue_token: str) -> None:
        """Take the token with which the client may read the rest in the current state."""
        super().__init__(410, "Expired", EXPIRED_CONTINUE)
        self.continue_token = continue_token

    def status(self) -> dict[str, Any]:
        """Return the Status with the token in its metadata."""
        body = super().status()
        body["metadata"] = {"continue": self.continue_token}
        return body
