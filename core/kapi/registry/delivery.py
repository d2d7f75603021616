"""How the changes of an informer reach a handler, without one handler hurting the others."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, cast

from kapi.contracts.client import Event, Handler, Object

log = logging.getLogger("kapi.informers")


class Delivery(Protocol):
    """Tells one handler of changes."""

    def tell(self, event: Event) -> None:
        """Take a change to tell of; returns at once and raises nothing that the handler raises."""

    def stop(self) -> None:
        """Tell no more."""


def delivery_to(handler: Handler) -> Delivery:
    """Return what tells a handler of changes: at once, or (coroutine functions) in a task of its own."""
    call = handler if inspect.iscoroutinefunction(handler) else getattr(handler, "__call__", handler)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return TaskDelivery(cast("Callable[[Event], Awaitable[None]]", handler))
    return DirectDelivery(cast("Callable[[Event], None]", handler))


def failed(handler: object) -> None:
    """Log what a handler has raised: it is a plugin's, and others must not suffer from it."""
    log.exception("handler %s of an informer failed", getattr(handler, "__qualname__", repr(handler)))


class DirectDelivery:
    """Calls a plain function. One of the borders where kapi catches every exception."""

    def __init__(self, handler: Callable[[Event], None]) -> None:
        """Take the handler."""
        self._handler = handler
        self._stopped = False

    def tell(self, event: Event) -> None:
        """Call the handler."""
        if self._stopped:
            return
        try:
            self._handler(event)
        except Exception:
            failed(self._handler)

    def stop(self) -> None:
        """Call it no more."""
        self._stopped = True


class _Change(NamedTuple):
    """What a handler knows of an object (None: it does not), the newest state (None: gone), and the last there was."""

    told: Object | None
    state: Object | None
    last: Object


class TaskDelivery:
    """Awaits a coroutine function in a task of its own, for one change after the other.

    What happens to an object while it waits for the handler is told as one change, so that never more waits than there
    are objects. One of the borders where kapi catches every exception.
    """

    def __init__(self, handler: Callable[[Event], Awaitable[None]]) -> None:
        """Take the handler; needs a running event loop."""
        self._handler = handler
        self._changes: dict[tuple[str, str], _Change] = {}
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def tell(self, event: Event) -> None:
        """Note a change."""
        metadata = event.object["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        waiting = self._changes.get(key)
        told = event.old if waiting is None else waiting.told
        state = None if event.type == "DELETED" else event.object
        self._changes[key] = _Change(told, state, event.object)
        self._news.set()

    def stop(self) -> None:
        """Cancel the handler."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            while self._changes:
                for event in _events(self._changes.pop(next(iter(self._changes)))):
                    await self._call(event)
            self._news.clear()

    async def _call(self, event: Event) -> None:
        try:
            await self._handler(event)
        except Exception:
            failed(self._handler)


def _events(change: _Change) -> list[Event]:
    """Return what is to be told of a change: nothing of what came and went, two events of what was replaced."""
    told, state, last = change
    if told is None:
        return [] if state is None else [Event("ADDED", state, None)]
    if state is None:
        return [Event("DELETED", last, told)]
    if told["metadata"].get("uid") != state["metadata"].get("uid"):
        return [Event("DELETED", told, told), Event("ADDED", state, None)]
    return [Event("MODIFIED", state, told)]
