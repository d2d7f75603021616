"""What a CustomResourceDefinition serves: resources, made anew whenever the definition changes."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from kapi.contracts.resources import APIGroup, APIVersion, Object, Resource, Subresource
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource
from kapi_apigroups.apiextensions.columns import CustomTable
from kapi_apigroups.apiextensions.jsonpath import member_at, simple_members
from kapi_apigroups.apiextensions.naming import is_terminating
from kapi_apigroups.apiextensions.openapi import CustomDefinitions, definition_name
from kapi_apigroups.apiextensions.resource_rules import CustomScale, CustomStrategy, status_strategy
from kapi_apigroups.apiextensions.structural.rules import StructuralRules
from kapi_apigroups.apiextensions.structural.validity import uses_rules
from kapi_apigroups.apiextensions.versions import is_preferred, version_order
from kapi_apigroups.build import schema_of
from kapi_apigroups.printing import subresource_table

if TYPE_CHECKING:
    from kapi.meta.schema.tables import Definitions

VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_SUBRESOURCE_VERBS = ("get", "patch", "update")
_SCALE = GroupVersionKind("autoscaling", "v1", "Scale")
_GROUP_PRIORITY, _VERSION_PRIORITY = 1000, 100
_ANYTHING: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


class CustomResource:
    """The resources of one definition, one for each version that is served."""

    def __init__(self, definition: Object) -> None:
        """Take a definition whose names are accepted. Nothing is compiled before it is used."""
        spec = definition["spec"]
        self._fingerprint = _fingerprint(definition)
        self.group: str = spec["group"]
        self._names: Object = definition["status"]["acceptedNames"]
        self._namespaced = spec.get("scope") == "Namespaced"
        self._terminating = is_terminating(definition)
        self._by_webhook = spec.get("conversion", {}).get("strategy") == "Webhook"
        self._versions: list[Object] = spec["versions"]
        self._storage = next(version["name"] for version in self._versions if version.get("storage"))
        self._rules = {version["name"]: self._rules_of(version) for version in self._versions}
        self.resources = {version["name"]: self._resource(version) for version in self._served_versions()}

    def is_for(self, definition: Object) -> bool:
        """Tell whether a definition needs no other resources than these."""
        return self._fingerprint == _fingerprint(definition)

    def _served_versions(self) -> list[Object]:
        """Return the versions to serve: while a definition is deleted the stored one too, so that objects can go."""
        return [
            version
            for version in self._versions
            if version.get("served") or (self._terminating and version["name"] == self._storage)
        ]

    def _kind(self, version: str) -> GroupVersionKind:
        return GroupVersionKind(self.group, version, self._names["kind"])

    def _rules_of(self, version: Object) -> StructuralRules:
        kind = self._kind(version["name"])
        return StructuralRules(schema_in(version), definition_name(kind), kind.kind)

    def schemas(self, version: str) -> dict[GroupVersionKind, Any]:
        """Return the schema of a version by its kind."""
        return {self._kind(version): self._rules[version].schema}

    def _resource(self, version: Object) -> Resource:
        name, names = version["name"], self._names
        kind, plural = self._kind(name), names["plural"]
        subresources = version.get("subresources") or {}
        rules, converted = self._rules[name], name != self._storage
        strategy = CustomStrategy(
            GroupResource(self.group, plural),
            kind,
            subresources,
            terminating=self._terminating,
            unchecked=uses_rules(rules.schema),
        )
        return Resource(
            gvr=GroupVersionResource(self.group, name, plural),
            kind=kind,
            singular=names.get("singular", ""),
            namespaced=self._namespaced,
            verbs=VERBS,
            schema=lambda: rules.type,
            strategy=strategy,
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=_subresources(kind, subresources, strategy),
            table=CustomTable(version.get("additionalPrinterColumns") or ()),
            selectable_fields=_selectable(version),
            storage_prefix=f"{self.group}/{plural}",
            storage_kind=self._kind(self._storage),
            to_storage=self._conversion(name, self._storage) if converted else None,
            from_storage=self._conversion(self._storage, name) if converted else None,
            refresh=self._refresh,
            custom=True,
            deprecation=self._deprecation(version),
        )

    def _conversion(self, source: str, target: str) -> Callable[[Object], Object]:
        """Return the conversion between two versions: only the name of the version changes, and what is pruned."""
        if self._by_webhook:
            return _refuse_conversion(self._kind(source))
        return lambda obj: self._converted(obj, target)

    def _converted(self, obj: Object, target: str) -> Object:
        api_version = str(GroupVersion(self.group, target))
        return self._rules[target].read({**obj, "apiVersion": api_version}, None, False)[0]

    def _refresh(self, stored: Object) -> Object:
        """Return a stored object in the storage version, as its schema shows it now."""
        version = stored["apiVersion"].rpartition("/")[2]
        settled = self._rules.get(version, self._rules[self._storage]).settled(stored)
        return settled if version == self._storage else self._converted(settled, self._storage)

    def _deprecation(self, version: Object) -> str:
        if not version.get("deprecated"):
            return ""
        if version.get("deprecationWarning") is not None:
            return str(version["deprecationWarning"])
        kind = self._kind(version["name"])
        current = [v["name"] for v in self._versions if v.get("served") and not v.get("deprecated")]
        better = [name for name in sorted(current, key=version_order) if is_preferred(name, version["name"])]
        text = f"{kind.api_version} {kind.kind} is deprecated"
        return f"{text}; use {self.group}/{better[0]} {kind.kind}" if better else text


def schema_in(version: Object) -> Object:
    """Return the schema of a version; one that allows anything where there is none."""
    schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or _ANYTHING
    return schema


def _fingerprint(definition: Object) -> tuple[Any, ...]:
    """Return all that the resources of a definition depend on."""
    meta = definition["metadata"]
    return meta.get("uid"), definition["spec"], definition["status"]["acceptedNames"], is_terminating(definition)


def _refuse_conversion(kind: GroupVersionKind) -> Callable[[Object], Object]:
    def refuse(obj: Object) -> Object:
        raise StatusError(
            500,
            "",
            f"conversion webhook for {kind.api_version}, Kind={kind.kind} failed: this server does not call "
            "conversion webhooks",
        )

    return refuse


def _subresources(kind: GroupVersionKind, listed: Object, strategy: CustomStrategy) -> tuple[Subresource, ...]:
    found = []
    if listed.get("status") is not None:
        found.append(Subresource("status", kind, _SUBRESOURCE_VERBS, strategy=status_strategy(strategy)))
    if listed.get("scale") is not None:
        found.append(
            Subresource(
                "scale",
                _SCALE,
                _SUBRESOURCE_VERBS,
                schema_of("io.k8s.api.autoscaling.v1.Scale"),
                view=CustomScale(listed["scale"]),
                table=subresource_table(_SCALE),
            )
        )
    return tuple(found)


def _selectable(version: Object) -> Mapping[str, Callable[[Object], str]]:
    paths = (field["jsonPath"] for field in version.get("selectableFields") or ())
    return {".".join(simple_members(path)): _selector(simple_members(path)) for path in paths}


def _selector(members: tuple[str, ...]) -> Callable[[Object], str]:
    def select(obj: Object) -> str:
        value = member_at(obj, members)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else ""

    return select


def groups_of(customs: Iterable[CustomResource], before: Iterable[APIGroup]) -> list[APIGroup]:
    """Return the groups of some definitions; those with the same resources as ``before`` are the same objects."""
    known = {group.name: group for group in before}
    by_group: dict[str, list[CustomResource]] = {}
    for custom in customs:
        if custom.resources:
            by_group.setdefault(custom.group, []).append(custom)
    return [_group(name, members, known.get(name)) for name, members in by_group.items()]


def _group(name: str, customs: list[CustomResource], known: APIGroup | None) -> APIGroup:
    names = sorted({version for custom in customs for version in custom.resources}, key=version_order)
    versions = tuple(
        APIVersion(version, tuple(custom.resources[version] for custom in customs if version in custom.resources))
        for version in names
    )
    if known is not None and _same(known.versions, versions):
        return known
    schemas = {
        kind: schema
        for custom in customs
        for version in custom.resources
        for kind, schema in custom.schemas(version).items()
    }
    return APIGroup(
        name,
        versions,
        _GROUP_PRIORITY,
        _VERSION_PRIORITY,
        definitions=lambda: cast("Definitions", CustomDefinitions(schemas)),
    )


def _same(left: tuple[APIVersion, ...], right: tuple[APIVersion, ...]) -> bool:
    """Tell whether versions hold the very same resources."""
    return [(v.version, list(map(id, v.resources))) for v in left] == [
        (v.version, list(map(id, v.resources))) for v in right
    ]
