"""The handler chain and the delegation chain, kept as data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from kapi.contracts.plugins import BuildContext
from kapi.contracts.server import ASGIApp, ChainLink, FilterPlugin, Receive, Scope, Send
from kapi.endpoints.answer import send_answer, text_answer

Wrap = Callable[[ASGIApp], ASGIApp]


class Filter(NamedTuple):
    """A named wrapper."""

    name: str
    wrap: Wrap


class CorePart(NamedTuple):
    """A filter or link of the core. ``position`` is that of a link."""

    name: str
    summary: str
    position: int = 0


CORE_FILTERS = (
    CorePart("access-log", "writes a line for each request (-v2)"),
    CorePart("warnings", "adds the Warning headers"),
    CorePart("cors", "lets scripts of the --cors-allowed-origins call"),
    CorePart("panic-recovery", "answers 500 for what nobody else has caught"),
    CorePart("request-info", "says what a request asks for"),
    CorePart("metrics", "counts and times requests"),
    CorePart("deadline", "ends what takes longer than --request-timeout"),
    CorePart("authentication", "says who asks, or answers 401"),
    CorePart("impersonation", "lets those who may act as somebody else"),
    CorePart("max-in-flight", "answers 429 when too much is under way"),
    CorePart("authorization", "answers 403 to those who may not"),
)
"""The core's filters, outermost first. Each guards those behind it; plugins stand just inside the one they name."""

API_GROUPS = CorePart("api-groups", "serves the resources of the API groups", 100)
BASE = CorePart("base", "serves discovery, OpenAPI, health, metrics and what else is no resource", 1000)
CORE_LINKS = (API_GROUPS, BASE)
"""The core's links of the delegation chain, in the order in which they are asked."""


class UnknownFilter(Exception):
    """A filter plugin wants to stand inside a filter that does not exist."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def core_filters(wraps: Mapping[str, Wrap]) -> list[Filter]:
    """Return the core's filters in their order; raises KeyError if one of them is not given, or one too many."""
    names = [part.name for part in CORE_FILTERS]
    for name in wraps.keys() - set(names):
        raise KeyError(name)
    return [Filter(name, wraps[name]) for name in names]


def place(core: Sequence[N], plugins: Sequence[FilterPlugin]) -> list[N | FilterPlugin]:
    """Return ``core``, outermost first, with the plugins just inside the filters that they name.

    Those that name the same filter stand there in the order given; one may name another. Raises UnknownFilter.
    """
    chain: list[N | FilterPlugin] = list(core)
    waiting = list(plugins)
    while waiting:
        names = [item.name for item in chain]
        placed = [plugin for plugin in waiting if plugin.inside in names]
        if not placed:
            lost = waiting[0]
            raise UnknownFilter(f"filter {lost.name!r} wants to be inside {lost.inside!r}; there are: {names}")
        for plugin in reversed(placed):
            names = [item.name for item in chain]
            chain.insert(names.index(plugin.inside) + 1, plugin)
        waiting = [plugin for plugin in waiting if plugin not in placed]
    return chain


def insert_plugins(core: Sequence[Filter], plugins: Sequence[FilterPlugin], context: BuildContext) -> list[Filter]:
    """Return the core's filters and those of plugins, outermost first. Raises UnknownFilter."""
    placed = place(core, plugins)
    return [item if isinstance(item, Filter) else Filter(item.name, _bind(item, context)) for item in placed]


def _bind(plugin: FilterPlugin, context: BuildContext) -> Wrap:
    return lambda app: plugin.build(context, app)


def fold(filters: Sequence[Filter], app: ASGIApp) -> ASGIApp:
    """Return ``app`` inside the filters, the first of them outermost."""
    for item in reversed(filters):
        app = item.wrap(app)
    return app


class Director:
    """Hands each request to the first link of the delegation chain that answers it; 404 when none does.

    A request that nobody answers may be for what was installed a moment ago through another process: before it is
    refused, ``catch_up`` lets this one see all that had been written, and the links are asked once more.
    """

    def __init__(self, links: Sequence[ChainLink], catch_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """Take the links in the order in which they are asked, and how to catch up (None: there is nothing to)."""
        self._links = tuple(links)
        self._catch_up = catch_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        link = self._link(scope)
        if link is None and self._catch_up is not None:
            await self._catch_up()
            link = self._link(scope)
        if link is not None:
            await link.app(scope, receive, send)
        else:
            await send_answer(scope, send, text_answer(404, "404 page not found\n"))

    def _link(self, scope: Scope) -> ChainLink | None:
        for link in self._links:
            if link.handles(scope):
                return link
        return None
