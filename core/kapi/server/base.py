"""The base server of the delegation chain: everything that is not a resource of an API group.

Discovery, OpenAPI, ``/version``, health, metrics, the service account issuer's documents, and the paths at ``/``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import orjson

from kapi import __version__
from kapi.contracts.authn import ServiceAccountTokens
from kapi.contracts.server import ChainLink, Scope
from kapi.contracts.storage import StorageError
from kapi.endpoints.answer import Answer, json_answer, text_answer
from kapi.endpoints.body import ReadBody
from kapi.endpoints.discovery import Discovery, build_root_paths, build_version
from kapi.endpoints.documents import Answer as DocumentAnswer
from kapi.endpoints.falcon_links import falcon_app
from kapi.endpoints.negotiation import DOCUMENT, JSON, negotiate
from kapi.endpoints.openapi import OpenAPI
from kapi.endpoints.state import header, request_state
from kapi.meta.errors import method_not_allowed, not_acceptable, unknown_path
from kapi.registry.table import ResourceTable
from kapi.server.health import HealthEndpoints

JWKS = "/openid/v1/jwks"
OPENID_CONFIGURATION = "/.well-known/openid-configuration"
CATCH_UP_SECONDS = 0.5
"""How long a document waits for the store to say what is new."""

_ANY_METHOD = ("/", "/index.html")


class Documents:
    """The documents about what is served, made anew when that changes; those of groups that stay are kept."""

    def __init__(
        self, table: Callable[[], ResourceTable], server_address: str, catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Take what is served, the address (``host:port``) that ``/api`` names, and how to see all that was written."""
        self._served = table
        self._catch_up = catch_up
        self._table = table()
        self._discovery = Discovery(self._table.groups, server_address)
        self._openapi = OpenAPI(self._table.groups)

    async def catch_up(self) -> None:
        """Let what was installed through another process be in the documents; if the store is slow, be content."""
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._catch_up()

    @property
    def discovery(self) -> Discovery:
        """The discovery documents."""
        self._follow()
        return self._discovery

    @property
    def openapi(self) -> OpenAPI:
        """The OpenAPI documents."""
        self._follow()
        return self._openapi

    def _follow(self) -> None:
        table = self._served()
        if table is not self._table:
            self._table = table
            self._discovery = self._discovery.with_groups(table.groups)
            self._openapi = self._openapi.with_groups(table.groups)


class BaseServer:
    """Answers the paths described above."""

    def __init__(
        self,
        table: Callable[[], ResourceTable],
        documents: Documents,
        health: HealthEndpoints,
        metrics: Callable[[], Awaitable[bytes]],
        tokens: ServiceAccountTokens | None,
    ) -> None:
        """Take the parts that make the documents."""
        self._table = table
        self._documents = documents
        self._health = health
        self._metrics = metrics
        self._tokens = tokens

    def handles(self, scope: Scope) -> bool:
        """Tell whether a request names no resource: whatever it is, nobody after this link knows it."""
        return not request_state(scope).info.is_resource_request

    def link(self) -> ChainLink:
        """Return the link of the delegation chain."""
        return ChainLink(self.handles, falcon_app(self.answer))

    async def answer(self, scope: Scope, read: ReadBody) -> Answer:
        """Return the answer to a request; raises StatusError."""
        path: str = scope["path"]
        if self._health.handles(path):
            status, text = await self._health.answer(path, scope["query_string"].decode("latin-1"))
            return Answer(status, text.encode(), "text/plain; charset=utf-8", [("X-Content-Type-Options", "nosniff")])
        found = await self._document(scope, path)
        if found is not None:
            if scope["method"] != "GET" and path not in _ANY_METHOD:
                raise method_not_allowed()
            return found
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        table = self._table()
        if path.startswith(("/api/", "/version/")) or group in table.group_names - table.custom_groups - {""}:
            raise unknown_path()
        return text_answer(404, "404 page not found\n")

    async def _document(self, scope: Scope, path: str) -> Answer | None:
        if path.startswith(("/apis", "/openapi/")):
            await self._documents.catch_up()
        if path.startswith(("/api", "/apis")):
            found = self._documents.discovery.answer(
                path,
                header(scope, b"accept"),
                if_none_match=header(scope, b"if-none-match"),
                accept_encoding=header(scope, b"accept-encoding"),
            )
            return None if found is None else as_answer(found)
        if path.startswith("/openapi/"):
            return await self._describe(scope, path)
        make = self._single(scope).get(path)
        return await make() if make is not None else None

    async def _describe(self, scope: Scope, path: str) -> Answer | None:
        """Return an OpenAPI document; one that has to be built first is built off the event loop."""
        openapi = self._documents.openapi
        answer = partial(
            openapi.answer,
            path,
            request_state(scope).info.query,
            accept=header(scope, b"accept"),
            if_none_match=header(scope, b"if-none-match"),
            accept_encoding=header(scope, b"accept-encoding"),
        )
        found = answer() if openapi.is_built(path) else await asyncio.to_thread(answer)
        return None if found is None else as_answer(found)

    def _single(self, scope: Scope) -> Mapping[str, Callable[[], Awaitable[Answer]]]:
        return {
            "/": self._paths,
            "/index.html": self._paths,
            "/version": partial(self._version, scope),
            "/version/": partial(self._version, scope),
            "/metrics": self._show_metrics,
            JWKS: self._jwks,
            OPENID_CONFIGURATION: self._openid_configuration,
        }

    async def _paths(self) -> Answer:
        others = ["/healthz", "/livez", "/readyz", "/metrics", JWKS, OPENID_CONFIGURATION]
        return json_answer(build_root_paths(self._table().groups, others))

    async def _version(self, scope: Scope) -> Answer:
        if negotiate(header(scope, b"accept"), DOCUMENT).media_type != JSON:
            raise not_acceptable([JSON])
        return json_answer(build_version(__version__))

    async def _show_metrics(self) -> Answer:
        return Answer(200, await self._metrics(), "text/plain; version=0.0.4; charset=utf-8")

    async def _jwks(self) -> Answer:
        if self._tokens is None:
            raise unknown_path()
        return Answer(200, orjson.dumps({"keys": list(self._tokens.public_keys())}), "application/jwk-set+json")

    async def _openid_configuration(self) -> Answer:
        if self._tokens is None:
            raise unknown_path()
        issuer = self._tokens.issuer
        algorithms = sorted({str(key["alg"]) for key in self._tokens.public_keys()})
        return json_answer(
            {
                "issuer": issuer,
                "jwks_uri": issuer.rstrip("/") + JWKS,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": algorithms,
            }
        )


def as_answer(document: DocumentAnswer) -> Answer:
    """Return a ready document as an answer."""
    content_type = ""
    headers = []
    for name, value in document.headers:
        if name == b"content-type":
            content_type = value.decode()
        elif name != b"content-length":
            headers.append((name.decode().title(), value.decode()))
    return Answer(document.status, document.body, content_type, headers)
