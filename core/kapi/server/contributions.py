"""What the plugins of a server contribute, by family, checked against the contracts, with its provenance."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from kapi.config.flags import FlagTable, TableError, core_table
from kapi.contracts.admission import AdmissionPlugin
from kapi.contracts.authn import AuthenticatorPlugin
from kapi.contracts.authz import AuthorizerPlugin
from kapi.contracts.plugins import BuildContext, Option
from kapi.contracts.resources import APIGroup
from kapi.contracts.server import ChainLinkPlugin, FilterPlugin, HealthCheck, PostStartHook
from kapi.contracts.storage import StoragePlugin
from kapi.server.chain import CORE_FILTERS, CORE_LINKS, CorePart
from kapi.server.plugins import HookCall, PluginError, PluginSet, Source, choose, discover

T = TypeVar("T")

PHASES = ("front-proxy", "certificate", "token", "anonymous")
"""The order in which authenticators are asked."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?")
_CALLABLES = ("build", "start", "check")


@dataclass(frozen=True, slots=True)
class Contributed(Generic[T]):
    """A descriptor and the plugin that it comes from."""

    descriptor: T
    source: Source


class LoadedPlugins:
    """The contributions of all active plugins.

    ``installed`` lists every plugin there is, ``active`` those of them that were loaded. All families are in a fixed
    order: authenticators by phase and name, chain links by position, the others by name.
    """

    def __init__(self, plugins: PluginSet, installed: Sequence[Source]) -> None:
        """Collect from ``plugins`` all that needs no context; raises PluginError for a breach of contract."""
        self.installed = tuple(installed)
        self.active = plugins.sources
        self._plugins = plugins
        self.storage_backends = self._family("kapi_register_storage_backends", StoragePlugin)
        self.authenticators = self._family("kapi_register_authenticators", AuthenticatorPlugin, _by_phase)
        self.authorizers = self._family("kapi_register_authorizers", AuthorizerPlugin)
        self.admission = self._family("kapi_register_admission", AdmissionPlugin)
        self.filters = self._family("kapi_register_filters", FilterPlugin)
        _reject_core_names(self.filters, CORE_FILTERS)
        _reject_lost_filters(self.filters)
        self.chain_links = self._family("kapi_register_chain_links", ChainLinkPlugin, _by_position)
        _reject_core_names(self.chain_links, CORE_LINKS)
        self.post_start_hooks = self._family("kapi_register_post_start_hooks", PostStartHook)

    @cached_property
    def controllers(self) -> tuple[Contributed[PostStartHook], ...]:
        """The post-start hooks that ``--controllers`` chooses from."""
        return tuple(item for item in self.post_start_hooks if item.descriptor.controller)

    def storage_backend(self, name: str) -> StoragePlugin:
        """Return a storage backend; raises KeyError."""
        return {item.descriptor.name: item.descriptor for item in self.storage_backends}[name]

    def authorizer(self, name: str) -> AuthorizerPlugin:
        """Return an authorizer; raises KeyError."""
        return {item.descriptor.name: item.descriptor for item in self.authorizers}[name]

    def api_groups(self, context: BuildContext) -> tuple[Contributed[APIGroup], ...]:
        """Return the API groups in the order of the plugins; raises PluginError when one is there twice."""
        found = list(self._descriptors("kapi_register_api_groups", APIGroup, context=context))
        _reject_shared_resources(found)
        _reject_duplicates(found)
        return tuple(found)

    def health_checks(self, context: BuildContext) -> tuple[Contributed[HealthCheck], ...]:
        """Return the health checks, by name."""
        return self._family("kapi_register_health_checks", HealthCheck, context=context)

    def flag_table(self) -> FlagTable:
        """Return the core's flags and those of the plugins; raises PluginError when they contradict each other."""
        table = core_table()
        for item in self._options():
            try:
                table.declare(item.descriptor)
            except TableError as ex:
                raise PluginError.about(item.source, str(ex)) from ex
        return table

    def add_commands(self, cli: Any) -> None:
        """Let the plugins add their commands to the typer application ``cli``."""
        for _ in self._plugins.call("kapi_register_commands", cli=cli):
            pass

    def _options(self) -> Iterator[Contributed[Option]]:
        families: Iterable[Contributed[Any]] = (
            *self.storage_backends,
            *self.authenticators,
            *self.authorizers,
            *self.admission,
            *self.filters,
        )
        for item in families:
            for option in item.descriptor.options:
                yield Contributed(option, item.source)
        yield from self._descriptors("kapi_register_options", Option)

    def _family(
        self, hook: str, kind: type[T], order: Callable[[T], Any] | None = None, **arguments: Any
    ) -> tuple[Contributed[T], ...]:
        found = list(self._descriptors(hook, kind, **arguments))
        _reject_duplicates(found)
        return tuple(sorted(found, key=lambda item: (order or _by_name)(item.descriptor)))

    def _descriptors(self, hook: str, kind: type[T], **arguments: Any) -> Iterator[Contributed[T]]:
        for call in self._plugins.call(hook, **arguments):
            for descriptor in _listed(call, hook):
                _check(call.source, hook, descriptor, kind)
                yield Contributed(descriptor, call.source)


def load(
    allowed: Iterable[str] = ("*",), refused: Iterable[str] = (), trace: Callable[[str], None] | None = None
) -> LoadedPlugins:
    """Load the installed plugins that the two lists choose; raises PluginError."""
    installed = discover()
    return LoadedPlugins(PluginSet(choose(installed, allowed, refused), trace), installed)


def _by_name(descriptor: Any) -> Any:
    return descriptor.name


def _by_phase(descriptor: AuthenticatorPlugin) -> Any:
    return PHASES.index(descriptor.phase), descriptor.name


def _by_position(descriptor: ChainLinkPlugin) -> Any:
    return descriptor.position, descriptor.name


def _listed(call: HookCall, hook: str) -> Sequence[Any]:
    if call.result is None:
        return ()
    if isinstance(call.result, list | tuple):
        return call.result
    raise PluginError.about(call.source, f"{hook} returned {_article(call.result)}, not a list of descriptors")


def _check(source: Source, hook: str, descriptor: Any, kind: type[Any]) -> None:
    """Refuse a descriptor that the server could not use; raises PluginError."""
    if not isinstance(descriptor, kind):
        raise PluginError.about(source, f"{hook} returned {_article(descriptor)} where {kind.__name__} is expected")
    name = descriptor.name
    core_group = kind is APIGroup and name == ""
    if not core_group and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise PluginError.about(source, f"{hook}: {name!r} is no valid name")
    for member in _CALLABLES:
        if kind is not Option and not callable(getattr(descriptor, member, _check)):
            raise PluginError.about(source, f"{hook}: {member} of {name!r} cannot be called")
    if kind is AuthenticatorPlugin and descriptor.phase not in PHASES:
        raise PluginError.about(source, f"{hook}: {descriptor.phase!r} is no phase (there are: {', '.join(PHASES)})")
    if not all(isinstance(option, Option) for option in getattr(descriptor, "options", ())):
        raise PluginError.about(source, f"{hook}: the options of {name!r} are not all of the type Option")


def _article(value: Any) -> str:
    return f"an object of the type {type(value).__name__}"


def _reject_duplicates(found: Sequence[Contributed[Any]]) -> None:
    seen: dict[str, Source] = {}
    for item in found:
        name = item.descriptor.name
        if name in seen:
            kind = type(item.descriptor).__name__
            raise PluginError.about(item.source, f"{kind} {name!r} exists already: {seen[name]} has it")
        seen[name] = item.source


def _reject_core_names(found: Sequence[Contributed[Any]], core: Sequence[CorePart]) -> None:
    names = {part.name for part in core}
    for item in found:
        name = item.descriptor.name
        if name in names:
            raise PluginError.about(
                item.source, f"{type(item.descriptor).__name__} {name!r} exists already: kapi has it"
            )


def _reject_lost_filters(found: Sequence[Contributed[FilterPlugin]]) -> None:
    names = [part.name for part in CORE_FILTERS] + [item.descriptor.name for item in found]
    for item in found:
        plugin = item.descriptor
        if plugin.inside not in names:
            there = ", ".join(names)
            raise PluginError.about(
                item.source, f"filter {plugin.name!r} wants to be inside {plugin.inside!r} (there are: {there})"
            )


def _reject_shared_resources(found: Sequence[Contributed[APIGroup]]) -> None:
    seen: dict[tuple[str, str, str], Source] = {}
    for item in found:
        for key in _resource_keys(item.descriptor):
            if key in seen:
                group, version, plural = key
                where = f"{plural} in {group}/{version}" if group else f"{plural} in {version}"
                raise PluginError.about(item.source, f"the resource {where} exists already: {seen[key]} has it")
            seen[key] = item.source


def _resource_keys(group: APIGroup) -> Iterator[tuple[str, str, str]]:
    for version in group.versions:
        for resource in version.resources:
            yield group.name, version.version, resource.gvr.resource
