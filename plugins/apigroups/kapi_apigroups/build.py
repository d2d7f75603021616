"""Turns the generated facts about a group, and the rules written by hand for its kinds, into an APIGroup."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from kapi.contracts.resources import (
    APIGroup,
    APIVersion,
    Column,
    Handler,
    Object,
    RequestContext,
    Resource,
    StatusStrategy,
    Strategy,
    Subresource,
    TableConvertor,
    View,
)
from kapi.meta.errors import method_not_supported
from kapi.meta.gvk import GroupResource, GroupVersionKind, GroupVersionResource
from kapi.meta.schema.types import Struct
from kapi_apigroups.facts import definitions, group_facts, protobuf_numbers
from kapi_apigroups.printing import PrintedTable, subresource_table
from kapi_apigroups.unserved import unserved_kinds

Facts = dict[str, Any]
Schema = Callable[[], Struct]


@dataclass(frozen=True, slots=True)
class KindRules:
    """What data cannot say about one resource.

    - ``subresources`` gives, by subresource name, the rules under which it is served: a Strategy (same kind), a
      View (another kind that shows part of the parent) or a Handler. ``status`` needs no entry where
      ``strategy.owns_status``: :class:`kapi.contracts.resources.StatusStrategy` serves it;
    - ``table`` prints rows in another way than :mod:`kapi_apigroups.printing` does;
    - ``storage_prefix`` overrides the key, which by default is the plural;
    - ``deprecation`` is a warning that every answer carries;
    - ``storage_kind``, ``to_storage`` and ``from_storage``: where the stored version is not the served one;
    - ``internal``: where what is printed is not the served version (see :class:`kapi.contracts.resources.Resource`).
    """

    strategy: Strategy = field(default_factory=Strategy)
    table: TableConvertor | None = None
    selectable_fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    subresources: Mapping[str, Strategy | View | Handler] = field(default_factory=dict)
    storage_prefix: str = ""
    storage_kind: GroupVersionKind | None = None
    to_storage: Callable[[Object], Object] | None = None
    from_storage: Callable[[Object], Object] | None = None
    internal: Callable[[Object], Object] | None = None
    ttl: Callable[[Object], float | None] | None = None
    handler: Handler | None = None
    deprecation: str = ""


class Unserved:
    """Answers for a resource or subresource that is listed but needs what a server without nodes does not have."""

    def __init__(self, resource: GroupResource) -> None:
        """Take the name that the refusal shows (``pods/exec``)."""
        self._resource = resource

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Refuse."""
        raise method_not_supported(self._resource, "create")

    async def get(self, ctx: RequestContext) -> Object:
        """Refuse."""
        raise method_not_supported(self._resource, "get")

    async def list(self, ctx: RequestContext) -> Object:
        """Refuse."""
        raise method_not_supported(self._resource, "list")

    async def connect(self, ctx: RequestContext) -> Object:
        """Refuse."""
        raise method_not_supported(self._resource, ctx.verb)


def build_group(name: str, rules: Mapping[tuple[str, str], KindRules]) -> APIGroup:
    """Return the group ``name`` ("" for core) with all resources that the facts list for it.

    ``rules`` is keyed by (version, plural); resources without an entry get the defaults of KindRules.
    Raises KeyError for a group, a rule's resource or a rule's subresource that the facts do not know.
    """
    facts = group_facts(name)
    versions = facts["versions"]
    known = {(version, each["resource"]) for version, listed in versions.items() for each in listed}
    for key in rules:
        if key not in known:
            raise KeyError(f"no resource {key[1]} in {name}/{key[0]}")
    priority, version_priority = facts["priority"]
    return APIGroup(
        name,
        tuple(
            APIVersion(
                version,
                tuple(_resource(name, version, each, rules.get((version, each["resource"]))) for each in listed),
            )
            for version, listed in versions.items()
        ),
        priority,
        version_priority,
        describe=_describe,
        definitions=definitions,
        protobuf=protobuf_numbers,
        unserved=unserved_kinds(name),
    )


def _describe(name: str, member: str) -> str:
    from kapi_apigroups.documentation import describe_definition  # not needed before somebody asks for a document

    return describe_definition(name, member)


def facts_columns(group: str, version: str, plural: str) -> tuple[Column, ...]:
    """Return the columns of a built-in resource's table; raises KeyError for a resource that is none."""
    for each in group_facts(group)["versions"][version]:
        if each["resource"] == plural:
            return tuple(Column(name, type_, form, "", rank) for name, type_, form, rank in each.get("columns", ()))
    raise KeyError(plural)


def schema_of(definition: str) -> Schema:
    """Return what gives the type of a definition, which is built when it is first asked for."""
    return functools.partial(_struct, definition)


def _struct(definition: str) -> Struct:
    return definitions().struct(definition)


def _resource(group: str, version: str, facts: Facts, rules: KindRules | None) -> Resource:
    rules = rules or KindRules()
    plural = facts["resource"]
    handler = rules.handler
    if handler is None and not _is_stored(facts):
        handler = cast("Handler", Unserved(GroupResource(group, plural)))
    return Resource(
        gvr=GroupVersionResource(group, version, plural),
        kind=GroupVersionKind(group, version, facts["kind"]),
        singular=facts["singular"],
        namespaced=facts.get("namespaced", False),
        verbs=tuple(facts["verbs"]),
        schema=schema_of(facts["definition"]),
        strategy=rules.strategy,
        short_names=tuple(facts.get("shortNames", ())),
        categories=tuple(facts.get("categories", ())),
        subresources=_subresources(group, facts, rules),
        table=rules.table or PrintedTable(group, plural, functools.partial(facts_columns, group, version, plural)),
        selectable_fields=rules.selectable_fields,
        storage_prefix="" if handler is not None else rules.storage_prefix or facts.get("prefix") or plural,
        storage_kind=rules.storage_kind,
        to_storage=rules.to_storage,
        from_storage=rules.from_storage,
        internal=rules.internal,
        ttl=rules.ttl,
        handler=handler,
        deprecation=rules.deprecation,
    )


def _is_stored(facts: Facts) -> bool:
    return {"create", "get"} <= set(facts["verbs"])


def _subresources(group: str, facts: Facts, rules: KindRules) -> tuple[Subresource, ...]:
    listed = facts.get("subresources", ())
    unknown = rules.subresources.keys() - {each["name"] for each in listed}
    if unknown:
        raise KeyError(f"no subresource {', '.join(sorted(unknown))} of {facts['resource']}")
    return tuple(_subresource(GroupResource(group, facts["resource"]), each, rules) for each in listed)


def _subresource(parent: GroupResource, facts: Facts, rules: KindRules) -> Subresource:
    name = facts["name"]
    served: Any = rules.subresources.get(name)
    if served is None:
        served = StatusStrategy(rules.strategy) if name == "status" else Unserved(_below(parent, name))
    is_strategy, is_view = isinstance(served, Strategy), hasattr(served, "project")
    kind = GroupVersionKind(*facts["kind"])
    return Subresource(
        name,
        kind,
        tuple(facts["verbs"]),
        schema_of(facts["definition"]) if "definition" in facts else None,
        strategy=served if is_strategy else None,
        view=served if is_view else None,
        handler=None if is_strategy or is_view else served,
        table=subresource_table(kind),
        accepts=getattr(served, "accepts", ()),
    )


def _below(parent: GroupResource, name: str) -> GroupResource:
    return GroupResource(parent.group, f"{parent.resource}/{name}")
