"""What a watch cache costs as it grows: memory for each object, and work that does not depend on how many there are."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable

from kapi.contracts.storage import Change
from kapi.meta.gvk import GroupVersionKind
from kapi.storage.entry import Codec
from kapi.storage.feed import Feed
from kapi.storage.watchcache import WatchCache
from kapi_storage.memory import MemoryBackend

PREFIX = "/registry/configmaps/"
MANAGED = [
    {
        "manager": "client",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:text": {}}},
    }
]


def value(codec: Codec, number: int) -> bytes:
    """Return a ConfigMap with one kilobyte of text."""
    meta = {
        "name": f"map-{number:06}",
        "namespace": f"ns-{number % 50:02}",
        "uid": f"{number:036}",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": f"app-{number % 200}", "tier": "web"},
        "managedFields": MANAGED,
    }
    return codec.encode({"metadata": meta, "data": {"text": "x" * 1000}})


def key(number: int) -> str:
    return f"{PREFIX}ns-{number % 50:02}/map-{number:06}"


def filled(count: int) -> WatchCache:
    """Return a cache that has seen some objects come."""
    codec = Codec(GroupVersionKind("", "v1", "ConfigMap"), {})
    backend = MemoryBackend()
    cache = WatchCache(backend, Feed(backend, "/registry/"), PREFIX, codec)
    for number in range(count):
        cache._change(Change(number + 2, key(number), value(codec, number), None, 0))
    cache._window.reset(count + 1)
    return cache


def test_memory_for_an_object() -> None:
    async def load() -> float:
        backend = MemoryBackend()
        await backend.start()
        codec = Codec(GroupVersionKind("", "v1", "ConfigMap"), {})
        count = 2000
        for number in range(count):
            await backend.create(key(number), value(codec, number))
        feed = Feed(backend, "/registry/")
        await feed.start()
        cache = WatchCache(backend, feed, PREFIX, codec)
        gc.collect()
        tracemalloc.start()
        await cache.ready()
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await feed.stop()
        await backend.stop()
        return size / count

    assert asyncio.run(load()) < 2100, "1.4 kB of it are the object itself"


def cheapest(work: Callable[[int], object], rounds: int = 5, times: int = 200) -> float:
    """Return the seconds of CPU that a piece of work takes, undisturbed."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        for number in range(times):
            work(number)
        best = min(best, time.thread_time() - begun)
    return best / times


def costs(count: int) -> dict[str, float]:
    """Return what work on a cache of so many objects costs."""
    cache = filled(count)
    spread, made = count // 211, iter(range(count, 2 * count))

    def change(number: int) -> None:
        cache._change(Change(number + 10**6, key(number), value(cache.codec, number), None, 0))

    return {
        "page": cheapest(lambda number: cache.page("", key(number), 500)),
        "get": cheapest(lambda number: cache.entries.get(key(number * spread))),
        "create": cheapest(lambda number: change(next(made)), times=100),
        "update": cheapest(lambda number: change(number * spread)),
    }


def test_work_does_not_grow_with_the_number_of_objects() -> None:
    few, many = costs(1000), costs(20_000)
    # Caches of the processor and the depth of searches may count, the number of objects may not: it is twenty times.
    assert {name for name in few if many[name] > 4 * few[name] + 5e-6} == set()
