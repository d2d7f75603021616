"""The OpenAPI documents of a set of groups, built when they are first asked for.

Version 3 has one document per version of a group, and an index whose URLs carry a hash of the document so that clients
may keep it for ever. Version 2 is one document. Building takes some tens of milliseconds: do it off the event loop.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from threading import Lock
from time import time
from typing import Any, Final

import orjson

from kapi.contracts.resources import APIGroup, APIVersion
from kapi.endpoints import openapi_protobuf, openapi_v2, openapi_v3
from kapi.endpoints.discovery import sorted_groups
from kapi.endpoints.documents import Answer, Document, Header, accepts_gzip, etag_matches
from kapi.endpoints.negotiation import JSON, choose_media_type
from kapi.endpoints.openapi_operations import Path, group_path, root_path, version_paths
from kapi.endpoints.openapi_schemas import Schema, SchemaSource, closure, described, loosened
from kapi.meta.query import Query, first

INDEX_PATH: Final = "/openapi/v3"
V2_PATH: Final = "/openapi/v2"
_YEAR: Final = 365 * 24 * 3600
_V2_FORMS: Final = (JSON, openapi_protobuf.OLD_MEDIA_TYPE, openapi_protobuf.MEDIA_TYPE)
_V3_FORMS: Final = (JSON,)

_CORE_ROOT: Final = root_path("/api/", "core", "getCoreAPIVersions", "get available API versions", "APIVersions")
_GROUPS_ROOT: Final = root_path("/apis/", "apis", "getAPIVersions", "get available API versions", "APIGroupList")


class OpenAPI:
    """Answers requests below ``/openapi``.

    When the groups change, make another with :meth:`with_groups`: it takes over the documents of those that are the
    same objects. Instances may be used from several threads.
    """

    def __init__(self, groups: Sequence[APIGroup]) -> None:
        """Take the groups."""
        self._groups = {group.name: group for group in sorted_groups(groups)}
        self._describers = list(dict.fromkeys(group.describe for group in groups if group.describe is not None))
        self._documents: dict[str, Document] = {}
        self._hashes: dict[str, str] = {}
        self._index: Document | None = None
        self._v2: dict[str, Document] = {}
        self._building = Lock()
        """Held while a document is built, so that a crowd that asks for it waits for one to build it. What is built is
        given without it: the event loop never waits."""

    def with_groups(self, groups: Sequence[APIGroup]) -> "OpenAPI":
        """Return the documents of another set of groups."""
        successor = OpenAPI(groups)
        for key, value in self._hashes.copy().items():
            name = _group_of(key)
            if name is None or successor._groups.get(name) is self._groups.get(name):
                successor._hashes[key] = value
                if key in self._documents:
                    successor._documents[key] = self._documents[key]
        return successor

    def is_built(self, path: str) -> bool:
        """Tell whether the answer to a path is at hand, so that it can be given without leaving the event loop."""
        match _key(path):
            case None:
                return len(self._v2) > 1 if path == V2_PATH else True
            case "":
                return self._index is not None
            case key:
                return key in self._documents

    def answer(
        self, path: str, query: Query, *, accept: str = "", if_none_match: str = "", accept_encoding: str = ""
    ) -> Answer | None:
        """Return the answer to a GET, None when the path is no OpenAPI path."""
        key = _key(path)
        if key is None and path != V2_PATH:
            return None
        if key and self._source_of(key) is None:
            return Answer(404, (), b"")
        form = choose_media_type(accept, _V2_FORMS if key is None else _V3_FORMS)
        if not form:
            return Answer(406, (), b"")
        if key is None:
            return _send(self._document_v2(form), (), if_none_match, accept_encoding)
        if not key:
            return _send(self._document_index(), (), if_none_match, accept_encoding)
        return self._answer_v3(key, first(query, "hash"), if_none_match, accept_encoding)

    def _answer_v3(self, key: str, wanted: str, if_none_match: str, accept_encoding: str) -> Answer:
        document = self._document_v3(key)
        if not wanted:
            headers: tuple[Header, ...] = ((b"cache-control", b"no-cache, private"),)
            return _send(document, headers, if_none_match, accept_encoding)
        if wanted != self._hashes[key]:
            return Answer(301, ((b"location", self._url(key).encode()), (b"content-length", b"0")), b"")
        expires = formatdate(time() + _YEAR, usegmt=True).encode()
        return _send(
            document,
            ((b"cache-control", b"public, immutable"), (b"expires", expires)),
            if_none_match,
            accept_encoding,
        )

    def _url(self, key: str) -> str:
        return f"{INDEX_PATH}/{key}?hash={self._hashes[key]}"

    def _keys(self) -> Iterator[str]:
        yield from ("api", "apis")
        for group in self._groups.values():
            prefix = f"apis/{group.name}" if group.name else "api"
            if group.name and not _is_custom(group):
                yield prefix
            for version in group.versions:
                yield f"{prefix}/{version.version}"

    def _source_of(self, key: str) -> Callable[[], dict[str, Any]] | None:
        """Return what builds the document of a key, None when there is none."""
        match key.split("/"):
            case ["api"]:
                return lambda: openapi_v3.build_document([_CORE_ROOT], _shared())
            case ["apis"]:
                return lambda: openapi_v3.build_document([_GROUPS_ROOT], _shared())
            case ["api", version]:
                return self._version_source("", version)
            case ["apis", group] if group and group in self._groups:
                found = self._groups[group]
                return lambda: openapi_v3.build_document([group_path(found)], _shared())
            case ["apis", group, version] if group:
                return self._version_source(group, version)
        return None

    def _version_source(self, name: str, version_name: str) -> Callable[[], dict[str, Any]] | None:
        group = self._groups.get(name)
        for version in group.versions if group else ():
            if version.version == version_name and group is not None:
                return lambda: self._build_version(group, version)
        return None

    def _build_version(self, group: APIGroup, version: APIVersion) -> dict[str, Any]:
        return openapi_v3.build_document(
            version_paths(group, version),
            _definitions(group),
            (group.name, version.version),
            custom=_is_custom(group),
            describe=self._describe,
        )

    def _describe(self, name: str, member: str) -> str:
        """Return what a group says about a definition: shared ones are described by another than their user."""
        return next((text for describe in self._describers if (text := describe(name, member))), "")

    def _build(self, key: str) -> bytes:
        source = self._source_of(key)
        if source is None:
            raise KeyError(key)
        data = orjson.dumps(source())
        self._hashes[key] = hashlib.sha512(data).hexdigest().upper()
        return data

    def _document_v3(self, key: str) -> Document:
        if key not in self._documents:
            with self._building:
                if key not in self._documents:
                    self._documents[key] = Document(self._build(key), JSON)
        return self._documents[key]

    def _document_index(self) -> Document:
        if self._index is None:
            with self._building:
                self._index = self._index or self._build_index()
        return self._index

    def _build_index(self) -> Document:
        for key in self._keys():
            if key not in self._hashes:
                self._build(key)
        paths = {key: {"serverRelativeURL": self._url(key)} for key in sorted(self._keys())}
        return Document(orjson.dumps({"paths": paths}), JSON)

    def _document_v2(self, form: str) -> Document:
        media_type = JSON if form == JSON else openapi_protobuf.MEDIA_TYPE
        if media_type not in self._v2:
            with self._building:
                if media_type not in self._v2:
                    self._v2[media_type] = self._build_v2(media_type)
        return self._v2[media_type]

    def _build_v2(self, media_type: str) -> Document:
        document = openapi_v2.build_document(*self._parts_v2())
        data = orjson.dumps(document) if media_type == JSON else openapi_protobuf.encode_document(document)
        return Document(data, media_type)

    def _parts_v2(self) -> tuple[list[Path], Iterator[tuple[str, Schema]]]:
        paths = [_CORE_ROOT, _GROUPS_ROOT]
        schemas = closure(openapi_v3.definition_names(paths), _shared())
        for group in self._groups.values():
            own = [group_path(group)] if group.name and not _is_custom(group) else []
            for version in group.versions:
                own += version_paths(group, version)
            names = openapi_v3.definition_names(own) - schemas.keys()
            found = closure(names, _definitions(group))
            if _is_custom(group):
                found = {name: loosened(schema) for name, schema in found.items()}
            schemas = found | schemas
            paths += own
        return paths, iter(described(schemas, self._describe).items())


def _key(path: str) -> str | None:
    """Return the document that a path below ``/openapi/v3`` names ("" for the index), None for any other path."""
    if path.rstrip("/") == INDEX_PATH:
        return ""
    return path[len(INDEX_PATH) + 1 :] if path.startswith(f"{INDEX_PATH}/") else None


def _group_of(key: str) -> str | None:
    root, *rest = key.split("/")
    if not rest:
        return None
    return rest[0] if root == "apis" else ""


def _is_custom(group: APIGroup) -> bool:
    return any(resource.custom for version in group.versions for resource in version.resources)


def _definitions(group: APIGroup) -> SchemaSource:
    return group.definitions() if group.definitions is not None else _shared()


def _shared() -> SchemaSource:
    from kapi.meta.schema.tables import metav1_definitions

    return metav1_definitions()


def _send(document: Document, extra: tuple[Header, ...], if_none_match: str, accept_encoding: str) -> Answer:
    headers = (*extra, (b"etag", document.etag.encode()), (b"vary", b"Accept, Accept-Encoding"))
    if etag_matches(if_none_match, document.etag):
        return Answer(304, headers, b"")
    zipped = accepts_gzip(accept_encoding)
    body = document.gzipped if zipped else document.body
    headers += ((b"content-type", document.content_type.encode()), (b"content-length", str(len(body)).encode()))
    if zipped:
        headers += ((b"content-encoding", b"gzip"),)
    return Answer(200, headers, body)
