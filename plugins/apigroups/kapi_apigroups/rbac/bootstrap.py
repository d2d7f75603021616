"""The roles and bindings that every cluster has; written at start, and completed where something was taken away.

What an administrator added stays. Objects annotated ``rbac.authorization.kubernetes.io/autoupdate: "false"`` are left
alone.
"""

import asyncio
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.server import HookContext
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersion, GroupVersionResource
from kapi_apigroups.rbac.coverage import Grant, compact, missing

_VERSION = GroupVersion("rbac.authorization.k8s.io", "v1")
_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_RESOURCES = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
_ATTEMPTS = 5


class Default(NamedTuple):
    """An object that should be there."""

    resource: GroupVersionResource
    namespace: str
    object: Object


async def write_bootstrap_objects(context: HookContext) -> None:
    """Create what is missing, and complete what lost some of its rules or subjects."""
    client = context.client
    for resource in _RESOURCES:
        await client.informer(_VERSION.with_resource(resource)).synced()
    async with asyncio.TaskGroup() as group:
        for default in defaults():
            present = client.informer(default.resource).get(default.object["metadata"]["name"], default.namespace)
            if present is None or reconciled(present, default.object) is not None:
                group.create_task(_ensure(client, default))


def defaults() -> Iterator[Default]:
    """Yield all default objects."""
    data = json.loads(files(__package__).joinpath("bootstrap.json").read_text("utf-8"))
    for resource in _RESOURCES:
        for item in data[resource]:
            yield Default(_VERSION.with_resource(resource), item.get("namespace", ""), _object(item))


def _object(item: dict[str, Any]) -> Object:
    """Return the object of a compact row: its name, and what differs from row to row."""
    metadata: Object = {"name": item["name"]}
    if "namespace" in item:
        metadata["namespace"] = item["namespace"]
    metadata["labels"] = {**_LABELS, **item.get("labels", {})}
    metadata["annotations"] = {_AUTOUPDATE: "true"}
    spec: Object = {
        member: item[member] for member in ("rules", "aggregationRule", "subjects", "roleRef") if member in item
    }
    return {"metadata": metadata, **spec}


def reconciled(present: Object, wanted: Object) -> Object | None:
    """Return ``present`` with everything that it lacks of ``wanted``; None when it lacks nothing or is left alone.

    A binding to another role than the wanted one is returned as wanted: it has to be replaced.
    """
    metadata = present["metadata"]
    if (metadata.get("annotations") or {}).get(_AUTOUPDATE) == "false":
        return None
    if present.get("roleRef") != wanted.get("roleRef"):
        return wanted
    result = {**present, "metadata": {**metadata}}
    for member in ("labels", "annotations"):
        merged = {**wanted["metadata"].get(member, {}), **(metadata.get(member) or {})}
        result["metadata"][member] = merged
    _complete_rules(result, wanted)
    _complete_list(result, wanted, "subjects")
    return result if result != present else None


def _complete_rules(result: Object, wanted: Object) -> None:
    if wanted.get("aggregationRule"):
        rule = dict(result.get("aggregationRule") or {})
        _complete_list(rule, wanted["aggregationRule"], "clusterRoleSelectors")
        result["aggregationRule"] = rule
        return
    have = [Grant.of(rule) for rule in result.get("rules") or ()]
    lacking = compact(missing(have, [Grant.of(rule) for rule in wanted.get("rules") or ()]))
    if lacking:
        result["rules"] = [*(result.get("rules") or ()), *(grant.as_rule() for grant in lacking)]


def _complete_list(result: Object, wanted: Object, member: str) -> None:
    have = result.get(member) or []
    lacking = [item for item in wanted.get(member) or () if item not in have]
    if lacking:
        result[member] = [*have, *lacking]


async def _ensure(client: ObjectClient, default: Default) -> None:
    """Create or complete one object; another worker or an administrator may be at it as well."""
    for _ in range(_ATTEMPTS):
        if await _created(client, default) or await _completed(client, default):
            return


async def _created(client: ObjectClient, default: Default) -> bool:
    try:
        await client.create(default.resource, default.object, default.namespace)
    except StatusError as ex:
        if ex.code != 409:
            raise
        return False
    return True


async def _completed(client: ObjectClient, default: Default) -> bool:
    """Complete an object; False when it has to be created, because it is gone or was bound to another role."""
    name, namespace = default.object["metadata"]["name"], default.namespace
    try:
        present = await client.get(default.resource, name, namespace)
        wanted = reconciled(present, default.object)
        if wanted is default.object:
            await client.delete(default.resource, name, namespace, uid=present["metadata"]["uid"])
            return False
        if wanted is not None:
            await client.update(default.resource, name, lambda now: reconciled(now, default.object), namespace)
    except StatusError as ex:
        if ex.code not in (404, 409):
            raise
        return False
    return True
