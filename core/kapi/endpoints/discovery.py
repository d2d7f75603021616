"""Discovery: the documents from which clients learn which groups, versions and resources there are.

The ``build_*`` functions turn groups into documents; :class:`Discovery` keeps the encoded forms of one set of groups.
"""

import base64
import hashlib
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from kapi.contracts.resources import APIGroup, APIVersion, Resource, Subresource
from kapi.endpoints.documents import Answer, Document, encode, send
from kapi.endpoints.negotiation import (
    DISCOVERY_GROUP,
    DOCUMENT,
    Representation,
    negotiate,
    negotiate_aggregated,
)
from kapi.meta.gvk import GroupVersion, GroupVersionKind

Object = dict[str, Any]

AGGREGATED_VERSION: Final = "v2"
KUBERNETES_MAJOR: Final = "1"
KUBERNETES_MINOR: Final = "36"
MIN_COMPATIBILITY_MINOR: Final = "35"


def storage_version_hash(kind: GroupVersionKind) -> str:
    """Return the hash by which clients notice that a resource is stored in another version."""
    digest = hashlib.sha256(f"{kind.group}/{kind.version}/{kind.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def sorted_groups(groups: Iterable[APIGroup]) -> list[APIGroup]:
    """Return groups in discovery order: by priority, then by name."""
    return sorted(groups, key=lambda group: (-group.priority, group.name))


def build_api_versions(core: APIGroup | None, server_address: str) -> Object:
    """Return the APIVersions document of ``/api``."""
    return {
        "kind": "APIVersions",
        "versions": [version.version for version in core.versions] if core else [],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def build_api_group_list(groups: Iterable[APIGroup]) -> Object:
    """Return the APIGroupList document of ``/apis``."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(group) for group in sorted_groups(groups) if group.name],
    }


def build_api_group(group: APIGroup) -> Object:
    """Return the APIGroup document of ``/apis/GROUP``."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}


def _group(group: APIGroup) -> Object:
    versions = [
        {"groupVersion": str(GroupVersion(group.name, version.version)), "version": version.version}
        for version in group.versions
    ]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def build_api_resource_list(group: str, version: APIVersion) -> Object:
    """Return the APIResourceList document of ``/api/VERSION`` or ``/apis/GROUP/VERSION``."""
    document: Object = {"kind": "APIResourceList"}
    if group:
        document["apiVersion"] = "v1"
    document["groupVersion"] = str(GroupVersion(group, version.version))
    document["resources"] = [entry for resource in version.resources for entry in _entries(resource)]
    return document


def _entries(resource: Resource) -> list[Object]:
    entry: Object = {
        "name": resource.gvr.resource,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        **_kind(resource.kind, resource),
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.storage_prefix:
        entry["storageVersionHash"] = storage_version_hash(resource.storage_kind or resource.kind)
    own = [entry] if resource.verbs else []
    return own + [_subresource_entry(resource, subresource) for subresource in resource.subresources]


def _subresource_entry(resource: Resource, subresource: Subresource) -> Object:
    return {
        "name": f"{resource.gvr.resource}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **_kind(subresource.kind, resource),
        "verbs": list(subresource.verbs),
    }


def _kind(kind: GroupVersionKind, resource: Resource) -> Object:
    """Return the kind, with group and version where they are not those of the list."""
    if _is_own(kind, resource):
        return {"kind": kind.kind}
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _is_own(kind: GroupVersionKind, resource: Resource) -> bool:
    return (kind.group, kind.version) == (resource.gvr.group, resource.gvr.version)


def build_aggregated(groups: Iterable[APIGroup]) -> Object:
    """Return the APIGroupDiscoveryList (apidiscovery.k8s.io/v2) of some groups."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{DISCOVERY_GROUP}/{AGGREGATED_VERSION}",
        "metadata": {},
        "items": [_aggregated_group(group) for group in sorted_groups(groups)],
    }


def _aggregated_group(group: APIGroup) -> Object:
    versions = [
        {
            "version": version.version,
            "resources": [_aggregated_resource(resource) for resource in version.resources],
            "freshness": "Current",
        }
        for version in group.versions
    ]
    return {"metadata": {"name": group.name} if group.name else {}, "versions": versions}


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.gvr.resource,
        "responseKind": _response_kind(resource.kind, resource),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": subresource.name,
                "responseKind": _response_kind(subresource.kind, resource),
                "verbs": list(subresource.verbs),
            }
            for subresource in resource.subresources
        ]
    return entry


def _response_kind(kind: GroupVersionKind, resource: Resource) -> Object:
    if _is_own(kind, resource):
        return {"group": "", "version": "", "kind": kind.kind}
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def build_version(kapi_version: str) -> Object:
    """Return the document of ``/version``: the Kubernetes release whose API kapi serves, and kapi's own build."""
    return {
        "major": KUBERNETES_MAJOR,
        "minor": KUBERNETES_MINOR,
        "emulationMajor": KUBERNETES_MAJOR,
        "emulationMinor": KUBERNETES_MINOR,
        "minCompatibilityMajor": KUBERNETES_MAJOR,
        "minCompatibilityMinor": MIN_COMPATIBILITY_MINOR,
        "gitVersion": f"v{KUBERNETES_MAJOR}.{KUBERNETES_MINOR}.0+kapi.{kapi_version}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"{sys.platform}/{_machine()}",
    }


def _machine() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def build_root_paths(groups: Iterable[APIGroup], others: Iterable[str] = ()) -> Object:
    """Return the document of ``/``: the paths there are, ``others`` being those that are no API's."""
    paths = {"/api", "/apis", "/apis/", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/version", *others}
    for group in groups:
        prefix = group_prefix(group.name)
        paths.add(prefix)
        paths.update(f"{prefix}/{version.version}" for version in group.versions)
    return {"paths": sorted(paths)}


def group_prefix(group: str) -> str:
    """Return the path below which the versions of a group are served."""
    return f"/apis/{group}" if group else "/api"


def _group_of(path: str) -> str | None:
    """Return the group that the document at a path is about, None for the roots."""
    _, root, *rest = path.split("/")
    if not rest:
        return None
    return rest[0] if root == "apis" else ""


class Discovery:
    """The discovery documents of one set of groups, encoded when they are first asked for.

    When the groups change, make another with :meth:`with_groups`: it takes over what has not changed.
    """

    def __init__(self, groups: Sequence[APIGroup], server_address: str = "") -> None:
        """Take the groups, and the address (``host:port``) that ``/api`` names."""
        self._groups = {group.name: group for group in groups}
        self._server_address = server_address
        self._encoded: dict[tuple[str, str], Document] = {}

    def with_groups(self, groups: Sequence[APIGroup]) -> "Discovery":
        """Return the discovery of another set of groups; groups that are the same object keep their documents."""
        successor = Discovery(groups, self._server_address)
        for (path, form), document in self._encoded.items():
            name = _group_of(path)
            if name is not None and successor._groups.get(name) is self._groups.get(name):
                successor._encoded[path, form] = document
        return successor

    def answer(
        self, path: str, accept: str = "", *, if_none_match: str = "", accept_encoding: str = ""
    ) -> Answer | None:
        """Return the answer to a GET of a discovery path, None when the path is none or nothing is there.

        Raises a 406 StatusError when the Accept header cannot be satisfied.
        """
        trimmed = path.rstrip("/")
        build = self._builder(trimmed)
        if build is None:
            return None
        if path in ("/api", "/apis"):
            aggregated = negotiate_aggregated(accept)
            if aggregated is not None:
                return self._answer_aggregated(path, aggregated, if_none_match, accept_encoding)
        chosen = negotiate(accept, DOCUMENT)
        document = self._document(trimmed, chosen.media_type, chosen.media_type, build)
        return send(document, accept_encoding=accept_encoding, cached=False)

    def _answer_aggregated(self, path: str, chosen: Representation, tag: str, encoding: str) -> Answer:
        content_type = f"{chosen.media_type};g={DISCOVERY_GROUP};v={chosen.version};as={chosen.kind}"
        wanted = [group for group in self._groups.values() if (path == "/api") is (not group.name)]
        document = self._document(path, content_type, chosen.media_type, lambda: build_aggregated(wanted))
        return send(document, if_none_match=tag, accept_encoding=encoding)

    def _document(self, path: str, content_type: str, media_type: str, build: Callable[[], Object]) -> Document:
        found = self._encoded.get((path, content_type))
        if found is None:
            found = Document(encode(build(), media_type), content_type)
            self._encoded[path, content_type] = found
        return found

    def _builder(self, path: str) -> Callable[[], Object] | None:
        """Return what builds the document at a path without its trailing slash."""
        _, *parts = path.split("/")
        match parts:
            case ["api"]:
                return lambda: build_api_versions(self._groups.get(""), self._server_address)
            case ["apis"]:
                return lambda: build_api_group_list(self._groups.values())
            case ["api", version]:
                return self._version_builder("", version)
            case ["apis", group] if group in self._groups and group:
                return lambda: build_api_group(self._groups[group])
            case ["apis", group, version] if group:
                return self._version_builder(group, version)
        return None

    def _version_builder(self, group: str, name: str) -> Callable[[], Object] | None:
        found = self._groups.get(group)
        for version in found.versions if found else ():
            if version.version == name:
                return lambda: build_api_resource_list(group, version)
        return None
