"""Keys and prefixes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kapi_storage.keyspace import bounds, check_entry, check_key, lowest_from

TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


@given(TEXT.map(lambda text: "/" + text), TEXT.map(lambda text: "/" + text), TEXT)
@example("/a\U0010ffff", "/a\U0010ffff", "\U0010ffff")
@example("/a\ud7ff", "/a\ue000", "")
@example("/a/", "/a0", "")
def test_bounds_enclose_exactly_the_prefix(prefix: str, other: str, tail: str) -> None:
    first, end = bounds(prefix)
    for key in (prefix + tail, other, prefix, other + tail):
        assert (first <= key < end) == key.startswith(prefix)
        assert (first.encode() <= key.encode() < end.encode()) == key.startswith(prefix)


@given(TEXT)
def test_the_empty_prefix_covers_all_keys(text: str) -> None:
    first, end = bounds("")
    assert first <= "/" + text < end


def test_a_prefix_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not a storage prefix"):
        bounds("\U0010ffff")


@pytest.mark.parametrize("key", ["", "a", "a/b", "/a\0", "\0", "/\ud800"])
def test_bad_keys(key: str) -> None:
    with pytest.raises(ValueError, match=r"not a storage key|surrogates"):
        check_key(key)


@pytest.mark.parametrize("value", ["text", None, bytearray(b"x"), 1])
def test_values_are_bytes(value: object) -> None:
    with pytest.raises(TypeError, match="not bytes"):
        check_entry("/a", value)  # type: ignore[arg-type]  # the point of the test


@given(st.text(max_size=5), TEXT)
@example("/a\ud800z", "/a\ue000")
@example("/a\udfff\n", "/a\U0001f600")
def test_no_key_lies_between_a_text_and_its_lowest_form(text: str, key: str) -> None:
    assert (key >= text) == (key >= lowest_from(text))
    lowest_from(text).encode()
