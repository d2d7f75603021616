import pytest

from kapi_apigroups.apiextensions.columns import CustomTable
from kapi_apigroups.apiextensions.jsonpath import JSONPath, PathError
from kapi_apigroups.apiextensions.versions import version_order

OBJ = {
    "metadata": {"name": "a", "annotations": {"a.b/c": "x"}},
    "spec": {"l": [{"n": "p", "v": 1}, {"n": "q", "v": 2}], "o": {"k": "v"}, "i": 5, "t": True, "s": "text"},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.i", [5]),
        (".spec['i']", [5]),
        (".metadata.annotations['a.b/c']", ["x"]),
        (r".metadata.annotations.a\.b/c", ["x"]),
        (".spec.l[*].n", ["p", "q"]),
        (".spec.l[-1].n", ["q"]),
        (".spec.l[0:1].n", ["p"]),
        ('.spec.l[?(@.n=="q")].v', [2]),
        (".spec.l[?(@.v>1)].n", ["q"]),
        (".spec.l[?(@.n<1)].n", []),
        (".spec.l[?(@.v)].v", [1, 2]),
        (".spec.o.*", ["v"]),
        (".spec.none.deeper", []),
        (".spec.i.deeper", []),
        (".spec.l[7]", []),
    ],
)
def test_paths(path, found):
    assert list(JSONPath(path).find(OBJ)) == found


@pytest.mark.parametrize("path", ["spec", ".spec[", ".spec[?(@.a==b)]", "..a", ".a[b]"])
def test_what_is_no_path(path):
    with pytest.raises(PathError):
        JSONPath(path)


def cell(kind, path):
    return CustomTable([{"name": "X", "type": kind, "jsonPath": path}]).cells(OBJ)[1]


def test_cells_are_of_the_type_of_their_column():
    assert [cell("string", ".spec.s"), cell("string", ".spec.i"), cell("string", ".spec.o")] == [
        "text",
        "5",
        '{"k":"v"}',
    ]
    assert [cell("integer", ".spec.i"), cell("integer", ".spec.s"), cell("integer", ".spec.t")] == [5, None, None]
    assert [cell("number", ".spec.i"), cell("boolean", ".spec.t"), cell("boolean", ".spec.i")] == [5, True, None]
    assert [cell("date", ".spec.s"), cell("date", ".spec.i"), cell("string", ".spec.none")] == ["<invalid>", None, None]


def test_columns_are_described():
    columns = CustomTable([{"name": "X", "type": "string", "jsonPath": ".spec.s", "priority": 1}]).columns
    assert columns[0][:3] == ("Name", "string", "name")
    assert columns[1] == ("X", "string", "", "Custom resource definition column (in JSONPath format): .spec.s", 1)
    assert [column.name for column in CustomTable(()).columns] == ["Name", "Age"]


def test_versions_come_in_order_of_preference():
    names = ["foo1", "v1alpha2", "v2", "v10", "v1beta1", "v1", "v11beta2", "v1alpha1", "foo10"]
    assert sorted(names, key=version_order) == [
        "v10", "v2", "v1", "v11beta2", "v1beta1", "v1alpha2", "v1alpha1", "foo1", "foo10",
    ]  # fmt: skip
