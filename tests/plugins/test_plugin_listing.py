"""``kapi plugins``: every family, in the order in which a server really uses it."""

import json
from typing import Any

import pytest

from kapi import __version__
from kapi.cli.listing import Row, as_json, as_table, plugin_rows
from kapi.contracts.admission import AdmissionPlugin
from kapi.contracts.plugins import BuildContext, Option
from kapi.contracts.resources import APIGroup, APIVersion
from kapi.contracts.server import ChainLink, ChainLinkPlugin, FilterPlugin, PostStartHook
from kapi.hookspecs import hookimpl
from kapi.server.apiserver import APIServer
from kapi.server.assembly import Assembly, assemble, prepare
from kapi.server.chain import CORE_FILTERS, UnknownFilter, core_filters
from tiny_plugins import Workshop

FAMILIES = [
    "storage", "authenticator", "authorizer", "admission", "filter", "link", "hook", "controller", "apigroup",
]  # fmt: skip


def listed(assembly: Assembly) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in plugin_rows(assembly):
        found.setdefault(row.family, []).append(row)
    return found


def names(rows: list[Row]) -> list[str]:
    return [row.name for row in rows if row.active]


@pytest.fixture(scope="module")
def built_in() -> dict[str, list[Row]]:
    return listed(assemble([]))


def test_every_family_is_listed_and_nothing_else(built_in: dict[str, list[Row]]) -> None:
    assert list(built_in) == FAMILIES


def test_the_order_of_the_core(built_in: dict[str, list[Row]]) -> None:
    """Each filter guards those behind it: change this list only with a reason that stands in the commit."""
    assert [(row.order, row.name) for row in built_in["filter"]] == [
        (1, "access-log"), (2, "warnings"), (3, "cors"), (4, "panic-recovery"), (5, "request-info"), (6, "metrics"),
        (7, "deadline"), (8, "authentication"), (9, "impersonation"), (10, "max-in-flight"), (11, "authorization"),
    ]  # fmt: skip
    assert {(row.plugin, row.distribution, row.version) for row in built_in["filter"]} == {
        ("kapi:core", "kapi", __version__)
    }
    assert [(row.name, row.details) for row in built_in["link"]] == [
        ("api-groups", {"position": 100}), ("base", {"position": 1000}),
    ]  # fmt: skip


def test_authenticators_are_listed_by_phase(built_in: dict[str, list[Row]]) -> None:
    assert [row.details["phase"] for row in built_in["authenticator"]] == [
        "front-proxy", "certificate", "token", "token", "anonymous",
    ]  # fmt: skip


def test_api_groups_are_listed_as_discovery_has_them(built_in: dict[str, list[Row]]) -> None:
    groups = {row.name: row.details["versions"] for row in built_in["apigroup"]}
    assert groups["autoscaling"] == ["v2", "v1"]
    assert groups["core"] == groups["apps"] == ["v1"]
    assert {"authorization.k8s.io", "authentication.k8s.io", "rbac.authorization.k8s.io"} <= groups.keys()
    assert [row.order for row in built_in["apigroup"]] == list(range(1, len(groups) + 1))


def test_the_listing_says_what_a_server_does(tmp_path, built_in: dict[str, list[Row]]) -> None:
    assembly = assemble([f"--data-dir={tmp_path}", "--authorization-mode=Node,RBAC", "--controllers=namespace"])
    prepare(assembly)
    rows, server = listed(assembly), assembly()
    assert isinstance(server, APIServer)
    assert names(rows["filter"]) == [item.name for item in server.filters]
    assert names(rows["link"]) == [name for _, name, _ in server.links]
    assert names(rows["admission"]) == [member.name for member in server.admission.members]
    assert names(rows["authorizer"]) == ["Node", "RBAC"]
    assert sorted((*names(rows["hook"]), *names(rows["controller"]))) == sorted(server.hooks.names)
    assert names(rows["apigroup"]) == [group.name or "core" for group in server.table.groups]


def noop(context: BuildContext, app: Any = None) -> Any:
    return app


async def rest(context: Any) -> None: ...


@hookimpl
def kapi_register_filters() -> list[FilterPlugin]:
    return [FilterPlugin(name, "a test", inside, noop) for name, inside in (("a", "b"), ("b", "metrics"), ("c", "b"))]


@hookimpl
def kapi_register_chain_links() -> list[ChainLinkPlugin]:
    def build(context: BuildContext) -> ChainLink:
        return ChainLink(lambda scope: False, noop)

    return [ChainLinkPlugin("late", "a test", 500, build), ChainLinkPlugin("early", "a test", 7, build)]


@hookimpl
def kapi_register_post_start_hooks() -> list[PostStartHook]:
    return [PostStartHook("h", "a test", rest, blocks_ready=True), PostStartHook("k", "a test", rest, controller=True)]


@hookimpl
def kapi_register_admission() -> list[AdmissionPlugin]:
    return [AdmissionPlugin("Zeal", "a test", noop), AdmissionPlugin("Rest", "a test", noop, default_enabled=False)]


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> list[APIGroup]:
    assert context.authorizer is not None
    assert context.client is not None
    return [APIGroup("tiny.example.com", (APIVersion("v1", ()), APIVersion("v1beta1", ())))]


def test_plugins_stand_where_they_are_used(workshop: Workshop) -> None:
    workshop.plugin(
        "everything",
        kapi_register_filters,
        kapi_register_chain_links,
        kapi_register_post_start_hooks,
        kapi_register_admission,
        kapi_register_api_groups,
    )
    rows = listed(workshop.assemble())
    assert names(rows["filter"])[4:10] == ["request-info", "metrics", "b", "a", "c", "deadline"]
    assert [(row.name, row.order) for row in rows["link"]] == [
        ("early", 1),
        ("api-groups", 2),
        ("late", 3),
        ("base", 4),
    ]
    assert [(row.name, row.details) for row in rows["hook"]] == [("h", {"blocks_ready": True})]
    assert [(row.name, row.active) for row in rows["controller"]] == [("k", False)]
    assert [(row.name, row.active, row.order) for row in rows["admission"]] == [
        ("CreatePermission", True, 1), ("Zeal", True, 2), ("Rest", False, 0),
    ]  # fmt: skip
    group = next(row for row in rows["apigroup"] if row.name == "tiny.example.com")
    assert (group.details, group.plugin) == ({"versions": ["v1", "v1beta1"]}, "kapi.extensions:everything")
    assert (group.distribution, group.version) == ("tiny", "1.2")


@hookimpl
def kapi_register_options() -> list[Option]:
    return [Option("tiny-flag", "string", "", "A flag.")]


def test_a_plugin_without_rows_of_its_own_is_listed(workshop: Workshop) -> None:
    workshop.plugin("only_options", kapi_register_options)
    assert names(listed(workshop.assemble())["plugin"]) == ["only_options"]


def test_what_is_disabled_is_listed_as_not_active() -> None:
    rows = listed(assemble(["--disable-plugins=apigroups:apps,authn:token_file"]))
    assert [(row.name, row.active, row.plugin, row.distribution) for row in rows["plugin"]] == [
        ("token_file", False, "kapi.authn:token_file", "kapi"),
        ("apps", False, "kapi.apigroups:apps", "kapi"),
    ]
    assert "apps" not in names(rows["apigroup"])


def test_programs_get_the_same_as_people(built_in: dict[str, list[Row]]) -> None:
    rows = [row for family in built_in.values() for row in family]
    told = json.loads(as_json(rows))
    assert [entry["name"] for entry in told] == [row.name for row in rows]
    assert all(set(entry) == set(Row._fields) for entry in told)
    lines = as_table(rows).splitlines()
    assert lines[0].split() == [field.upper() for field in Row._fields]
    assert [line.split()[:2] for line in lines[1:]] == [[row.family, row.name] for row in rows]
    assert "versions=v2,v1" in as_table(rows)


def test_the_core_builds_all_its_filters_and_no_others() -> None:
    wraps = {part.name: noop for part in CORE_FILTERS}
    assert [item.name for item in core_filters(wraps)] == [part.name for part in CORE_FILTERS]  # type: ignore[arg-type]  # never called
    for wrong in ({**wraps, "more": noop}, {"metrics": noop}):
        with pytest.raises(KeyError):
            core_filters(wrong)  # type: ignore[arg-type]  # never called


@hookimpl(specname="kapi_register_filters")
def kapi_register_a_circle() -> list[FilterPlugin]:
    return [FilterPlugin("a", "", "b", noop), FilterPlugin("b", "", "a", noop)]


def test_filters_inside_each_other_are_refused(workshop: Workshop) -> None:
    workshop.plugin("circle", kapi_register_a_circle)
    assembly = workshop.assemble()
    with pytest.raises(UnknownFilter, match="'a' wants to be inside 'b'"):
        list(plugin_rows(assembly))
