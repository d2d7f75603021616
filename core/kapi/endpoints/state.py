"""What the filters and endpoints know about one request; kept in the ASGI scope under ``"kapi"``."""

from typing import TYPE_CHECKING, cast

from kapi.contracts.server import Scope

if TYPE_CHECKING:
    from kapi.contracts.authn import UserInfo
    from kapi.endpoints.requestinfo import RequestInfo


class RequestState:
    """The state of one request.

    - ``info``: what the request asks for;
    - ``user``: set by authentication (and replaced by impersonation);
    - ``warnings``: texts for Warning headers;
    - ``deadline``: loop time at which the request must have been answered, or 0 for long-running ones;
    - ``audit``: annotations for the audit event;
    - ``status``: the HTTP status once the answer has begun, or 0.
    """

    __slots__ = ("audit", "deadline", "info", "status", "user", "warnings")

    def __init__(self, info: "RequestInfo") -> None:
        """Take what was parsed from the request line."""
        self.info = info
        self.user: UserInfo | None = None
        self.warnings: list[str] = []
        self.deadline = 0.0
        self.audit: dict[str, str] = {}
        self.status = 0


def request_state(scope: Scope) -> RequestState:
    """Return the state that the request-info filter put into the scope."""
    return cast(RequestState, scope["kapi"])


def header(scope: Scope, name: bytes) -> str:
    """Return the first header of that (lower-case) name, or ""."""
    for key, value in scope["headers"]:
        if key == name:
            return cast(bytes, value).decode("latin-1")
    return ""
