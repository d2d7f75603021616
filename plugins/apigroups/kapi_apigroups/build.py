"""Turns the generated facts about a group, and the rules written by hand for its kinds, into an APIGroup."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kapi.contracts.resources import (
    APIGroup,
    Handler,
    Object,
    Strategy,
    TableConvertor,
    View,
)
from kapi.meta.gvk import GroupVersionKind


@dataclass(frozen=True, slots=True)
class KindRules:
    """What data cannot say about one resource.

    - ``subresources`` gives, by subresource name, the rules under which it is served: a Strategy (same kind), a
      View (another kind that shows part of the parent) or a Handler. ``status`` needs no entry where
      ``strategy.owns_status``: :class:`kapi.contracts.resources.StatusStrategy` serves it;
    - ``storage_prefix`` overrides the key, which by default is the plural;
    - ``storage_kind``, ``to_storage`` and ``from_storage``: where the stored version is not the served one.
    """

    strategy: Strategy = field(default_factory=Strategy)
    table: TableConvertor | None = None
    selectable_fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    subresources: Mapping[str, Strategy | View | Handler] = field(default_factory=dict)
    storage_prefix: str = ""
    storage_kind: GroupVersionKind | None = None
    to_storage: Callable[[Object], Object] | None = None
    from_storage: Callable[[Object], Object] | None = None
    ttl: Callable[[Object], float | None] | None = None
    handler: Handler | None = None


def build_group(name: str, rules: Mapping[tuple[str, str], KindRules]) -> APIGroup:
    """Return the group ``name`` ("" for core) with all resources that the facts list for it.

    ``rules`` is keyed by (version, plural); resources without an entry get the defaults of KindRules.
    Raises KeyError for a rule whose resource the facts do not know.
    """
    raise NotImplementedError
