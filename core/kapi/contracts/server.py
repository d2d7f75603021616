"""Contributions to the server itself: filters, chain links, post-start hooks, health checks."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient
    from kapi.contracts.plugins import BuildContext, Option
    from kapi.contracts.resources import GroupInstaller

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FilterPlugin:
    """A wrapper around every request, placed just inside the core filter that ``inside`` names."""

    name: str
    summary: str
    inside: str
    build: "Callable[[BuildContext, ASGIApp], ASGIApp]"
    options: "tuple[Option, ...]" = ()


@dataclass(frozen=True, slots=True)
class ChainLinkPlugin:
    """A server in the delegation chain. Links are asked by ascending ``position`` (core API groups: 100).

    ``handles`` tells, from the ASGI scope alone, whether the link answers the request.
    """

    name: str
    summary: str
    position: int
    build: "Callable[[BuildContext], ChainLink]"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A built link."""

    handles: Callable[[Scope], bool]
    app: ASGIApp


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a post-start hook may use: the client, the context that plugins are built with, and what changes what is
    served (None where there is no server, as in tests of a hook)."""

    client: "ObjectClient"
    build: "BuildContext"
    groups: "GroupInstaller | None" = None


@dataclass(frozen=True, slots=True)
class PostStartHook:
    """Work that begins when the server can serve.

    ``start`` runs as a task until it returns or the server stops (then it is cancelled). Readiness waits for hooks with
    ``blocks_ready`` to return. ``controller`` hooks are chosen by ``--controllers`` and run in one process only
    (the leader); they are started again, with back-off, when they fail. ``aliases`` are further names that
    ``--controllers`` takes.
    """

    name: str
    summary: str
    start: Callable[[HookContext], Awaitable[None]]
    blocks_ready: bool = False
    controller: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A named check behind /healthz, /livez and /readyz; ``check`` raises to say why not."""

    name: str
    check: Callable[[], Awaitable[None]]
    livez: bool = True
    readyz: bool = True
