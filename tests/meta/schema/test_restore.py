import pytest

from kapi.meta.schema.restore import restore_problem
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct

STRING = Scalar("string", "v1.PullPolicy")
MEMBERS = [
    Field("name", STRING),
    Field("count", Scalar("int32", "int32")),
    Field("share", Scalar("number", "float64")),
    Field("ready", Scalar("boolean", "bool")),
    Field("at", Scalar("time", "v1.Time")),
    Field("labels", Map(STRING, "map[string]string")),
    Field("names", List(STRING, "[]string")),
]
THING = Struct("Thing", "v1.Thing", lambda: {field.name: field for field in MEMBERS})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, ""),
        ({"name": None, "labels": None, "unknown": 5}, ""),
        ({"name": "x", "count": 1, "share": 1, "ready": True, "labels": {"a": "b"}, "names": ["a"]}, ""),
        ({"count": 2.0, "share": 0.5}, ""),
        ({"at": 5}, ""),
        ("x", "cannot restore struct from: string"),
        ([], "cannot restore struct from: slice"),
        ({"labels": "x"}, "cannot restore map from string"),
        ({"labels": {"a": True}}, "unrecognized type: string"),
        ({"names": {"a": "b"}}, "cannot restore slice from map"),
        ({"names": ["a", {}]}, "unrecognized type: string"),
        ({"name": 5}, "cannot convert int64 to v1.PullPolicy"),
        ({"name": 5.5}, "unrecognized type: string"),
        ({"count": 1.5}, "cannot convert float64 to int32"),
        ({"count": "1"}, "unrecognized type: int32"),
        ({"ready": 1}, "unrecognized type: bool"),
        ({"share": False}, "unrecognized type: float64"),
        ({"names": 1, "name": True}, "unrecognized type: string"),
    ],
)
def test_the_first_problem_is_told(value, problem):
    assert restore_problem(value, THING) == problem
