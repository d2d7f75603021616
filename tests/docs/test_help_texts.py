"""Nothing is without a word about what it is for: flags, metrics, plugins."""

import re

import pytest
from pages import DOCS

from kapi.cli.flaghelp import flag_help
from kapi.config.flags import FlagTable
from kapi.server.apiserver import APIServer
from kapi.server.assembly import assemble, prepare
from kapi.server.contributions import load
from kapi.server.metrics import Metric


@pytest.fixture(scope="module")
def table() -> FlagTable:
    return load().flag_table()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> APIServer:
    assembly = assemble([f"--data-dir={tmp_path_factory.mktemp('data')}"])
    prepare(assembly)
    made = assembly()
    assert isinstance(made, APIServer)
    return made


def metrics(server: APIServer) -> list[Metric]:
    return [*server.metrics.metrics.values(), *(gauge for gauge, _ in server.metrics.readings)]


def test_every_flag_that_does_something_is_explained_by_help(table: FlagTable) -> None:
    text = flag_help(table, 120)
    live = [option for option in table.values() if not option.planned and not option.deprecated]
    assert len(live) > 50
    for option in live:
        assert len(option.help.split()) > 2, option.name
        entry = re.search(rf"^      --{option.name}(?: .*)?\n((?: {{16}}.+\n)+)", text, re.MULTILINE)
        assert entry, option.name
        assert " ".join(option.help.split()[:3]) in " ".join(entry[1].split()), option.name


def test_every_flag_of_help_is_under_a_heading_that_has_it(table: FlagTable) -> None:
    text = flag_help(table, 120)
    for group, options in table.groups().items():
        section = text.partition(f"{group} flags:\n")[2].partition(" flags:\n")[0]
        assert [option.name for option in options if f"--{option.name}" not in section] == []


def test_every_metric_has_help_and_is_documented(server: APIServer) -> None:
    page = (DOCS / "operations.md").read_text()
    declared = metrics(server)
    assert declared
    assert [metric.name for metric in declared if not metric.help.endswith(".")] == []
    assert [metric.name for metric in declared if f"`{metric.name}" not in page] == []


def test_every_health_check_of_the_core_is_documented(server: APIServer) -> None:
    page = (DOCS / "operations.md").read_text()
    names = [name for name in server.health._checks if not name.startswith("poststarthook/")]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_contribution_has_a_summary() -> None:
    plugins = load()
    families = (
        plugins.storage_backends, plugins.authenticators, plugins.authorizers, plugins.admission,
        plugins.filters, plugins.chain_links, plugins.post_start_hooks,
    )  # fmt: skip
    assert [item.descriptor.name for family in families for item in family if not item.descriptor.summary] == []
