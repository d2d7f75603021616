"""Fills aggregated cluster roles: their rules are those of all cluster roles that their selectors choose."""

import asyncio
from collections.abc import Iterable
from typing import Any

from kapi.contracts.client import Event, Object, ObjectClient
from kapi.contracts.server import HookContext
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.labels import label_selector_from_object

CLUSTER_ROLES = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")


async def aggregate_cluster_roles(context: HookContext) -> None:
    """Keep aggregated cluster roles up to date until cancelled."""
    informer = context.client.informer(CLUSTER_ROLES)
    changed = asyncio.Event()

    def note(event: Event) -> None:
        changed.set()

    stop = informer.add_handler(note)
    try:
        await informer.synced()
        while True:
            changed.clear()
            await fill(context.client, list(informer.list()))
            await changed.wait()
    finally:
        stop()


async def fill(client: ObjectClient, roles: list[Object]) -> None:
    """Write the rules of those of ``roles`` that aggregate and whose rules differ from what they gather."""
    for role in roles:
        if role.get("aggregationRule") is None:
            continue
        rules = gathered(role, roles)
        if rules != (role.get("rules") or []):
            await _write(client, role["metadata"]["name"], rules)


def gathered(role: Object, roles: Iterable[Object]) -> list[Any]:
    """Return the rules that an aggregated role gathers: each once, selector by selector, roles by name."""
    own = role["metadata"]["name"]
    others = sorted((r for r in roles if r["metadata"]["name"] != own), key=lambda r: str(r["metadata"]["name"]))
    rules: list[Any] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        try:
            chosen = label_selector_from_object(selector)
        except ValueError:
            continue  # validation lets none in; one from elsewhere chooses nothing
        for other in others:
            if chosen.matches(other["metadata"].get("labels") or {}):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules


async def _write(client: ObjectClient, name: str, rules: list[Any]) -> None:
    def change(current: Object) -> Object | None:
        if current.get("aggregationRule") is None:
            return None
        return {**current, "rules": rules}

    try:
        await client.update(CLUSTER_ROLES, name, change)
    except StatusError as ex:
        if ex.code not in (404, 409):
            raise
