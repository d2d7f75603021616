import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.server import HookContext, PostStartHook
from kapi.server import hooks as hooks_module
from kapi.server import leader
from kapi.server.hooks import HookPending, Hooks
from kapi.server.leader import Leadership
from kapi.testing.memory_client import MemoryClient
from kapi_storage.memory import MemoryBackend

CLIENT = MemoryClient()
CONTEXT = BuildContext(Options({}), None, CLIENT)  # type: ignore[arg-type]  # no folder is touched
GROUPS = object()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks_module, "_FIRST_RETRY", 0.001)
    monkeypatch.setattr(hooks_module, "_LAST_RETRY", 0.001)
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0.005)
    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.005)


@pytest.fixture
async def backend() -> AsyncIterator[MemoryBackend]:
    made = MemoryBackend()
    await made.start()
    yield made
    await made.stop()


class Work:
    """A hook that notes when it runs and when it ends; it fails as often as ``failures`` says."""

    def __init__(self, name: str, *, failures: int = 0, forever: bool = False) -> None:
        self.name = name
        self.begun = 0
        self.running = False
        self.ran, self.ended = asyncio.Event(), asyncio.Event()
        self.contexts: list[HookContext] = []
        self._failures = failures
        self._forever = forever

    async def __call__(self, context: HookContext) -> None:
        self.begun += 1
        self.contexts.append(context)
        if self.begun <= self._failures:
            raise ZeroDivisionError(self.name)
        self.running = True
        self.ran.set()
        try:
            if self._forever:
                await asyncio.Event().wait()
        finally:
            self.running = False
            self.ended.set()

    def hook(self, *, blocks_ready: bool = False, controller: bool = False) -> PostStartHook:
        return PostStartHook(self.name, "", self, blocks_ready, controller)


def hooks_of(backend: MemoryBackend, hooks: Sequence[PostStartHook], wanted: Collection[str] = ("c",)) -> Hooks:
    return Hooks(hooks, CLIENT, CONTEXT, wanted, Leadership(backend, "/registry/"), GROUPS)


async def within(work: object) -> None:
    async with asyncio.timeout(2):
        await work  # type: ignore[misc]  # any awaitable


async def test_hooks_get_the_client_and_run_once(backend: MemoryBackend) -> None:
    work = Work("a")
    hooks = hooks_of(backend, [work.hook()])
    await hooks.start()
    await within(work.ran.wait())
    await hooks.stop()
    assert work.begun == 1
    assert work.contexts == [HookContext(CLIENT, CONTEXT, GROUPS)]


async def test_a_hook_that_fails_is_started_again(backend: MemoryBackend, caplog: pytest.LogCaptureFixture) -> None:
    work, other = Work("a", failures=3), Work("b")
    hooks = hooks_of(backend, [work.hook(), other.hook()])
    with caplog.at_level(logging.ERROR, "kapi.hooks"):
        await hooks.start()
        await within(work.ran.wait())
    await hooks.stop()
    assert (work.begun, other.begun) == (4, 1)
    assert caplog.text.count("hook a failed; starting it again") == 3


async def test_readiness_waits_for_those_that_block_it(backend: MemoryBackend) -> None:
    slow, quick, free = Work("slow", forever=True), Work("quick"), Work("free", forever=True)
    hooks = hooks_of(backend, [slow.hook(blocks_ready=True), quick.hook(blocks_ready=True), free.hook()])
    checks = {check.name: check.check for check in hooks.health_checks()}
    assert list(checks) == ["poststarthook/slow", "poststarthook/quick"]
    with pytest.raises(HookPending):
        await checks["poststarthook/quick"]()
    await hooks.start()
    await within(quick.ran.wait())
    await asyncio.sleep(0)
    await checks["poststarthook/quick"]()
    with pytest.raises(HookPending):
        await checks["poststarthook/slow"]()
    await hooks.stop()
    assert not slow.running


async def test_only_wanted_controllers_run(backend: MemoryBackend) -> None:
    wanted, unwanted, plain = Work("c", forever=True), Work("d"), Work("e")
    hooks = hooks_of(backend, [wanted.hook(controller=True), unwanted.hook(controller=True), plain.hook()])
    assert hooks.names == ("c", "e")
    await hooks.start()
    await within(wanted.ran.wait())
    await within(plain.ran.wait())
    await hooks.stop()
    assert (unwanted.begun, wanted.running) == (0, False)


async def test_without_controllers_nobody_leads(backend: MemoryBackend) -> None:
    hooks = hooks_of(backend, [Work("d").hook(controller=True)])
    await hooks.start()
    await asyncio.sleep(0.01)
    assert (await backend.range("/")).items == []
    await hooks.stop()


async def test_controllers_run_in_one_process_and_move_to_the_next(backend: MemoryBackend) -> None:
    first, second = Work("c", forever=True), Work("c", forever=True)
    one = hooks_of(backend, [first.hook(controller=True)])
    other = hooks_of(backend, [second.hook(controller=True)])
    await one.start()
    await within(first.ran.wait())
    await other.start()
    await asyncio.sleep(0.02)
    assert (first.running, second.running) == (True, False)
    await one.stop()
    assert not first.running
    await within(second.ran.wait())
    await other.stop()


async def test_controllers_stop_when_leadership_is_lost_and_come_back(backend: MemoryBackend) -> None:
    work = Work("c", forever=True)
    hooks = hooks_of(backend, [work.hook(controller=True)])
    await hooks.start()
    await within(work.ran.wait())
    (held,) = (await backend.range("/")).items
    revision = await backend.update(held.key, b'{"host":"another","pid":1}', held.revision)
    await within(work.ended.wait())
    work.ran.clear()
    await backend.delete(held.key, revision)
    await within(work.ran.wait())
    assert work.begun == 2
    await hooks.stop()


async def test_stopping_twice_is_stopping(backend: MemoryBackend) -> None:
    hooks = hooks_of(backend, [Work("a", forever=True).hook()])
    await hooks.start()
    await hooks.stop()
    await hooks.stop()
