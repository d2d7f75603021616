"""What the filters and endpoints know about one request; kept in the ASGI scope under ``"kapi"``."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from kapi.contracts.server import Scope

if TYPE_CHECKING:
    from kapi.contracts.authn import UserInfo
    from kapi.endpoints.requestinfo import RequestInfo


LONG_RUNNING_VERBS = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})


Confirm = Callable[["RequestState"], Awaitable[None]]


class RequestState:
    """The state of one request.

    - ``info``: what the request asks for;
    - ``user``: set by authentication (and replaced by impersonation);
    - ``warnings``: texts for Warning headers;
    - ``deadline``: loop time at which the request must have been answered, or 0 for long-running ones;
    - ``audit``: annotations for the audit event;
    - ``status``: the HTTP status once the answer has begun, or 0;
    - ``confirm``: set by authorization; asks again whether the request may happen if something has changed since it was
      asked, and raises the 403 Status if it may not any more. Consistent reads call it when they have caught up;
    - ``long_running``: whether it may take as long as it likes (watches, streams to nodes).
    """

    __slots__ = ("audit", "confirm", "deadline", "info", "long_running", "status", "user", "warnings")

    def __init__(self, info: "RequestInfo") -> None:
        """Take what was parsed from the request line."""
        self.info = info
        self.user: UserInfo | None = None
        self.warnings: list[str] = []
        self.deadline = 0.0
        self.audit: dict[str, str] = {}
        self.status = 0
        self.confirm: Confirm | None = None
        self.long_running = info.verb in LONG_RUNNING_VERBS or (
            info.is_resource_request and info.subresource in LONG_RUNNING_SUBRESOURCES
        )


def request_state(scope: Scope) -> RequestState:
    """Return the state that the request-info filter put into the scope."""
    return scope["kapi"]  # type: ignore[no-any-return]  # a cast would be a call, eight times for each request


def header(scope: Scope, name: bytes) -> str:
    """Return the first header of that (lower-case) name, or ""."""
    for key, value in scope["headers"]:
        if key == name:
            return cast(bytes, value).decode("latin-1")
    return ""
