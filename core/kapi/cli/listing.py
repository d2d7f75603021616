"""``kapi plugins``: what is installed, what of it is active, and in which order.

Nothing is opened and nothing written: what needs a running server to be known (whether an authenticator is configured)
is not told.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from kapi import __version__
from kapi.admission.chain import CREATE_PERMISSION, enabled, position
from kapi.authz.union import AuthorizerUnion
from kapi.config.completed import CompletedConfig
from kapi.config.parse import HelpRequested
from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup
from kapi.contracts.server import FilterPlugin
from kapi.registry.client import LocalClient
from kapi.registry.table import ResourceTable, merge_groups
from kapi.server.assembly import USAGE_ERRORS, Assembly, assemble, complaint
from kapi.server.chain import CORE_FILTERS, CORE_LINKS, CorePart, UnknownFilter, place
from kapi.server.contributions import Contributed, LoadedPlugins
from kapi.server.plugins import Source

CORE = Source("kapi", "core", "kapi", __version__, "kapi")
"""The origin of what is no plugin."""

CORE_GROUP = "core"
"""How the API group is called whose name is empty."""

Details = Mapping[str, Any]


class Row(NamedTuple):
    """One contribution; or, of the family "plugin", an installed plugin that is not loaded or contributes no rows.

    ``order`` is the place in its family, from 1 on, of what is active and ordered; else 0. ``details`` has what only
    this family has: a phase, a position, versions.
    """

    family: str
    name: str
    active: bool
    order: int
    details: Details
    plugin: str
    distribution: str
    version: str
    summary: str


def list_plugins(argv: Sequence[str], output: str) -> int:
    """Print the plugins that a server with the flags ``argv`` would use; return the exit code."""
    if output not in ("table", "json"):
        sys.stderr.write("kapi: --output must be table or json\n")
        return 2
    try:
        rows = list(plugin_rows(assemble(argv)))
    except HelpRequested:
        return 0
    except (*USAGE_ERRORS, UnknownFilter) as ex:
        sys.stderr.writelines(f"kapi: {line}\n" for line in complaint(ex))
        return 2
    print(as_json(rows) if output == "json" else as_table(rows))
    return 0


def plugin_rows(assembly: Assembly) -> Iterator[Row]:
    """Yield what the core and the plugins contribute, family by family in the order of use, then what is not active.

    Raises PluginError and UnknownFilter for what would stop a start too.
    """
    config, plugins = assembly.config, assembly.plugins
    yield from _rows("storage", plugins.storage_backends, [config.storage_backend])
    yield from _rows("authenticator", plugins.authenticators, _names(plugins.authenticators), details=_phase)
    yield from _rows("authorizer", plugins.authorizers, config.authorization_modes)
    yield _core_row("admission", CorePart(CREATE_PERMISSION, "asks for the right to create where an update creates"), 1)
    yield from _rows("admission", plugins.admission, _admission(config, plugins), first=2)
    yield from _filters(plugins.filters)
    yield from _links(plugins)
    hooks = [item for item in plugins.post_start_hooks if not item.descriptor.controller]
    yield from _rows("hook", hooks, _names(hooks), ordered=False, details=_blocks)
    chosen = [name for name in _names(plugins.controllers) if name in config.controllers]
    yield from _rows("controller", plugins.controllers, chosen, ordered=False)
    groups = _groups(config, plugins)
    yield from _rows("apigroup", groups, _names(groups), details=_versions)
    yield from _others(plugins, groups)


def _names(items: Iterable[Contributed[Any]]) -> list[str]:
    return [item.descriptor.name for item in items]


def _admission(config: CompletedConfig, plugins: LoadedPlugins) -> list[str]:
    descriptors = [item.descriptor for item in plugins.admission]
    running = enabled(descriptors, config.enabled_admission, config.disabled_admission)
    return sorted((plugin.name for plugin in running), key=position)


def _groups(config: CompletedConfig, plugins: LoadedPlugins) -> Sequence[Contributed[APIGroup]]:
    """Return the API groups in discovery order, as they are without a server behind them."""
    empty = ResourceTable((), {})
    nobody = AuthorizerUnion(())
    client = LocalClient(lambda: empty)
    context = BuildContext(config.options, config.data_dir, client, authorizer=nobody, rule_resolver=nobody)
    found = {item.descriptor.name: item for item in plugins.api_groups(context)}
    return [found[group.name] for group in merge_groups(item.descriptor for item in found.values())]


def _phase(descriptor: Any) -> Details:
    return {"phase": descriptor.phase}


def _blocks(descriptor: Any) -> Details:
    return {"blocks_ready": descriptor.blocks_ready}


def _versions(descriptor: Any) -> Details:
    return {"versions": [version.version for version in descriptor.versions]}


def _nothing(descriptor: Any) -> Details:
    return {}


def _rows(
    family: str,
    items: Sequence[Contributed[Any]],
    active: Sequence[str],
    *,
    ordered: bool = True,
    first: int = 1,
    details: Any = _nothing,
) -> Iterator[Row]:
    """Yield the rows of a family: the active ones in their order, then the others."""
    places = {name: place for place, name in enumerate(active, first)}
    for item in sorted(items, key=lambda item: places.get(item.descriptor.name, len(items) + first)):
        order = places.get(item.descriptor.name, 0)
        yield _row(family, item, order > 0, order if ordered else 0, details(item.descriptor))


def _row(family: str, item: Contributed[Any], active: bool, order: int, details: Details) -> Row:
    descriptor = item.descriptor
    name = descriptor.name or CORE_GROUP
    return Row(family, name, active, order, details, *_origin(item.source), getattr(descriptor, "summary", ""))


def _core_row(family: str, part: CorePart, order: int, details: Details | None = None) -> Row:
    return Row(family, part.name, True, order, details or {}, *_origin(CORE), part.summary)


def _filters(plugins: Sequence[Contributed[FilterPlugin]]) -> Iterator[Row]:
    """Yield all filters, outermost first."""
    by_name = {item.descriptor.name: item for item in plugins}
    for order, part in enumerate(place(CORE_FILTERS, [item.descriptor for item in plugins]), 1):
        if isinstance(part, CorePart):
            yield _core_row("filter", part, order)
        else:
            yield _row("filter", by_name[part.name], True, order, {"inside": part.inside})


def _links(plugins: LoadedPlugins) -> Iterator[Row]:
    """Yield all links of the delegation chain, in the order in which they are asked."""
    found = [(part.position, part.name, partial(_core_row, "link", part)) for part in CORE_LINKS]
    for item in plugins.chain_links:
        plugin = item.descriptor
        found.append((plugin.position, plugin.name, partial(_row, "link", item, True)))
    for order, (at, _, row) in enumerate(sorted(found, key=lambda link: link[:2]), 1):
        yield row(order, {"position": at})


def _others(plugins: LoadedPlugins, groups: Sequence[Contributed[APIGroup]]) -> Iterator[Row]:
    """Yield plugins that contribute only what has no rows (options, commands, health checks), and those not loaded."""
    told = {
        item.source
        for family in (
            plugins.storage_backends, plugins.authenticators, plugins.authorizers, plugins.admission,
            plugins.filters, plugins.chain_links, plugins.post_start_hooks, groups,
        )
        for item in family
    }  # fmt: skip
    for source in plugins.installed:
        if source not in plugins.active or source not in told:
            yield Row("plugin", source.name, source in plugins.active, 0, {}, *_origin(source), "")


def _origin(source: Source) -> tuple[str, str, str]:
    return source.id, source.distribution, source.version


def as_json(rows: Iterable[Row]) -> str:
    """Return the rows as a JSON list of objects."""
    return json.dumps([row._asdict() for row in rows], indent=2)


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table with a head."""
    head = ("FAMILY", "NAME", "ACTIVE", "ORDER", "DETAILS", "PLUGIN", "DISTRIBUTION", "VERSION", "SUMMARY")
    cells = [
        (row.family, row.name, "yes" if row.active else "no", str(row.order or "-"), _shown(row.details), *row[5:])
        for row in rows
    ]
    widths = [max(len(line[index]) for line in (head, *cells)) for index in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *cells)
    )


def _shown(details: Details) -> str:
    """Return details as ``name=value``; what is false is left out, an empty text is a dash."""
    return " ".join(f"{name}={_value(value)}" for name, value in details.items() if value) or "-"


def _value(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else "yes" if value is True else str(value)
