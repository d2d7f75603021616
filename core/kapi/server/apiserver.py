"""The API server: everything that plugins contribute, wired together.

Building opens nothing; :meth:`APIServer.start` opens the store, writes the bootstrap objects and starts the hooks. A
process may hold several servers.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from kapi.admission.chain import build_admission
from kapi.authn.service_account_tokens import tokens_from_options
from kapi.authn.union import build_authenticator
from kapi.authz.union import build_authorizer
from kapi.config.completed import CompletedConfig
from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup
from kapi.contracts.server import ASGIApp, ChainLink, HealthCheck
from kapi.contracts.storage import StorageBackend
from kapi.endpoints.api import ResourceEndpoint
from kapi.endpoints.falcon_links import resource_link
from kapi.filters.access_log import with_access_log
from kapi.filters.authentication import with_authentication
from kapi.filters.authorization import with_authorization
from kapi.filters.cors import with_cors
from kapi.filters.deadline import with_deadline
from kapi.filters.impersonation import with_impersonation
from kapi.filters.inflight import InFlight, with_max_in_flight
from kapi.filters.metrics import with_metrics
from kapi.filters.panic import with_panic_recovery
from kapi.filters.request_info import with_request_info
from kapi.filters.warnings import with_warnings
from kapi.meta.gvk import GroupResource, GroupVersionResource
from kapi.registry.client import LocalClient
from kapi.registry.store import find_subresource
from kapi.registry.table import ResourceTable, ServedTable
from kapi.server.base import BaseServer, Documents
from kapi.server.bootstrap import bootstrap
from kapi.server.chain import API_GROUPS, BASE, Director, Filter, core_filters, fold, insert_plugins
from kapi.server.continue_secret import ContinueSecret
from kapi.server.contributions import LoadedPlugins
from kapi.server.health import HealthEndpoints
from kapi.server.hooks import Hooks
from kapi.server.leader import Leadership
from kapi.server.lifecycle import Lifecycle
from kapi.server.measured_storage import MeasuredBackend
from kapi.server.metrics import Metrics
from kapi.server.request_metrics import RequestMetrics, storage_latency
from kapi.storage.feed import Feed

log = logging.getLogger("kapi.server")


class APIServer:
    """One assembled server. ``app`` is its ASGI application for HTTP scopes."""

    def __init__(self, config: CompletedConfig, plugins: LoadedPlugins, metrics: Metrics | None = None) -> None:
        """Take the configuration, what the plugins contribute, and where to count (for several workers: shared)."""
        self.config = config
        self.plugins = plugins
        self.metrics = metrics or Metrics()
        self.lifecycle = Lifecycle()
        self.health = HealthEndpoints()
        self._prefix = config.storage_prefix.rstrip("/") + "/"
        context = BuildContext(config.options, config.data_dir)
        self.backend = self._build_backend(context)
        self.feed = Feed(self.backend, self._prefix)
        self.client = LocalClient(lambda: self.table)
        self.context = self._build_security(replace(context, client=self.client))
        self.admission = build_admission((item.descriptor for item in plugins.admission), self.context)
        self.groups: tuple[APIGroup, ...] = tuple(item.descriptor for item in plugins.api_groups(self.context))
        self.served = ServedTable(
            self.groups,
            self.backend,
            self.feed,
            self._prefix,
            self.admission,
            propagates=config.options["enable-garbage-collector"],
        )
        self.hooks = Hooks(
            (item.descriptor for item in plugins.post_start_hooks),
            self.client,
            self.context,
            config.controllers,
            Leadership(self.backend, self._prefix),
            self.served,
        )
        self.filters = self._filters()
        self.links = self._links()
        self.app: ASGIApp = fold(self.filters, Director([link for _, _, link in self.links], self.served.catch_up))
        self._add_health_checks()

    @property
    def table(self) -> ResourceTable:
        """What is served now."""
        return self.served.table

    def _build_backend(self, context: BuildContext) -> StorageBackend:
        backend = self.plugins.storage_backend(self.config.storage_backend).build(context)
        measured = MeasuredBackend(backend, storage_latency(self.metrics), self._prefix)
        options = self.config.options
        encryption_file = options.get("encryption-provider-config")
        if encryption_file is None:
            return measured
        from kapi.server.encryption_at_rest import RELOAD_SECONDS, encrypted

        reload = RELOAD_SECONDS if options["encryption-provider-config-automatic-reload"] else 0.0
        stored = self._stored_resources
        return encrypted(measured, encryption_file, self._prefix, stored, reload_seconds=reload)

    def _stored_resources(self) -> list[tuple[str, GroupResource]]:
        """Return the storage prefixes of resources; the first of those that share one gives it its name."""
        resources = self.table.resources()
        return [(item.storage_prefix, item.group_resource) for item in resources if item.storage_prefix]

    def _build_security(self, context: BuildContext) -> BuildContext:
        """Return the context with tokens, authorizer and authenticators in it, built in that order."""
        context = replace(context, service_account_tokens=tokens_from_options(self.config.options))
        chosen = [self.plugins.authorizer(mode) for mode in self.config.authorization_modes]
        self.authorizer = build_authorizer(chosen, context)
        context = replace(context, authorizer=self.authorizer, rule_resolver=self.authorizer)
        self.authenticator = build_authenticator((item.descriptor for item in self.plugins.authenticators), context)
        return replace(context, token_authenticator=self.authenticator.tokens)

    def _filters(self) -> list[Filter]:
        """Return the handler chain, outermost first."""
        config = self.config
        in_flight = InFlight(config.max_requests_inflight, config.max_mutating_requests_inflight)
        recorder = RequestMetrics(self.metrics, self._serves)
        core = {
            "access-log": with_access_log,
            "warnings": with_warnings,
            "cors": lambda app: with_cors(app, config.options["cors-allowed-origins"]),
            "panic-recovery": with_panic_recovery,
            "request-info": with_request_info,
            "metrics": lambda app: with_metrics(app, recorder),
            "deadline": lambda app: with_deadline(app, config.request_timeout),
            "authentication": lambda app: with_authentication(app, self.authenticator),
            "impersonation": lambda app: with_impersonation(app, self.authorizer),
            "max-in-flight": lambda app: with_max_in_flight(app, in_flight),
            "authorization": lambda app: with_authorization(app, self.authorizer, self.feed),
        }
        return insert_plugins(core_filters(core), [item.descriptor for item in self.plugins.filters], self.context)

    def _serves(self, group: str, version: str, resource: str, subresource: str) -> bool:
        found = self.table.resource(GroupVersionResource(group, version, resource))
        return found is not None and (not subresource or find_subresource(found, subresource) is not None)

    def _links(self) -> list[tuple[int, str, ChainLink]]:
        """Return the delegation chain: position, name, link."""
        signing_key = self.config.options.get("service-account-signing-key-file")
        endpoint = ResourceEndpoint(
            lambda: self.table,
            self.client,
            float(self.config.min_request_timeout),
            ContinueSecret(Path(signing_key) if signing_key else None),
        )
        base = BaseServer(
            lambda: self.table,
            Documents(lambda: self.table, self._address(), self.served.catch_up),
            self.health,
            self._expose,
            self.context.service_account_tokens,
        )
        links = [
            (API_GROUPS.position, API_GROUPS.name, resource_link(endpoint)),
            (BASE.position, BASE.name, base.link()),
        ]
        for item in self.plugins.chain_links:
            plugin = item.descriptor
            links.append((plugin.position, plugin.name, plugin.build(self.context)))
        return sorted(links, key=lambda link: link[:2])

    def _address(self) -> str:
        host = self.config.external_host or self.config.advertise_address
        return f"{host}:{self.config.secure_port}"

    async def _expose(self) -> bytes:
        from kapi.server.exposition import expose

        return expose(self.metrics)

    def _add_health_checks(self) -> None:
        checks: Iterable[HealthCheck] = (
            HealthCheck("etcd", self.backend.ready),
            HealthCheck("etcd-readiness", self.backend.ready, livez=False),
            HealthCheck("informer-sync", self._synced, livez=False),
            *self.hooks.health_checks(),
            *(item.descriptor for item in self.plugins.health_checks(self.context)),
            HealthCheck("shutdown", self.lifecycle.check_shutdown, livez=False),
        )
        for check in checks:
            self.health.add(check)

    async def _synced(self) -> None:
        """Wait until the caches that are in use have been filled."""
        await self.feed.current()

    async def start(self) -> None:
        """Open the store, write what must exist, start the hooks. Raises Unavailable with the reason."""
        await self.backend.start()
        await self.feed.start()
        await bootstrap(self.groups, self.client, self.backend, self._prefix)
        await self.hooks.start()
        self.lifecycle.started.set()

    def end_watches(self) -> None:
        """End all watches, because the server stops accepting."""
        self.lifecycle.not_accepting.set()
        for store in self.table.stores():
            store.cache.end_watches()

    async def stop(self) -> None:
        """End watches and hooks, and close the store. Idempotent."""
        self.lifecycle.shutdown_initiated.set()
        self.end_watches()
        await self.hooks.stop()
        await self.feed.stop()
        await self.backend.stop()
