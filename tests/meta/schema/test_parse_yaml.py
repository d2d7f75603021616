import pytest

from kapi.meta.schema.parse import MAX_DEPTH, TOO_DEEP, ParseError, parse_yaml
from kapi.meta.schema.yaml import read_yaml


def refusal(text):
    with pytest.raises(ParseError) as caught:
        parse_yaml(text.encode())
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("just text", "just text"),
        ("- a\n- b", ["a", "b"]),
        ('{"a": {"b": [1, true, null]}}', {"a": {"b": [1, True, None]}}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("---\na: 1\n---\nb: [", {"a": 1}),
        ("a: &x [1]\nb: [*x, *x]", {"a": [1], "b": [[1], [1]]}),
        ("x: &d {a: 1, b: 2}\nz:\n  <<: *d\n  b: 3", {"x": {"a": 1, "b": 2}, "z": {"a": 1, "b": 3}}),
    ],
)
def test_reads_yaml(text, value):
    assert parse_yaml(text.encode()) == value


@pytest.mark.parametrize("text", ["y", "Y", "yes", "on", "true", "True", "TRUE"])
def test_words_that_are_true(text):
    assert parse_yaml(text.encode()) is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("+1", 1),
        ("08", 8),
        ("1e3", 1000),
        (".5", 0.5),
        ("1.", 1),
        ("18446744073709551615", 2**64 - 1),
        ("12:30:45", "12:30:45"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("-", [None]),
        ("=", "="),
        ("~", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("1.2.3", "1.2.3"),
        ("tRue", "tRue"),
    ],
)
def test_scalars_are_read_as_go_reads_them(text, value):
    found = parse_yaml(text.encode())
    assert found == value
    assert type(found) is type(value)


def test_keys_become_strings_and_are_sorted():
    found = parse_yaml(b"z: 0\ntrue: 1\n1: 2\n1.5: 3\n~: 4\nn: 5")
    assert found == {"1": 2, "1.5": 3, "false": 5, "null": 4, "true": 1, "z": 0}
    assert list(found) == sorted(found)


def test_duplicate_keys_are_reported_with_their_lines():
    value, duplicates = read_yaml(b"k: a\nk: b\nz:\n  - q: 1\n    q: 2\non: 1\nyes: 2")
    assert value["k"] == "b"
    assert duplicates == (
        'yaml: unmarshal errors:\n  line 2: key "k" already set in map'
        '\n  line 5: key "q" already set in map\n  line 7: key true already set in map'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("x: 1\na: b: c", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: *b", "yaml: unknown anchor 'b' referenced"),
        ("a: &a [*a]", "yaml: anchor 'a' value contains itself"),
        ("a: .inf", "error converting YAML to JSON: json: unsupported value: +Inf"),
        ("<<: 3", "yaml: map merge requires map or sequence of maps as the value"),
    ],
)
def test_refusals(text, message):
    assert refusal(text) == message


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 5000 + "a", "{a: " * 3000])
def test_limits_depth(text):
    assert refusal(text) == TOO_DEEP


def test_aliases_count_towards_depth():
    half = MAX_DEPTH // 2
    text = "a: &a " + "[" * half + "]" * half + "\nb: " + "[" * half + "*a" + "]" * half
    assert refusal(text) == TOO_DEEP


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: &a '" + "x" * 100_000 + "'\nb: [" + ",".join(["*a"] * 1000) + "]",
    ],
)
def test_refuses_bombs(text):
    assert refusal(text) == "yaml: document contains excessive aliasing"
