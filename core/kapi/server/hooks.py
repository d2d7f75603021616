"""Post-start hooks and controllers: what runs beside the requests."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any, Protocol

from kapi.contracts.client import ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import GroupInstaller
from kapi.contracts.server import HealthCheck, HookContext, PostStartHook
from kapi.server.leader import Leadership

log = logging.getLogger("kapi.hooks")

_FIRST_RETRY, _LAST_RETRY = 0.5, 30.0


class Wanted(Protocol):
    """Tells which controllers are to run (``--controllers``)."""

    def __contains__(self, name: str, /) -> bool:
        """Tell whether the controller ``name`` is wanted."""


class HookPending(Exception):
    """A post-start hook that readiness waits for has not finished."""


class Hooks:
    """Starts the hooks of a server, keeps controllers running in the one process that leads, and stops them all."""

    def __init__(
        self,
        hooks: Iterable[PostStartHook],
        client: ObjectClient,
        context: BuildContext,
        controllers: Wanted,
        leadership: Leadership,
        groups: GroupInstaller,
    ) -> None:
        """Take the hooks, what they may use, which controllers are wanted, and how the leader is found."""
        chosen = [hook for hook in hooks if not hook.controller or hook.name in controllers]
        self.names = tuple(hook.name for hook in chosen)
        self._plain = [hook for hook in chosen if not hook.controller]
        self._controllers = [hook for hook in chosen if hook.controller]
        self._context = HookContext(client, context, groups)
        self._leadership = leadership
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: set[str] = set()

    def health_checks(self) -> list[HealthCheck]:
        """Return a readiness check for each hook that blocks readiness."""
        return [
            HealthCheck(f"poststarthook/{hook.name}", partial(self._check, hook.name))
            for hook in self._plain
            if hook.blocks_ready
        ]

    async def _check(self, name: str) -> None:
        if name not in self._finished:
            raise HookPending("not finished")

    async def start(self) -> None:
        """Start everything; returns at once."""
        for hook in self._plain:
            self._spawn(self._run(hook), hook.name)
        if self._controllers:
            self._spawn(self._lead(), "kapi-leader")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, hook: PostStartHook) -> None:
        """Run a hook until it returns; what fails is logged and tried again, ever more slowly.

        This supervisor is one of the three places in kapi that catch Exception.
        """
        delay = _FIRST_RETRY
        while True:
            try:
                await hook.start(self._context)
            except Exception:
                log.exception("hook %s failed; starting it again in %.1f s", hook.name, delay)
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LAST_RETRY)
            else:
                self._finished.add(hook.name)
                return

    async def _lead(self) -> None:
        """Run the controllers while this process is the leader."""
        while True:
            await self._leadership.acquire()
            try:
                async with asyncio.TaskGroup() as group:
                    work = [group.create_task(self._run(hook), name=hook.name) for hook in self._controllers]
                    await self._leadership.lost()
                    log.warning("leadership lost; controllers stop")
                    for task in work:
                        task.cancel()
            finally:
                await self._leadership.release()

    async def stop(self) -> None:
        """End all hooks."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
