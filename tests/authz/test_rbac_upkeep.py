import asyncio
from typing import Any

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.server import HookContext
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersion, GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.rbac.aggregation import aggregate_cluster_roles, fill, gathered
from kapi_apigroups.rbac.bootstrap import defaults, reconciled, write_bootstrap_objects

RBAC = GroupVersion("rbac.authorization.k8s.io", "v1")
ROLES = RBAC.with_resource("clusterroles")
BINDINGS = RBAC.with_resource("clusterrolebindings")
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def context(client: MemoryClient) -> HookContext:
    return HookContext(client, BuildContext(Options({}), data_dir=None))  # type: ignore[arg-type]  # unused


def rule(*resources: str) -> dict[str, Any]:
    return {"verbs": ["get"], "apiGroups": [""], "resources": list(resources)}


def role(name: str, *rules: dict[str, Any], labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "rules": list(rules) or None, **more}


def aggregated(name: str, *selectors: dict[str, Any], **more: Any) -> dict[str, Any]:
    return role(name, aggregationRule={"clusterRoleSelectors": list(selectors)}, **more)


SELECTOR = {"matchLabels": {"to": "view"}}
LABELS = {"to": "view"}


def test_rules_are_gathered_by_name_and_each_once() -> None:
    roles = [
        role("z", rule("pods"), rule("secrets"), labels=LABELS),
        role("a", rule("pods"), labels=LABELS),
        role("other", rule("nodes")),
        aggregated("all", SELECTOR, labels=LABELS),
    ]
    assert gathered(roles[3], roles) == [rule("pods"), rule("secrets")]


def test_a_broken_selector_chooses_nothing() -> None:
    broken = aggregated("all", {"matchExpressions": [{"key": "a", "operator": "Like"}]})
    assert gathered(broken, [broken, role("a", rule("pods"))]) == []


async def test_only_what_differs_is_written() -> None:
    client = MemoryClient()
    for obj in (role("a", rule("pods"), labels=LABELS), aggregated("all", SELECTOR)):
        await client.create(ROLES, obj)
    informer = client.informer(ROLES)
    await fill(client, list(informer.list()))
    assert (await client.get(ROLES, "all"))["rules"] == [rule("pods")]
    version = informer.version
    await fill(client, list(informer.list()))
    assert informer.version == version


async def test_the_controller_follows_changes_until_it_is_cancelled() -> None:
    client = MemoryClient()
    await client.create(ROLES, aggregated("all", SELECTOR))
    task = asyncio.create_task(aggregate_cluster_roles(context(client)))
    await client.create(ROLES, role("a", rule("pods"), labels=LABELS))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (await client.get(ROLES, "all"))["rules"] == [rule("pods")]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.create(ROLES, role("b", rule("nodes"), labels=LABELS))
    assert (await client.get(ROLES, "all"))["rules"] == [rule("pods")]


async def test_a_role_that_vanishes_meanwhile_is_passed_over() -> None:
    await fill(MemoryClient(), [aggregated("gone", SELECTOR), role("a", rule("pods"), labels=LABELS)])


def test_defaults_are_complete_and_marked() -> None:
    found = {(d.resource.resource, d.namespace, d.object["metadata"]["name"]): d.object for d in defaults()}
    admin = found["clusterroles", "", "cluster-admin"]
    assert admin["rules"][0] == {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert found["clusterrolebindings", "", "cluster-admin"]["subjects"][0]["name"] == "system:masters"
    assert ("roles", "kube-public", "system:controller:bootstrap-signer") in found
    assert "rules" not in found["clusterroles", "", "view"]
    for obj in found.values():
        assert obj["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"
        assert obj["metadata"]["annotations"] == {AUTOUPDATE: "true"}
    roles = {(key[0], key[1], key[2]) for key in found if "binding" not in key[0]}
    for (resource, namespace, _), obj in found.items():
        if "roleRef" in obj:
            kind = obj["roleRef"]["kind"]
            assert (kind.lower() + "s", namespace if kind == "Role" else "", obj["roleRef"]["name"]) in roles, resource


async def test_defaults_are_written_once() -> None:
    client = MemoryClient()
    await write_bootstrap_objects(context(client))
    versions = [client.informer(resource).version for resource in (ROLES, BINDINGS)]
    assert versions == [len(await client.list(ROLES)), len(await client.list(BINDINGS))]
    await write_bootstrap_objects(context(client))
    assert [client.informer(resource).version for resource in (ROLES, BINDINGS)] == versions


async def test_what_was_taken_away_comes_back_and_what_was_added_stays() -> None:
    client = MemoryClient()
    await write_bootstrap_objects(context(client))

    def spoil(found: dict[str, Any]) -> dict[str, Any]:
        found["rules"] = [rule("extra")]
        found["metadata"]["labels"] = {"mine": "yes"}
        return found

    original = (await client.get(ROLES, "system:basic-user"))["rules"]
    await client.update(ROLES, "system:basic-user", spoil)
    await client.delete(BINDINGS, "system:basic-user")
    await write_bootstrap_objects(context(client))
    repaired = await client.get(ROLES, "system:basic-user")
    assert repaired["rules"][0] == rule("extra")
    assert {tuple(r["resources"]) for r in repaired["rules"][1:]} >= {("selfsubjectreviews",)}
    assert repaired["metadata"]["labels"] == {"kubernetes.io/bootstrapping": "rbac-defaults", "mine": "yes"}
    assert await client.get(BINDINGS, "system:basic-user")
    whole = {**repaired, "rules": [rule("extra"), *original]}
    assert reconciled(whole, {"metadata": {}, "rules": original}) is None


async def test_objects_that_are_not_to_be_updated_are_left_alone() -> None:
    client = MemoryClient()
    mine = role("system:basic-user", rule("mine"))
    mine["metadata"]["annotations"] = {AUTOUPDATE: "false"}
    await client.create(ROLES, mine)
    await write_bootstrap_objects(context(client))
    assert (await client.get(ROLES, "system:basic-user"))["rules"] == [rule("mine")]


async def test_a_binding_to_another_role_is_replaced() -> None:
    client = MemoryClient()
    wrong = {"metadata": {"name": "cluster-admin"}, "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": []}
    await client.create(BINDINGS, wrong)
    await write_bootstrap_objects(context(client))
    assert (await client.get(BINDINGS, "cluster-admin"))["roleRef"]["name"] == "cluster-admin"


async def test_several_workers_may_write_at_once() -> None:
    class Slow(MemoryClient):
        async def create(
            self, resource: GroupVersionResource, obj: dict[str, Any], namespace: str = "", *, subresource: str = ""
        ) -> dict[str, Any]:
            await asyncio.sleep(0)
            return await super().create(resource, obj, namespace, subresource=subresource)

    client = Slow()
    await asyncio.gather(*(write_bootstrap_objects(context(client)) for _ in range(3)))
    assert len(await client.list(ROLES)) == sum(d.resource == ROLES for d in defaults())


async def test_a_store_that_fails_is_reported() -> None:
    class Failing(MemoryClient):
        async def create(
            self, resource: GroupVersionResource, obj: dict[str, Any], namespace: str = "", *, subresource: str = ""
        ) -> dict[str, Any]:
            raise StatusError(503, "ServiceUnavailable", "no store")

    with pytest.raises(ExceptionGroup):
        await write_bootstrap_objects(context(Failing()))
