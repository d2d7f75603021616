"""The garbage collector: carries out what the deletion of an owner means for its dependents.

Dependents of an owner that is gone are deleted; an owner that is deleted in the foreground goes after its dependents;
one that orphans them goes after their references to it.
"""

import asyncio
from collections.abc import Sequence

from kapi.contracts.server import HookContext, PostStartHook
from kapi.hookspecs import hookimpl

NAME = "garbage-collector"
ALIASES = ("garbage-collector-controller", "garbagecollector")
START_DELAY = 1.0
"""Seconds until the collector begins to read all objects: a server that starts has better things to do."""


@hookimpl
def kapi_register_post_start_hooks() -> Sequence[PostStartHook]:
    """Register the controller."""
    summary = "Deletes objects whose owners are gone"
    return [PostStartHook(NAME, summary, _start, controller=True, aliases=ALIASES)]


async def _start(context: HookContext) -> None:
    if not context.build.options["enable-garbage-collector"]:
        return
    await asyncio.sleep(START_DELAY)
    from kapi_controllers.garbage.controller import GarbageCollector

    await GarbageCollector(context.client).run()
