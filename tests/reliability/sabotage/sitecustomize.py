"""Breaks a server on purpose, in the way that KAPI_TEST_SABOTAGE names: the checkers must find it.

"slow" breaks nothing: what others have written only arrives late.

Python imports it at its start if its folder is on PYTHONPATH.
"""

import asyncio
import os
import random

from kapi.storage.feed import Feed
from kapi.storage.watchcache import Watcher
from kapi_storage.sqlite_backend import SqliteBackend

create, update, deliver = SqliteBackend.create, SqliteBackend.update, Watcher.deliver
deal = Feed._deal
OURS = "/load-"


def deal_late(self, batch):
    """Learn of changes a little later."""
    asyncio.get_running_loop().call_later(0.02, deal, self, batch)


async def read_at_once(self):
    """Do not wait for what others have written."""


async def overwrite(self, key, value, expected_revision, *, ttl=None):
    """Do not compare."""
    found = await self.get(key) if OURS in key else None
    return await update(self, key, value, found.revision if found else expected_revision, ttl=ttl)


async def forget(self, key, value, *, ttl=None):
    """Acknowledge what was not written, sometimes."""
    if OURS in key and random.random() < 0.1:
        return await self.current_revision()
    return await create(self, key, value, ttl=ttl)


def leave_out(self, event):
    """Leave an event out, sometimes."""
    if random.random() > 0.02:
        deliver(self, event)


def repeat(self, event):
    """Deliver an event twice, sometimes."""
    deliver(self, event)
    if random.random() < 0.02:
        deliver(self, event)


match os.environ["KAPI_TEST_SABOTAGE"]:
    case "slow":
        Feed._deal = deal_late
    case "stale":
        Feed._deal, Feed.current = deal_late, read_at_once
    case "overwrites":
        SqliteBackend.update = overwrite
    case "forgets":
        SqliteBackend.create = forget
    case "leaves out":
        Watcher.deliver = leave_out
    case "repeats":
        Watcher.deliver = repeat
