"""Finds, chooses and loads plugins, and says precisely what is wrong with one that cannot be used.

Every plugin is an entry point in one of :data:`GROUPS`; the built-in ones too. Each call of :func:`load` has a
pluggy manager of its own: a process can hold several servers with different plugins.
"""

import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, NamedTuple

import pluggy

from kapi import hookspecs

GROUPS = (
    "kapi.storage",
    "kapi.authn",
    "kapi.authz",
    "kapi.admission",
    "kapi.apigroups",
    "kapi.controllers",
    "kapi.extensions",
)
"""The entry-point groups, in the order in which plugins are loaded and listed."""


class Source(NamedTuple):
    """Where a plugin comes from: its entry point and the distribution that declares it."""

    group: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def id(self) -> str:
        """``group:name``, by which flags can name the plugin."""
        return f"{self.group}:{self.name}"

    def __str__(self) -> str:
        """Return the plugin's name with its origin, for messages."""
        return f"plugin {self.id} of {self.distribution} {self.version} ({self.target})"


class PluginError(Exception):
    """A plugin cannot be used. The message is one line that names the distribution and what to do."""

    @classmethod
    def about(cls, source: Source, problem: str) -> "PluginError":
        """Say what is wrong with a plugin, and how to start without it."""
        remedy = f"fix or uninstall {source.distribution}, or start with --disable-plugins={source.id}"
        return cls(f"{source}: {_one_line(problem)}; {remedy}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


class HookCall(NamedTuple):
    """What one plugin returned from one hook."""

    source: Source
    result: Any


def discover() -> tuple[Source, ...]:
    """Return all installed plugins, by group and name; nothing is imported.

    Raises PluginError when two distributions claim the same name in a group.
    """
    found: dict[tuple[str, str], Source] = {}
    known: dict[int, tuple[str, str]] = {}
    everything = entry_points()
    for group in GROUPS:
        for point in sorted(everything.select(group=group), key=_name_of):
            source = _source(point, known)
            other = found.setdefault((group, point.name), source)
            if other != source:
                raise PluginError(
                    f"{source}: {other.distribution} {other.version} has a plugin of that name too; "
                    f"uninstall one of the two distributions"
                )
    return tuple(found.values())


def _name_of(point: EntryPoint) -> str:
    return point.name


def _source(point: EntryPoint, known: dict[int, tuple[str, str]]) -> Source:
    """Return where a plugin comes from; ``known`` keeps what was read of distributions (a file each time, else)."""
    dist = point.dist
    if dist is None:
        return Source(point.group, point.name, "(unknown)", "(unknown)", point.value)
    if id(dist) not in known:
        known[id(dist)] = (dist.name, dist.version)
    return Source(point.group, point.name, *known[id(dist)], point.value)


def choose(found: Sequence[Source], allowed: Iterable[str], refused: Iterable[str]) -> tuple[Source, ...]:
    """Return the plugins that ``--plugins`` lets in and ``--disable-plugins`` does not keep out.

    Items are ``name``, ``group:name`` or ``group:*`` (a group with or without ``kapi.``) or ``*``. Raises
    PluginError for an item that matches nothing installed.
    """
    inside = _matching(found, allowed, "--plugins")
    outside = _matching(found, refused, "--disable-plugins")
    return tuple(source for source in found if source in inside and source not in outside)


def _matching(found: Sequence[Source], items: Iterable[str], flag: str) -> set[Source]:
    chosen: set[Source] = set()
    for item in items:
        hits = {source for source in found if _matches(source, item)}
        if not hits and item != "*":
            raise PluginError(f"{flag}: no plugin {item!r} is installed{_nearest(item, found)}")
        chosen |= hits
    return chosen


def _matches(source: Source, item: str) -> bool:
    group, colon, name = item.rpartition(":")
    if colon and group not in (source.group, source.group.removeprefix("kapi.")):
        return False
    return name in ("*", source.name)


def _nearest(item: str, found: Sequence[Source]) -> str:
    from difflib import get_close_matches

    names = [source.name for source in found] + [source.id for source in found]
    near = get_close_matches(item, names, n=1)
    return f" (did you mean {near[0]}?)" if near else " (kapi plugins lists them)"


class PluginSet:
    """The plugins of one server, imported and registered."""

    def __init__(self, sources: Sequence[Source], trace: Callable[[str], None] | None = None) -> None:
        """Import ``sources``; ``trace`` is called with a line about every hook call. Raises PluginError."""
        self.sources = tuple(sources)
        self._trace = trace
        self._by_id = {source.id: source for source in sources}
        self._manager = pluggy.PluginManager("kapi")
        self._manager.add_hookspecs(hookspecs)
        for source in sources:
            self._register(source)
        self._reject_unknown_hooks()

    def call(self, hook: str, **arguments: Any) -> Iterator[HookCall]:
        """Call ``hook`` of every plugin that has it, in the order of ``sources``; raises PluginError.

        Pluggy's own call order (last registered first) is never relied on.
        """
        position = {source.id: index for index, source in enumerate(self.sources)}
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        for impl in sorted(impls, key=lambda impl: position[impl.plugin_name]):
            source = self._by_id[impl.plugin_name]
            values = [arguments[name] for name in impl.argnames]
            yield HookCall(source, self._run(source, hook, impl.function, values))

    def _run(self, source: Source, hook: str, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        began = time.perf_counter()
        try:
            result = function(*values)
        except PluginError:
            raise
        except Exception as ex:  # a border: code of others
            raise PluginError.about(source, f"{hook} failed: {type(ex).__name__}: {ex}") from ex
        if self._trace:
            self._trace(f"{hook} of {source.id} in {(time.perf_counter() - began) * 1000:.1f} ms: {result!r}")
        return result

    def _register(self, source: Source) -> None:
        plugin = _import(source)
        if self._manager.get_name(plugin) is not None:
            return  # one module behind two entry points: its hooks are called once
        _reject_coroutines(plugin, source)
        try:
            self._manager.register(plugin, name=source.id)
        except pluggy.PluginValidationError as ex:
            raise PluginError.about(source, str(ex)) from ex

    def _reject_unknown_hooks(self) -> None:
        for source in self.sources:
            plugin = self._manager.get_plugin(source.id)
            for caller in self._manager.get_hookcallers(plugin) or () if plugin else ():
                if not caller.has_spec():
                    raise PluginError.about(source, f"there is no hook {caller.name}")
                self._reject_wrappers(caller, source)

    def _reject_wrappers(self, caller: pluggy.HookCaller, source: Source) -> None:
        for impl in caller.get_hookimpls():
            if impl.plugin_name == source.id and (impl.hookwrapper or impl.wrapper):
                raise PluginError.about(source, f"{caller.name} is a hook wrapper, which kapi does not have")


def _import(source: Source) -> Any:
    try:
        return EntryPoint(source.name, source.target, source.group).load()
    except Exception as ex:  # a border: code of others
        raise PluginError.about(source, f"import failed: {type(ex).__name__}: {ex}") from ex


def _reject_coroutines(plugin: ModuleType, source: Source) -> None:
    for name in dir(plugin):
        member = getattr(plugin, name, None)
        marked = callable(member) and hasattr(member, "kapi_impl")
        if marked and (inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)):
            raise PluginError.about(source, f"{name} is async, but hooks must be plain functions")


def trace_to_stderr(line: str) -> None:
    """Write a line about a hook call to stderr (``KAPI_TRACE_PLUGINS=1``)."""
    sys.stderr.write(f"kapi plugin trace: {line}\n")
