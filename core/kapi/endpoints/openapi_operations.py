"""Which operations there are on the resources of a group, independent of the OpenAPI version that describes them."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources as package_resources
from typing import Any, Final, NamedTuple

import orjson

from kapi.contracts.resources import APIGroup, APIVersion, Resource, Subresource
from kapi.endpoints.discovery import group_prefix
from kapi.endpoints.negotiation import CUSTOM_PATCHES, JSON, PATCHES, PROTOBUF, YAML
from kapi.meta.gvk import GroupVersionKind

METAV1: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_MEDIA: Final = (JSON, YAML, PROTOBUF)
_STREAM_MEDIA: Final = (*_MEDIA, f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
_ANY: Final = ("*/*",)

_SELECTION: Final = (
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
)
_LIST: Final = ("allowWatchBookmarks", *_SELECTION, "watch")
_WRITE: Final = ("dryRun", "fieldManager", "fieldValidation")
_PATCH: Final = ("dryRun", "fieldManager.patch", "fieldValidation", "force")
_DELETE: Final = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)
_METHODS: Final = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_NAMESPACE: Final = ("namespace", "object name and auth scope, such as for teams and projects")
_DEPRECATED_WATCH: Final = "deprecated: use the 'watch' parameter with a list operation instead"


class Operation(NamedTuple):
    """One method of one path.

    - ``parameters``: the query parameters, by their key in :func:`parameter_facts`;
    - ``body`` and ``result``: names of definitions ("" for no body, and for a result that is text);
    - ``codes``: the statuses of success.
    """

    method: str
    id: str
    description: str
    action: str = ""
    kind: GroupVersionKind | None = None
    parameters: tuple[str, ...] = ("pretty",)
    body: str = ""
    body_required: bool = True
    consumes: tuple[str, ...] = _ANY
    produces: tuple[str, ...] = _MEDIA
    result: str = ""
    codes: tuple[str, ...] = ("200",)


class Path(NamedTuple):
    """A path with its operations; ``segments`` are the (name, description) of the parameters in the path."""

    path: str
    tag: str
    segments: tuple[tuple[str, str], ...]
    operations: tuple[Operation, ...]


@cache
def parameter_facts() -> dict[str, list[str]]:
    """Return the type and description of every query parameter."""
    data = package_resources.files("kapi.endpoints").joinpath("openapi_parameters.json").read_bytes()
    facts: dict[str, list[str]] = orjson.loads(data)
    return facts


def version_paths(group: APIGroup, version: APIVersion) -> list[Path]:
    """Return the paths of one version of a group, sorted."""
    prefix = f"{group_prefix(group.name)}/{version.version}"
    tag = f"{_words(group.name)}_{version.version}"
    stem = _title(_words(group.name)) + _title(version.version)
    index = Operation(
        "get",
        f"get{stem}APIResources",
        "get available resources",
        parameters=(),
        result=f"{METAV1}APIResourceList",
    )
    paths = [] if _is_custom(version) else [Path(f"{prefix}/", tag, (), (index,))]
    for resource in version.resources:
        paths += _ResourcePaths(resource, prefix, tag, stem).all()
    return sorted(paths, key=lambda path: path.path)


def root_path(path: str, tag: str, identifier: str, description: str, kind: str) -> Path:
    """Return a path that answers with one of the discovery kinds."""
    operation = Operation("get", identifier, description, parameters=(), result=f"{METAV1}{kind}")
    return Path(path, tag, (), (operation,))


def group_path(group: APIGroup) -> Path:
    """Return the path of a group's own document."""
    words = _words(group.name)
    identifier = f"get{_title(words)}APIGroup"
    return root_path(f"/apis/{group.name}/", words, identifier, "get information of a group", "APIGroup")


def _is_custom(version: APIVersion) -> bool:
    return any(resource.custom for resource in version.resources)


def _words(group: str) -> str:
    """Return a group as one camel-case word: ``rbacAuthorization``, ``core``."""
    first, *rest = re.split(r"[^A-Za-z0-9]+", group.removesuffix(".k8s.io")) if group else ["core"]
    return first + "".join(map(_title, rest))


def _title(word: str) -> str:
    return word[:1].upper() + word[1:]


def _with_article(kind: str) -> str:
    """Return ``a Pod``, ``an Event``, ``Endpoints``."""
    if kind.endswith("s") and not kind.endswith("ss"):
        return kind
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


class _ResourcePaths:
    """The paths of one resource and its subresources."""

    def __init__(self, resource: Resource, prefix: str, tag: str, stem: str) -> None:
        self.resource = resource
        self.tag = tag
        self.prefix = prefix
        self.kind = resource.kind.kind
        self.definition = resource.schema().name
        self.listing = f"{self.definition}List"
        self.scope = "Namespaced" if resource.namespaced else ""
        self.plural = resource.gvr.resource
        self.base = f"/namespaces/{{namespace}}/{self.plural}" if resource.namespaced else f"/{self.plural}"
        self.segments = (_NAMESPACE,) if resource.namespaced else ()
        self.stem = stem
        self.patches = CUSTOM_PATCHES if resource.custom else PATCHES

    def all(self) -> Iterator[Path]:
        """Return all paths that have operations."""
        named = ("name", f"name of the {self.kind}"), *self.segments
        candidates = [
            Path(self.prefix + self.base, self.tag, self.segments, tuple(self._collection())),
            Path(f"{self.prefix}{self.base}/{{name}}", self.tag, named, tuple(self._item())),
        ]
        if self.resource.namespaced and "list" in self.resource.verbs:
            across = (self._list("ForAllNamespaces", ""),)
            candidates.append(Path(f"{self.prefix}/{self.plural}", self.tag, (), across))
        if "watch" in self.resource.verbs and not self.resource.custom:
            candidates += self._watches(named)
        for subresource in self.resource.subresources:
            candidates += self._subresource(subresource)
        return (path for path in candidates if path.operations)

    def _operation(self, method: str, verb: str, description: str, **facts: Any) -> Operation:
        suffix, scope = facts.pop("suffix", ""), facts.pop("scope", self.scope)
        facts.setdefault("kind", self.resource.kind)
        facts.setdefault("result", self.definition)
        facts["parameters"] = (*facts.get("parameters", ()), "pretty")
        return Operation(method, f"{verb}{self.stem}{scope}{self.kind}{suffix}", description, **facts)

    def _list(self, suffix: str, scope: str) -> Operation:
        what = "list or watch" if "watch" in self.resource.verbs else "list"
        return self._operation(
            "get",
            "list",
            f"{what} objects of kind {self.kind}",
            suffix=suffix,
            scope=scope,
            action="list",
            parameters=_LIST,
            produces=_STREAM_MEDIA,
            result=self.listing,
        )

    def _collection(self) -> Iterator[Operation]:
        verbs = self.resource.verbs
        if "list" in verbs:
            yield self._list("", self.scope)
        if "create" in verbs:
            yield self._create(f"create {_with_article(self.kind)}", "", self.definition, self.resource.kind)
        if "deletecollection" in verbs:
            yield self._operation(
                "delete",
                "delete",
                f"delete collection of {self.kind}",
                scope=f"Collection{self.scope}",
                action="deletecollection",
                parameters=tuple(sorted(_SELECTION + _DELETE)),
                body=f"{METAV1}DeleteOptions",
                body_required=False,
                result=f"{METAV1}Status",
            )

    def _create(self, description: str, suffix: str, definition: str, kind: GroupVersionKind) -> Operation:
        return self._operation(
            "post",
            "create",
            description,
            suffix=suffix,
            action="post",
            kind=kind,
            parameters=_WRITE,
            body=definition,
            result=definition,
            codes=("200", "201", "202"),
        )

    def _item(self) -> Iterator[Operation]:
        yield from self._reads_and_writes(self.resource.verbs, "", "", self.definition, self.resource.kind)
        if "delete" in self.resource.verbs:
            answer = self.definition if self.resource.strategy.returns_deleted else f"{METAV1}Status"
            yield self._operation(
                "delete",
                "delete",
                f"delete {_with_article(self.kind)}",
                action="delete",
                parameters=_DELETE,
                body=f"{METAV1}DeleteOptions",
                body_required=False,
                result=answer,
                codes=("200", "202"),
            )

    def _reads_and_writes(
        self, verbs: tuple[str, ...], part: str, suffix: str, definition: str, kind: GroupVersionKind
    ) -> Iterator[Operation]:
        """Return get, put and patch; ``part`` is what of the object they are about, e.g. ``status of``."""
        common: dict[str, Any] = {"suffix": suffix, "kind": kind, "result": definition}
        of = f"{part}the specified {self.kind}"
        if "get" in verbs:
            yield self._operation("get", "read", f"read {of}", action="get", **common)
        common["codes"] = ("200", "201")
        if "update" in verbs:
            replace = f"replace {of}"
            yield self._operation("put", "replace", replace, action="put", parameters=_WRITE, body=definition, **common)
        if "patch" in verbs:
            yield self._operation(
                "patch",
                "patch",
                f"partially update {of}",
                action="patch",
                parameters=_PATCH,
                body=f"{METAV1}Patch",
                consumes=self.patches,
                **common,
            )

    def _watches(self, named: tuple[tuple[str, str], ...]) -> Iterator[Path]:
        collection = f"watch individual changes to a list of {self.kind}. {_DEPRECATED_WATCH}."
        root = f"{self.prefix}/watch"
        if self.resource.namespaced:
            across = self._watch(collection, "ListForAllNamespaces", "watchlist", "")
            yield Path(f"{root}/{self.plural}", self.tag, (), (across,))
        within = self._watch(collection, "List", "watchlist", self.scope)
        yield Path(root + self.base, self.tag, self.segments, (within,))
        if "get" in self.resource.verbs:
            single = (
                f"watch changes to an object of kind {self.kind}. {_DEPRECATED_WATCH}, "
                "filtered to a single item with the 'fieldSelector' parameter."
            )
            one = self._watch(single, "", "watch", self.scope)
            yield Path(f"{root}{self.base}/{{name}}", self.tag, named, (one,))

    def _watch(self, description: str, suffix: str, action: str, scope: str) -> Operation:
        return self._operation(
            "get",
            "watch",
            description,
            suffix=suffix,
            scope=scope,
            action=action,
            parameters=_LIST,
            produces=_STREAM_MEDIA,
            result=f"{METAV1}WatchEvent",
        )

    def _subresource(self, subresource: Subresource) -> Iterator[Path]:
        named = ("name", f"name of the {subresource.kind.kind}"), *self.segments
        path = f"{self.prefix}{self.base}/{{name}}/{subresource.name}"
        if not _connects(subresource):
            yield Path(path, self.tag, named, tuple(self._subresource_operations(subresource)))
            return
        yield Path(path, self.tag, named, tuple(self._connect(subresource)))
        if _proxies(subresource):
            below = (*named, ("path", "path to the resource"))
            yield Path(f"{path}/{{path}}", self.tag, below, tuple(self._connect(subresource, "WithPath")))

    def _subresource_operations(self, subresource: Subresource) -> Iterator[Operation]:
        definition = subresource.schema().name if subresource.schema else self.definition
        name, suffix, kind = subresource.name, _title(subresource.name), subresource.kind
        yield from self._reads_and_writes(subresource.verbs, f"{name} of ", suffix, definition, kind)
        if "create" in subresource.verbs:
            yield self._create(f"create {name} of {_with_article(self.kind)}", suffix, definition, kind)

    def _connect(self, subresource: Subresource, suffix: str = "") -> Iterator[Operation]:
        methods = [_METHODS[verb] for verb in subresource.verbs]
        if _proxies(subresource):
            methods += ["head", "options"]
        for method in methods:
            what = f"{self.scope}{self.kind}{_title(subresource.name)}{suffix}"
            yield Operation(
                method,
                f"connect{self.stem}{_title(method)}{what}",
                f"connect {method.upper()} requests to {subresource.name} of {self.kind}",
                action="connect",
                kind=subresource.kind,
                parameters=(),
                produces=_ANY,
            )


def _connects(subresource: Subresource) -> bool:
    """Tell whether a subresource hands the connection on instead of exchanging objects."""
    connecting = hasattr(subresource.handler, "connect") or subresource.kind.kind.endswith("Options")
    return connecting and subresource.schema is None


def _proxies(subresource: Subresource) -> bool:
    """Tell whether a subresource hands on requests of every method."""
    return set(subresource.verbs) >= set(_METHODS)
