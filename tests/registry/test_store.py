import asyncio
import re
import uuid
from typing import Any

import pytest

from interleaving import Interleaved
from kapi.admission.chain import Member
from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.storage import Unavailable
from kapi.meta.errors import StatusError, forbidden
from kapi.meta.gvk import GroupVersionResource
from kapi.registry.objects import new_uid
from kapi_storage.memory import MemoryBackend
from widgets import GADGETS, WIDGETS, WIDGETS_V2, context, running, widget

Object = dict[str, Any]
TYPED = {"kind": "Widget", "apiVersion": "example.com/v1"}


def typed(name: str = "a", **spec: Any) -> Object:
    return {**TYPED, **widget(name, **spec)}


def grown(by: int = 1) -> Any:
    def change(live: Object) -> Object:
        live["spec"]["size"] = live["spec"].get("size", 0) + by
        return live

    return change


async def refused(work: Any) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await work
    return caught.value


# Creating


async def test_a_new_object_gets_what_only_the_server_may_choose() -> None:
    async with running() as rig:
        sent = typed(size=5)
        sent["metadata"] |= {"uid": "mine", "selfLink": "/x", "deletionTimestamp": "2026-01-01T00:00:00Z"}
        sent["status"] = {"phase": "Done"}
        stored = await rig.store().create(context(), sent)
        meta = stored.object["metadata"]
        assert stored.created
        assert stored.revision == int(meta["resourceVersion"]) == await rig.backend.current_revision()
        assert meta["generation"] == 1
        assert meta["uid"] != "mine"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
        assert not meta.keys() & {"selfLink", "deletionTimestamp"}
        assert "status" not in stored.object
        assert (await rig.local.get(WIDGETS, "a", "ns")) == stored.object


async def test_a_name_is_taken_once() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        error = await refused(rig.local.create(WIDGETS, widget()))
        assert (error.code, error.reason) == (409, "AlreadyExists")
        assert error.message == 'widgets.example.com "a" already exists'


async def test_a_name_of_an_object_on_its_way_out_is_taken_too() -> None:
    async with running() as rig:
        held = widget()
        held["metadata"]["finalizers"] = ["example.com/x"]
        await rig.local.create(WIDGETS, held)
        await rig.local.delete(WIDGETS, "a", "ns")
        error = await refused(rig.local.create(WIDGETS, widget()))
        assert error.message == 'object is being deleted: widgets.example.com "a" already exists'


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (typed("A b"), "metadata.name"),
        (typed(size=1001), "spec.size: Invalid value: 1001: must be at most 1000"),
        ({**typed(), "metadata": {"name": "a"}}, "metadata.namespace: Required value"),
    ],
)
async def test_invalid_objects_are_refused(obj: Object, message: str) -> None:
    async with running() as rig:
        error = await refused(rig.store().create(context(), obj))
        assert (error.code, error.reason) == (422, "Invalid")
        assert message in error.message
        assert (await rig.backend.range("/")).items == []


async def test_a_resource_version_may_not_be_set_on_create() -> None:
    async with running() as rig:
        obj = typed()
        obj["metadata"]["resourceVersion"] = "5"
        assert (await refused(rig.store().create(context(), obj))).code == 500
        obj["metadata"]["resourceVersion"] = "0"
        assert (await rig.store().create(context(), obj)).created


async def test_an_update_that_creates_ignores_the_resource_version() -> None:
    async with running() as rig:
        obj = typed()
        obj["metadata"]["resourceVersion"] = "5"
        ctx = context(verb="update", name="a")
        assert (await rig.store().update(ctx, lambda live: live, create=lambda: obj, create_always=True)).created


@pytest.mark.parametrize(("rechecks", "copies"), [(False, 3), (True, 4)])
async def test_what_is_wrong_with_metadata_is_listed_as_often_as_it_is_checked(rechecks: bool, copies: int) -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget("a"))
        rig.strategy.rechecks_metadata = rechecks
        labelled = lambda o: {**o, "metadata": {**o["metadata"], "labels": {"x": "a b"}}}  # noqa: E731
        error = await refused(rig.local.update(WIDGETS, "a", labelled, "ns"))
        assert error.details is not None
        assert [cause["field"] for cause in error.details["causes"]] == ["metadata.labels"] * copies


async def test_generated_names_are_tried_until_one_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["g-taken", "g-taken", "g-free"])
    monkeypatch.setattr("kapi.registry.store.generate_name", lambda prefix: next(names))
    async with running() as rig:
        await rig.local.create(WIDGETS, widget("g-taken"))
        obj = {**TYPED, "metadata": {"generateName": "g-", "namespace": "ns"}}
        stored = await rig.store().create(context(""), obj)
        assert stored.object["metadata"]["name"] == "g-free"
        assert rig.strategy.ledger[1:] == [
            "take g-taken", "give back g-taken", "take g-taken", "give back g-taken", "take g-free",
        ]  # fmt: skip


async def test_generating_names_ends_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapi.registry.store.generate_name", lambda prefix: "g-taken")
    async with running() as rig:
        await rig.local.create(WIDGETS, widget("g-taken"))
        obj = {**TYPED, "metadata": {"generateName": "g-", "namespace": "ns"}}
        error = await refused(rig.store().create(context(""), obj))
        assert (error.code, error.reason) == (409, "AlreadyExists")
        assert error.message.endswith("the server was not able to generate a unique name for the object")
        assert error.details is not None
        assert error.details["retryAfterSeconds"] == 1


async def test_what_was_allocated_for_a_create_that_fails_is_given_back() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        await refused(rig.local.create(WIDGETS, widget()))
        assert rig.strategy.ledger == ["take a", "take a", "give back a"]


@pytest.mark.parametrize("outcome", [asyncio.CancelledError(), Unavailable("timed out")])
async def test_what_was_allocated_stays_taken_while_the_write_may_yet_be_done(
    outcome: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as rig:
        create = rig.backend.create

        async def interrupted(key: str, value: bytes, *, ttl: float | None = None) -> int:
            await create(key, value, ttl=ttl)
            raise outcome

        monkeypatch.setattr(rig.backend, "create", interrupted)
        with pytest.raises(type(outcome)):
            await rig.store().create(context(), typed())
        assert rig.strategy.ledger == ["take a"]


# Updating


async def test_an_update_changes_revision_and_generation() -> None:
    async with running() as rig:
        first = await rig.local.create(WIDGETS, widget(size=1))
        second = await rig.local.update(WIDGETS, "a", grown(), "ns")
        labelled = await rig.local.update(
            WIDGETS, "a", lambda o: {**o, "metadata": {**o["metadata"], "labels": {"x": "y"}}}, "ns"
        )
        assert second["spec"]["size"] == 2
        versions = [int(obj["metadata"]["resourceVersion"]) for obj in (first, second, labelled)]
        assert versions == sorted(set(versions))
        assert [obj["metadata"]["generation"] for obj in (first, second, labelled)] == [1, 2, 2]
        assert [obj["metadata"]["uid"] for obj in (second, labelled)] == [first["metadata"]["uid"]] * 2


async def test_an_update_that_changes_nothing_is_not_written() -> None:
    async with running() as rig:
        first = await rig.local.create(WIDGETS, widget(size=1))
        before = await rig.backend.current_revision()
        assert await rig.local.update(WIDGETS, "a", lambda live: live, "ns") == first
        assert await rig.local.update(WIDGETS, "a", lambda live: None, "ns") == first
        assert await rig.local.update(WIDGETS, "a", grown(0), "ns") == first
        assert await rig.backend.current_revision() == before


async def test_a_pure_transform_shares_the_live_object_and_others_get_their_own() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget(size=1))
        seen: list[tuple[Object, Object]] = []
        given: list[Object] = []

        def change(live: Object) -> Object:
            given.append(live)
            return {**live, "spec": {"size": len(given) + 1}}

        def note(live: Object | None, new: Object) -> None:
            assert live is not None
            seen.append((live, new))

        for pure in (True, False):
            await rig.store().cache.current()
            await rig.store().update(context("a"), change, note, pure=pure)
        assert [live is used for (live, _), used in zip(seen, given, strict=True)] == [True, False]
        assert (await rig.local.get(WIDGETS, "a", "ns"))["spec"] == {"size": 3}


async def test_uids_are_random_uuids() -> None:
    uids = {new_uid() for _ in range(200)}
    assert len(uids) == 200
    assert all(uuid.UUID(uid).version == 4 and str(uuid.UUID(uid)) == uid for uid in uids)
    assert {uid[19] for uid in uids} == set("89ab")


async def test_all_concurrent_increments_count() -> None:
    async with running(Interleaved()) as rig:
        await rig.local.create(WIDGETS, widget(size=0))
        await asyncio.gather(*(rig.local.update(WIDGETS, "a", grown(), "ns") for _ in range(40)))
        assert (await rig.local.get(WIDGETS, "a", "ns"))["spec"]["size"] == 40


async def test_of_concurrent_creations_one_wins() -> None:
    async with running(Interleaved()) as rig:
        results = await asyncio.gather(
            *(rig.local.create(WIDGETS, widget(size=n)) for n in range(10)), return_exceptions=True
        )
        (winner,) = [one for one in results if isinstance(one, dict)]
        assert all(one is winner or getattr(one, "reason", "") == "AlreadyExists" for one in results)
        assert await rig.local.get(WIDGETS, "a", "ns") == winner


async def test_of_concurrent_updates_with_one_version_one_wins() -> None:
    async with running(Interleaved()) as rig:
        made = await rig.local.create(WIDGETS, widget(size=0))
        version = made["metadata"]["resourceVersion"]

        def replace(size: int) -> Any:
            return lambda live: {
                **made,
                "spec": {"size": size},
                "metadata": {**made["metadata"], "resourceVersion": version},
            }

        results = await asyncio.gather(
            *(rig.store().update(context(), replace(n)) for n in range(1, 6)), return_exceptions=True
        )
        lost = [one for one in results if isinstance(one, StatusError)]
        assert len(lost) == 4
        assert all(one.reason == "Conflict" and "the object has been modified" in one.message for one in lost)


async def test_a_stale_version_is_refused() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget(size=0))
        await rig.local.update(WIDGETS, "a", grown(), "ns")
        error = await refused(rig.store().update(context(), lambda live: {**made, "spec": {"size": 9}}))
        assert (error.code, error.reason) == (409, "Conflict")


async def test_kinds_may_insist_on_a_version() -> None:
    async with running() as rig:
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})

        def forget(live: Object) -> Object:
            del live["metadata"]["resourceVersion"]
            return {**live, "data": {"a": "b"}}

        error = await refused(rig.store(GADGETS).update(context("g", ""), forget))
        assert error.code == 422
        assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in error.message


async def test_the_uid_is_a_precondition() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget())
        store = rig.store()
        error = await refused(store.update(context(), grown(), uid="other"))
        assert error.code == 409
        assert "Precondition failed: UID in precondition: other, UID in object meta: " in error.message
        assert (await store.update(context(), grown(), uid=made["metadata"]["uid"])).object["spec"]["size"] == 1


async def test_an_update_may_create_where_the_kind_allows_it() -> None:
    async with running() as rig:
        gadget = {"kind": "Gadget", "apiVersion": "example.com/v1", "metadata": {"name": "g"}}
        stored = await rig.store(GADGETS).update(context("g", ""), grown(), create=lambda: gadget)
        assert stored.created
        error = await refused(rig.store().update(context(), grown(), create=typed))
        assert (error.code, error.message) == (404, 'widgets.example.com "a" not found')
        assert (await rig.store().update(context(), grown(), create=typed, create_always=True)).created


async def test_status_is_written_through_its_own_door() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget(size=1))
        both = {"spec": {"size": 7}, "status": {"phase": "Done"}}
        main = await rig.local.update(WIDGETS, "a", lambda live: {**live, **both}, "ns")
        assert "status" not in main
        status = await rig.local.update(
            WIDGETS, "a", lambda live: {**live, **both, "spec": {"size": 8}}, "ns", subresource="status"
        )
        assert (status["spec"]["size"], status["status"]) == (7, {"phase": "Done"})
        assert status["metadata"]["generation"] == main["metadata"]["generation"] == 2


# Dry runs


async def test_a_dry_run_leaves_nothing_behind() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget(size=1))
        before = await rig.backend.range("/")
        rig.strategy.ledger.clear()
        store = rig.store()
        made = await store.create(context("b", dry_run=True), typed("b"))
        changed = await store.update(context(dry_run=True), grown())
        assert (made.created, made.revision, changed.object["spec"]["size"]) == (True, 0, 2)
        assert "resourceVersion" not in made.object["metadata"]
        assert (await refused(store.create(context(dry_run=True), typed()))).reason == "AlreadyExists"
        assert (await refused(store.create(context("c", dry_run=True), typed("c", size=1001)))).reason == "Invalid"
        assert await rig.backend.range("/") == before


# Versions


async def test_versions_show_the_same_object() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS_V2, widget(width=3))
        assert (await rig.local.get(WIDGETS, "a", "ns"))["spec"] == {"size": 3, "color": "red"}
        await rig.local.update(WIDGETS, "a", grown(), "ns")
        shown = await rig.local.get(WIDGETS_V2, "a", "ns")
        assert (shown["apiVersion"], shown["spec"]) == ("example.com/v2", {"width": 4, "color": "red"})
        (item,) = (await rig.backend.range("/registry/example.com/widgets/")).items
        assert b'"apiVersion":"example.com/v1"' in item.value


async def test_an_update_in_another_version_that_changes_nothing_is_not_written() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget(size=3))
        before = await rig.backend.current_revision()
        await rig.local.update(WIDGETS_V2, "a", lambda live: live, "ns")
        assert await rig.backend.current_revision() == before


# Admission


class Painter:
    """Paints everything blue, notes what it sees, and refuses the name ``bad``."""

    def __init__(self) -> None:
        self.seen: list[AdmissionAttributes] = []

    def handles(self, operation: Operation) -> bool:
        return True

    async def admit(self, attributes: AdmissionAttributes) -> None:
        self.seen.append(attributes)
        if attributes.object is not None:
            attributes.object.setdefault("spec", {})["color"] = "blue"

    async def validate(self, attributes: AdmissionAttributes) -> None:
        if attributes.name == "bad":
            raise forbidden(attributes.resource.group_resource, attributes.name, "no")


async def test_admission_changes_and_refuses_what_users_write() -> None:
    painter = Painter()
    async with running(admission=[Member("Painter", painter)]) as rig:
        store = rig.store()
        assert (await store.create(context(), typed())).object["spec"]["color"] == "blue"
        assert (await refused(store.create(context("bad"), typed("bad")))).code == 403
        await store.update(context(), grown())
        create, _, update = painter.seen
        assert (create.operation, create.old_object, create.resource) == ("CREATE", None, WIDGETS)
        assert update.operation == "UPDATE"
        assert update.object is not None
        assert update.old_object is not None
        assert (update.old_object["spec"].get("size"), update.object["spec"]["size"]) == (None, 1)
        assert len((await rig.backend.range("/")).items) == 1


async def test_writes_of_the_server_itself_pass_admission_by() -> None:
    painter = Painter()
    async with running(admission=[Member("Painter", painter)]) as rig:
        await rig.local.create(WIDGETS, widget("bad"))
        assert painter.seen == []


async def test_retries_start_from_what_the_others_wrote() -> None:
    """A transform sees each newer state; what it did to an older one is forgotten."""
    seen: list[int] = []

    class Meddling(MemoryBackend):
        meddle = 2

        async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
            if self.meddle:
                self.meddle -= 1
                held = await self.get(key)
                assert held is not None
                changed = held.value.replace(b'"size":', b'"size":1')
                await super().update(key, changed, held.revision)
            return await super().update(key, value, expected_revision, ttl=ttl)

    def change(live: Object) -> Object:
        seen.append(live["spec"]["size"])
        live["spec"]["color"] = f"c{live['spec']['size']}"
        return live

    async with running(Meddling()) as rig:
        await rig.local.create(WIDGETS, widget(size=0))
        stored = await rig.local.update(WIDGETS, "a", change, "ns")
        assert seen == [0, 10, 110]
        assert stored["spec"] == {"size": 110, "color": "c110"}


def test_unknown_resources_are_unknown_paths() -> None:
    async def ask() -> None:
        async with running() as rig:
            nowhere = GroupVersionResource("example.com", "v1", "nothing")
            assert (await refused(rig.local.get(nowhere, "a"))).code == 404

    asyncio.run(ask())
