import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta import query
from kapi.meta.errors import StatusError


def test_values_keep_their_order_and_decode():
    assert query.parse_query(b"a=1&b=x+y%2Cz&a=2&c") == {"a": ["1", "2"], "b": ["x y,z"], "c": [""]}


def test_malformed_parts_are_dropped():
    assert query.parse_query(b"x=%zz&a;b=1&y=%4&ok=1&&=%") == {"ok": ["1"]}


def test_bytes_are_utf8():
    assert query.parse_query("k=%C3%A9&r=é".encode()) == {"k": ["é"], "r": ["é"]}
    assert query.parse_query(b"k=%ff") == {"k": ["\ufffd"]}


@given(st.binary(max_size=40))
def test_any_bytes_parse(data):
    parsed = query.parse_query(data)
    assert all(values for values in parsed.values())


def test_booleans_are_true_unless_they_say_no():
    given_values = query.parse_query("a=1&b=maybe&c=&d=0&e=FALSE")
    assert [query.boolean(given_values, name) for name in "abcdef"] == [True, True, True, False, False, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ("٣", 'strconv.ParseInt: parsing "٣": invalid syntax'),
        ("9223372036854775808", 'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
    ],
)
def test_other_integers_are_refused(text, message):
    with pytest.raises(StatusError) as caught:
        query.integer({"n": [text]}, "n")
    assert caught.value.message == message


def test_integers():
    assert query.parse_int("-9223372036854775808") == -(1 << 63)
    assert query.parse_int("+007") == 7
    assert query.integer({}, "n") is None
    with pytest.raises(ValueError, match="out of range"):
        query.parse_int("1" * 5000)


def test_resource_versions():
    assert query.parse_resource_version("") == query.parse_resource_version("0") == 0
    assert query.parse_resource_version("42") == 42
    with pytest.raises(StatusError) as caught:
        query.parse_resource_version("abc")
    detail = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    assert (caught.value.code, caught.value.reason, caught.value.message) == (500, "", detail)
    with pytest.raises(StatusError) as caught:
        query.parse_resource_version("-1", listing=True)
    assert caught.value.code == 400
    assert caught.value.message.startswith("invalid resource version: resourceVersion: Invalid value")
