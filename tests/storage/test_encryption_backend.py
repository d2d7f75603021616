"""A backend that encrypts, over one in memory; and the contract's whole suite over it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kapi.config.encryption_file import EncryptionKey, EncryptionRule, Provider
from kapi.contracts.storage import Change, Compacted, StorageBackend
from kapi.meta.gvk import GroupResource
from kapi.storage.encrypted import PIECE, EncryptedBackend
from kapi.storage.encryption import Encryption, build_transformers
from kapi.storage.unreadable import UnreadableValue
from kapi.testing.storage import StorageConformance
from kapi_storage.memory import MemoryBackend

SECRETS = GroupResource("", "secrets")
KEY, OTHER, PLAIN = "/registry/secrets/a/b", "/registry/secrets/a/c", "/registry/pods/a/b"
ONE, TWO = EncryptionKey("one", b"1" * 32), EncryptionKey("two", b"2" * 32)


def encryption(*keys: EncryptionKey, resource: GroupResource = SECRETS) -> Encryption:
    rules = [EncryptionRule((resource,), (Provider("aesgcm", keys),))]
    return Encryption(build_transformers(rules), "/registry/", lambda: [("secrets", SECRETS)])


class Everything(Encryption):
    """Encrypts all keys, whatever they are."""

    def __init__(self) -> None:
        super().__init__({}, "/", list)
        self._everything = build_transformers(
            [EncryptionRule((SECRETS,), (Provider("aesgcm", (ONE,)), Provider("identity")))]
        )[SECRETS]

    def of(self, key):
        return self._everything


class TestEncryptedBackend(StorageConformance):
    model_examples = 8
    model_steps = 20

    def make_backend(self, tmp_path: Path) -> StorageBackend:
        return EncryptedBackend(MemoryBackend(), Everything())


@asynccontextmanager
async def store() -> AsyncIterator[MemoryBackend]:
    backend = MemoryBackend(compaction_interval=0)
    await backend.start()
    yield backend
    await backend.stop()


async def changes(backend: StorageBackend, count: int) -> list[Change]:
    found: list[Change] = []
    async for batch in backend.watch("/registry/", 1):
        found += batch.changes
        if len(found) >= count:
            break
    return found


async def test_values_are_encrypted_below_and_plain_above():
    async with store() as below:
        above = EncryptedBackend(below, encryption(ONE))
        revision = await above.create(KEY, b"hidden")
        await above.create(PLAIN, b"open")
        await above.update(KEY, b"hidden too", revision)
        raw = await below.range("/")
        assert [item.value for item in raw.items if item.key == PLAIN] == [b"open"]
        assert not any(b"hidden" in item.value for item in raw.items)
        assert [item.value for item in (await above.range("/")).items] == [b"open", b"hidden too"]
        history = await above.range("/", revision=revision)
        assert [item.value for item in history.items] == [b"hidden"]
        assert [(change.value, change.previous) for change in await changes(above, 3)] == [
            (b"hidden", None), (b"open", None), (b"hidden too", b"hidden"),
        ]  # fmt: skip
        assert all(b"hidden" not in (change.value or b"") for change in await changes(below, 3))


async def test_a_long_range_lets_others_have_their_turn():
    async with store() as below:
        above = EncryptedBackend(below, encryption(ONE))
        for number in range(2 * PIECE + 1):
            await above.create(f"{KEY}{number:04}", b"%d" % number)
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        other = asyncio.create_task(count())
        page = await above.range("/")
        other.cancel()
        assert [item.value for item in page.items] == [b"%d" % number for number in range(2 * PIECE + 1)]
        assert turns >= 1


async def test_an_unknown_key_is_an_error_that_names_the_storage_key_and_nothing_of_the_value():
    async with store() as below:
        await EncryptedBackend(below, encryption(ONE)).create(KEY, b"hidden")
        above = EncryptedBackend(below, encryption(TWO))
        for read in (above.get(KEY), above.range("/")):
            with pytest.raises(UnreadableValue) as problem:
                await read
            status = problem.value.status()
            assert (status["code"], status["reason"]) == (500, "InternalError")
            assert status["message"] == (
                f'Internal error occurred: unable to transform key "{KEY}": '
                "no matching key was found for the provided AES transformer"
            )
        stored = await below.get(KEY)
        assert stored
        assert str(stored.value[-20:]) not in str(status)


async def test_a_watch_that_cannot_decrypt_asks_for_a_fresh_start():
    async with store() as below:
        await EncryptedBackend(below, encryption(ONE)).create(KEY, b"hidden")
        with pytest.raises(Compacted):
            await changes(EncryptedBackend(below, encryption(TWO)), 1)


async def test_who_follows_sees_plain_values():
    async with store() as below:
        above = EncryptedBackend(below, encryption(ONE))
        begin = await below.current_revision()
        revision = await above.create(KEY, b"hidden")
        following = above.follow("/registry/", begin)
        found: list[Change] = []
        while not found:
            found += (await anext(following)).changes
        assert [(change.revision, change.value) for change in found] == [(revision, b"hidden")]


async def test_a_watch_goes_on_when_only_the_previous_value_cannot_be_decrypted():
    async with store() as below:
        revision = await EncryptedBackend(below, encryption(ONE)).create(KEY, b"old")
        await below.compact(revision)
        above = EncryptedBackend(below, encryption(TWO))
        revision = await above.update(KEY, b"new", revision)
        await above.delete(KEY, revision)
        watch = above.watch("/registry/", revision - 1)
        found: list[Change] = []
        while len(found) < 2:
            found += (await anext(watch)).changes
        assert [(change.value, change.previous == b"new") for change in found] == [(b"new", False), (None, True)]


async def test_values_of_older_keys_are_outdated():
    async with store() as below:
        old = EncryptedBackend(below, encryption(ONE))
        await old.create(KEY, b"x")
        await old.create(PLAIN, b"x")
        above = EncryptedBackend(below, encryption(TWO, ONE))
        await above.create(OTHER, b"x")
        assert [await above.outdated(key) for key in (KEY, OTHER, PLAIN, KEY + "x")] == [True, False, False, False]
        assert not await below.outdated(KEY)
