import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.fields import METADATA_FIELDS, escape, parse_field_selector


def message(text):
    with pytest.raises(StatusError) as caught:
        parse_field_selector(text)
    assert caught.value.code == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("", {}, True),
        ("metadata.name=a", {"metadata.name": "a"}, True),
        ("metadata.name==a", {"metadata.name": "a"}, True),
        ("metadata.name!=a", {"metadata.name": "a"}, False),
        ("metadata.name=a,", {"metadata.name": "a"}, True),
        ("metadata.name=a,status.phase!=Done", {"metadata.name": "a", "status.phase": "Done"}, False),
        ("status.phase=", {}, True),
        (r"metadata.name=a\,b", {"metadata.name": "a,b"}, True),
        ("metadata.name=a,metadata.name=b", {"metadata.name": "a"}, False),
    ],
)
def test_what_selectors_select(text, fields, expected):
    assert parse_field_selector(text).matches(fields) is expected


def test_mistakes_are_named():
    assert message("garbage") == "invalid selector: 'garbage'; can't understand 'garbage'"
    assert message("metadata.name in (a,b)") == "invalid selector: 'metadata.name in (a,b)'; can't understand 'b)'"
    assert message("a=b=c") == "invalid field selector: unescaped character in value: 61"
    assert message("a=b\\x") == "invalid field selector: invalid escape sequence: \\x"
    assert message("a=b\\") == "invalid field selector: invalid escape sequence: \\"


def test_exact_values():
    selector = parse_field_selector("metadata.name=a,status.phase!=x")
    assert selector.exact("metadata.name") == "a"
    assert selector.exact("status.phase") is None


def test_unknown_fields_are_refused():
    selector = parse_field_selector("metadata.name=a,data.k=v")
    with pytest.raises(
        StatusError, match='"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"'
    ):
        selector.check(METADATA_FIELDS, metadata_only=True)
    with pytest.raises(StatusError, match="^field label not supported: data.k$"):
        selector.check({"metadata.name": None, "x": None}, metadata_only=False)
    selector.check(("metadata.name", "data.k"), metadata_only=False)


@given(st.text(max_size=10), st.booleans())
def test_any_value_can_be_escaped(value, equal):
    text = f"f{'=' if equal else '!='}{escape(value)}"
    selector = parse_field_selector(text)
    assert selector.matches({"f": value}) is equal
    assert parse_field_selector(str(selector)).requirements == selector.requirements
