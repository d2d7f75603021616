"""``kapi plugins``: what is installed, what of it is active, and in which order."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from kapi.admission.chain import enabled, position
from kapi.config.completed import CompletedConfig
from kapi.config.parse import HelpRequested
from kapi.server.assembly import USAGE_ERRORS, Assembly, assemble, complaint
from kapi.server.contributions import Contributed, LoadedPlugins
from kapi.server.plugins import Source


class Row(NamedTuple):
    """One contribution, or a plugin that is not active (then it is not known what it has to contribute).

    ``order`` is the place in its family, from 1 on, of what is active and ordered; else 0.
    """

    family: str
    name: str
    active: bool
    order: int
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
    except USAGE_ERRORS as ex:
        sys.stderr.writelines(f"kapi: {line}\n" for line in complaint(ex))
        return 2
    print(as_json(rows) if output == "json" else as_table(rows))
    return 0


def plugin_rows(assembly: Assembly) -> Iterator[Row]:
    """Yield what the plugins contribute, family by family in the order of use, then what is not active."""
    config, plugins = assembly.config, assembly.plugins
    yield from _rows("storage", plugins.storage_backends, [config.storage_backend])
    yield from _rows("authenticator", plugins.authenticators, _names(plugins.authenticators))
    yield from _rows("authorizer", plugins.authorizers, config.authorization_modes)
    yield from _rows("admission", plugins.admission, _admission(config, plugins))
    yield from _rows("filter", plugins.filters, _names(plugins.filters))
    yield from _rows("link", plugins.chain_links, _names(plugins.chain_links))
    hooks = [item for item in plugins.post_start_hooks if not item.descriptor.controller]
    yield from _rows("hook", hooks, _names(hooks), ordered=False)
    chosen = [name for name in _names(plugins.controllers) if name in config.controllers]
    yield from _rows("controller", plugins.controllers, chosen, ordered=False)
    yield from _others(plugins)


def _names(items: Iterable[Contributed[Any]]) -> list[str]:
    return [item.descriptor.name for item in items]


def _admission(config: CompletedConfig, plugins: LoadedPlugins) -> list[str]:
    descriptors = [item.descriptor for item in plugins.admission]
    running = enabled(descriptors, config.enabled_admission, config.disabled_admission)
    return sorted((plugin.name for plugin in running), key=position)


def _rows(
    family: str, items: Sequence[Contributed[Any]], active: Sequence[str], *, ordered: bool = True
) -> Iterator[Row]:
    """Yield the rows of a family: the active ones in their order, then the others."""
    places = {name: place for place, name in enumerate(active, 1)}
    for item in sorted(items, key=lambda item: places.get(item.descriptor.name, len(places) + 1)):
        name = item.descriptor.name
        place = places.get(name, 0)
        source = item.source
        yield Row(family, name, place > 0, place if ordered else 0, *_origin(source), item.descriptor.summary)


def _others(plugins: LoadedPlugins) -> Iterator[Row]:
    """Yield plugins that contribute what needs a running server (API groups), and those that are not loaded."""
    told = {
        item.source
        for family in (
            plugins.storage_backends, plugins.authenticators, plugins.authorizers, plugins.admission,
            plugins.filters, plugins.chain_links, plugins.post_start_hooks,
        )
        for item in family
    }  # fmt: skip
    for source in plugins.installed:
        if source not in plugins.active or source not in told:
            family = source.group.removeprefix("kapi.")
            yield Row(family, source.name, source in plugins.active, 0, *_origin(source), "")


def _origin(source: Source) -> tuple[str, str, str]:
    return source.id, source.distribution, source.version


def as_json(rows: Iterable[Row]) -> str:
    """Return the rows as a JSON list of objects."""
    return json.dumps([row._asdict() for row in rows], indent=2)


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table with a head."""
    head = ("FAMILY", "NAME", "ACTIVE", "ORDER", "PLUGIN", "DISTRIBUTION", "VERSION", "SUMMARY")
    cells = [(row.family, row.name, "yes" if row.active else "no", str(row.order or "-"), *row[4:]) for row in rows]
    widths = [max(len(line[index]) for line in (head, *cells)) for index in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *cells)
    )
