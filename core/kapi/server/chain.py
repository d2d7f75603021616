"""The handler chain and the delegation chain, kept as data."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kapi.contracts.plugins import BuildContext
from kapi.contracts.server import ASGIApp, ChainLink, FilterPlugin, Receive, Scope, Send
from kapi.endpoints.answer import send_answer, text_answer

Wrap = Callable[[ASGIApp], ASGIApp]


class Filter(NamedTuple):
    """A named wrapper."""

    name: str
    wrap: Wrap


class UnknownFilter(Exception):
    """A filter plugin wants to stand inside a filter that does not exist."""


def insert_plugins(core: Sequence[Filter], plugins: Sequence[FilterPlugin], context: BuildContext) -> list[Filter]:
    """Return the core's filters, outermost first, with those of plugins placed just inside the ones they name.

    Raises UnknownFilter.
    """
    chain = list(core)
    for plugin in plugins:
        names = [item.name for item in chain]
        if plugin.inside not in names:
            raise UnknownFilter(f"filter {plugin.name!r} wants to be inside {plugin.inside!r}; there are: {names}")
        chain.insert(names.index(plugin.inside) + 1, Filter(plugin.name, _bind(plugin, context)))
    return chain


def _bind(plugin: FilterPlugin, context: BuildContext) -> Wrap:
    return lambda app: plugin.build(context, app)


def fold(filters: Sequence[Filter], app: ASGIApp) -> ASGIApp:
    """Return ``app`` inside the filters, the first of them outermost."""
    for item in reversed(filters):
        app = item.wrap(app)
    return app


class Director:
    """Hands each request to the first link of the delegation chain that answers it; 404 when none does."""

    def __init__(self, links: Sequence[ChainLink]) -> None:
        """Take the links in the order in which they are asked."""
        self._links = tuple(links)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        for link in self._links:
            if link.handles(scope):
                await link.app(scope, receive, send)
                return
        await send_answer(scope, send, text_answer(404, "404 page not found\n"))
