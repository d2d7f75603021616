import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.schema.parse import MAX_DEPTH, TOO_DEEP, Pairs, ParseError, parse_document, parse_json
from kapi.meta.schema.scanner import syntax_error

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)

END = "unexpected end of JSON input"


def refusal(text):
    with pytest.raises(ParseError) as caught:
        parse_json(text if isinstance(text, bytes) else text.encode())
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", END),
        ("{", END),
        ('{"a', END),
        ('{"a":', END),
        ("[1,", END),
        ("tru", END),
        ("1.", END),
        ("{]", "invalid character ']' looking for beginning of object key string"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("{1:2}", "invalid character '1' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1,"b" }', "invalid character '}' after object key"),
        ('{"a":"b""c"}', "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ('{"a":[1,{"b":2}}', "invalid character '}' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("[}", "invalid character '}' looking for beginning of value"),
        ("not json", "invalid character 'o' in literal null (expecting 'u')"),
        ("nu ll", "invalid character ' ' in literal null (expecting 'l')"),
        ('{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        ('{"a":1} trailing', "invalid character 't' after top-level value"),
        ('{"a":1}}', "invalid character '}' after top-level value"),
        ("01", "invalid character '1' after top-level value"),
        ("[01]", "invalid character '1' after array element"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        (r'"\x"', "invalid character 'x' in string escape code"),
        (r'"\u12g"', r"invalid character 'g' in \u hexadecimal character escape"),
        ('"a\x01"', r"invalid character '\x01' in string literal"),
        ("apiVersion: v1", "invalid character 'a' looking for beginning of value"),
        ("'", r"invalid character '\'' looking for beginning of value"),
        (b"\xff", "invalid character 'ÿ' looking for beginning of value"),
        (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value"),
        ("1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"),
    ],
)
def test_says_what_go_says(text, message):
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\xff"', "�"),
        (b'"\xe2\x82"', "��"),
        (rb'"\ud800"', "�"),
        (rb'"\ud83d\ude00\ude00"', "😀�"),
        (rb'"\\ud800"', r"\ud800"),
        (b'"\xff 1e400"', "� 1e400"),
    ],
)
def test_replaces_what_is_not_unicode_as_go_does(text, value):
    assert parse_json(text) == value


@given(VALUES)
def test_reads_all_json(value):
    assert parse_json(json.dumps(value).encode()) == value


@given(VALUES, st.integers(0, 60), st.sampled_from(list('{}[],:"x0-.\\ ')))
def test_refuses_exactly_what_is_not_json(value, place, extra):
    text = json.dumps(value, ensure_ascii=False)
    broken = text[:place] + extra + text[place:]
    try:
        expected = json.loads(broken)
    except ValueError:
        assert refusal(broken) == syntax_error(broken, 0)
    else:
        assert parse_json(broken.encode()) == expected


@given(VALUES, st.integers(0, 60))
def test_the_end_of_a_cut_text_is_found(value, length):
    text = json.dumps([value], ensure_ascii=False)
    assert refusal(text[: min(length, len(text) - 1)]) == END


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_limits_depth(start, end):
    parse_json((start * (MAX_DEPTH - 1) + "1" + end * (MAX_DEPTH - 1)).encode())
    assert refusal(start * 2000 + "1" + end * 2000) == TOO_DEEP
    assert refusal(start * (MAX_DEPTH + 1) + "1" + end * (MAX_DEPTH + 1)) == TOO_DEEP
    assert refusal(start * 100_000) == TOO_DEEP


@pytest.mark.parametrize(
    ("text", "duplicated"),
    [
        (b'{"a":1,"b":{"a":2}}', False),
        (b'{"a":"x:y:z","b":["::"]}', False),
        (rb'{"a":"\u003a"}', False),
        (b'{"a" : 1, "b" :2}', False),
        (b'{"a":1,"a":2}', True),
        (b'[{"x":{"b":1,"c":2,"b":3}}]', True),
        (rb'{"a":1,"\u0061":2}', True),
        (rb'{"a":1,"a":"\u003a"}', True),
        (rb'{"a":1,"a":"\u003A"}', True),
        (b'{"a":"x:y","a":"z"}', True),
    ],
)
def test_notices_duplicate_members(text, duplicated):
    value, tree = parse_document(text)
    assert value == json.loads(text)
    assert (tree is not None) == duplicated


@given(st.lists(st.tuples(st.sampled_from("ab:"), st.text(alphabet='ab:"\\ é', max_size=3)), max_size=5))
def test_duplicates_are_found_in_any_spelling(members):
    text = "{" + ",".join(f"{json.dumps(name)} : {json.dumps(value)}" for name, value in members) + "}"
    duplicated = len({name for name, _ in members}) != len(members)
    tree = parse_document(text.encode()).tree
    assert tree == (Pairs(members) if duplicated else None)
