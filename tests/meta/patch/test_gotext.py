import pytest

from kapi.meta.patch.gotext import go_float, go_syntax, go_type, go_value, json_kind


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-2.25, "-2.25"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (8080000.0, "8.08e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1e21, "1e+21"),
        (1234567.5, "1.2345675e+06"),
    ],
)
def test_floats(number, text):
    assert go_float(number) == text


@pytest.mark.parametrize(
    ("value", "plain", "syntax", "type_name", "kind"),
    [
        (None, "<nil>", "interface {}(nil)", "<nil>", "null"),
        (True, "true", "true", "bool", "bool"),
        (8080000, "8080000", "8080000", "int64", "number"),
        (1.5, "1.5", "1.5", "float64", "number"),
        ("a b", "a b", '"a b"', "string", "string"),
        (["x", 1], "[x 1]", '[]interface {}{"x", 1}', "[]interface {}", "array"),
        (
            {"b": [], "a": {"c": 1}},
            "map[a:map[c:1] b:[]]",
            'map[string]interface {}{"a":map[string]interface {}{"c":1}, "b":[]interface {}{}}',
            "map[string]interface {}",
            "object",
        ),
    ],
)
def test_values(value, plain, syntax, type_name, kind):
    assert go_value(value) == plain
    assert go_syntax(value) == syntax
    assert go_type(value) == type_name
    assert json_kind(value) == kind


def test_numbers_that_became_floats():
    assert go_value({"a": 8080000}, as_float=True) == "map[a:8.08e+06]"
    assert go_type(1, as_float=True) == "float64"
