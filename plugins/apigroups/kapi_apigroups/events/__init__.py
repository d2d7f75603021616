"""The API group ``events.k8s.io``: events, stored as those of the core group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionKind
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.events.conversion import from_core, to_core
from kapi_apigroups.events.lifetime import event_ttl
from kapi_apigroups.events.selection import NEW_FIELDS
from kapi_apigroups.events.strategy import NewEventStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    rules = KindRules(
        NewEventStrategy(),
        selectable_fields=NEW_FIELDS,
        storage_prefix="events",
        storage_kind=GroupVersionKind("", "v1", "Event"),
        to_storage=to_core,
        from_storage=from_core,
        ttl=event_ttl(context),
    )
    return [build_group("events.k8s.io", {("v1", "events"): rules})]
