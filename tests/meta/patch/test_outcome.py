import orjson
import pytest

from kapi.meta.patch.outcome import in_patched_order, may_hold_floats, with_whole_numbers

LIVE = {"kind": "K", "a": {"z": [{"y": 1, "x": 2}, {"y": 3, "x": 4}], "b": {"d": 1, "c": 2}}}


@pytest.mark.parametrize(
    ("touched", "shown"),
    [
        ({}, '{"a":{"z":[{"y":1,"x":2},{"y":3,"x":4}],"b":{"d":1,"c":2}},"kind":"K"}'),
        ({"a": {"n": None}}, '{"a":{"b":{"d":1,"c":2},"z":[{"y":1,"x":2},{"y":3,"x":4}]},"kind":"K"}'),
        (
            [{"op": "add", "path": "/a/z/1/x", "value": 4}],
            '{"a":{"b":{"d":1,"c":2},"z":[{"y":1,"x":2},{"x":4,"y":3}]},"kind":"K"}',
        ),
        (
            [{"op": "move", "path": "/kind", "from": "/a/b/d"}],
            '{"a":{"b":{"c":2,"d":1},"z":[{"y":1,"x":2},{"y":3,"x":4}]},"kind":"K"}',
        ),
        (
            [{"op": "test", "path": "", "value": 1}],
            '{"a":{"z":[{"y":1,"x":2},{"y":3,"x":4}],"b":{"d":1,"c":2}},"kind":"K"}',
        ),
    ],
)
def test_members_are_sorted_where_a_patch_has_been(touched, shown):
    assert orjson.dumps(in_patched_order(LIVE, touched)).decode() == shown


def test_what_is_no_container_stays():
    assert in_patched_order([1, "x"], {"a": {}}) == [1, "x"]
    assert in_patched_order("x", [{"op": "add", "path": "/a/~1/b"}]) == "x"


def test_whole_numbers():
    assert may_hold_floats(b'{"a":1e3}')
    assert may_hold_floats(b"a: 2.0")
    assert not may_hold_floats(b'{"a":10,"b":"x.y"}')
    mixed = {"a": [2.0, 1.5, 1e3, True, "2.0", None], "b": {"c": -1e300}}
    assert repr(with_whole_numbers(mixed)) == repr({"a": [2, 1.5, 1000, True, "2.0", None], "b": {"c": -1e300}})
