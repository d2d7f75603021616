"""How printers come to the resources of built-in groups."""

import subprocess
import sys

import pytest

from kapi.contracts.resources import Column
from kapi.meta.gvk import GroupVersionKind
from kapi_apigroups.build import build_group, facts_columns
from kapi_apigroups.facts import group_facts, group_names
from kapi_apigroups.printing import PrintedTable, subresource_table
from kapi_apigroups.printing.registry import DEFAULT, find_printer

AGE_WITHOUT_COLUMN = {("networking.k8s.io", "ipaddresses")}
RESOURCES = [
    (group, version, each["resource"])
    for group in group_names()
    for version, listed in group_facts(group)["versions"].items()
    for each in listed
    if each.get("columns")
]


@pytest.mark.parametrize(("group", "version", "plural"), RESOURCES)
def test_every_column_has_a_description_and_a_cell(group, version, plural):
    table = PrintedTable(group, plural, lambda: facts_columns(group, version, plural))
    bare = table.cells({"metadata": {}})
    assert len(bare) == len(table.columns) + ((group, plural) in AGE_WITHOUT_COLUMN)
    assert table.conditions({"metadata": {}}) == []
    if table.columns[-1].name == "Age" or plural == "pods":
        assert "<unknown>" in bare


@pytest.mark.parametrize(("group", "version", "plural"), RESOURCES)
def test_kinds_with_columns_of_their_own_have_a_printer(group, version, plural):
    is_default = find_printer(group, plural) is DEFAULT
    assert is_default == (facts_columns(group, version, plural)[-1].name == "Created At")


def test_kinds_without_columns_show_name_and_time():
    table = PrintedTable("nowhere.io", "things", tuple)
    assert [(column.name, column.type, column.format) for column in table.columns] == [
        ("Name", "string", "name"),
        ("Created At", "date", ""),
    ]
    assert table.cells({"metadata": {"name": "x", "creationTimestamp": "2024-01-01T00:00:00Z"}}) == [
        "x",
        "2024-01-01T00:00:00Z",
    ]
    assert table.cells({}) == ["", "0001-01-01T00:00:00Z"]


def test_groups_are_built_with_printers():
    group = build_group("apps", {})
    deployments = next(each for each in group.versions[0].resources if each.gvr.resource == "deployments")
    assert deployments.table.cells({"metadata": {"name": "x"}})[:2] == ["x", "0/0"]
    scale = next(each for each in deployments.subresources if each.name == "scale")
    assert [column.name for column in scale.table.columns] == ["Name", "Desired", "Available", "Age"]


def test_subresources_of_the_same_kind_print_like_their_parent():
    assert subresource_table(GroupVersionKind("apps", "v1", "Deployment")) is None
    assert subresource_table(GroupVersionKind("autoscaling", "v1", "Scale")).columns[0][:3] == ("Name", "string", "")


def test_columns_are_made_once():
    calls = []

    def columns():
        calls.append(1)
        return (Column("Name", "string", "name"), Column("Age", "string"))

    table = PrintedTable("", "serviceaccounts", columns)
    assert table.columns is table.columns
    assert calls == [1]


def test_printers_are_not_loaded_before_a_table_is_asked_for():
    program = (
        "import sys; from kapi_apigroups.build import build_group; build_group('', {});"
        "print([name for name in sys.modules if name.startswith('kapi_apigroups.printing.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
