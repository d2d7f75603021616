from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kapi.meta.quantity import (
    FORMAT_MESSAGE,
    NUMERIC_MESSAGE,
    SUFFIX_MESSAGE,
    Notation,
    Quantity,
    QuantityError,
    canonical,
    canonical_milli,
    parse,
)

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "e3", "E-3", "e6"]
TEXTS = st.builds(
    lambda sign, number, suffix: f"{sign}{number}{suffix}",
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**7).map(str) | st.decimals("0", "10000", places=3).map(str),
    st.sampled_from(SUFFIXES),
)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("0", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.50", "1500m"),
        ("1024Mi", "1Gi"),
        ("1028Mi", "1028Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.1Gi", "107374182400m"),
        ("-1.5Ki", "-1536"),
        ("0Mi", "0"),
        ("100Ti", "100Ti"),
        ("1000M", "1G"),
        ("1000e3", "1e6"),
        ("1e100", "10e99"),
        ("0.0000000001", "1n"),
        ("-0.0000000001", "-1n"),
        ("9999999999999Gi", "9223372036854775807"),
        ("123456789012345678901", "123456789012345678901"),
        ("Gi", "0"),
        (".", "0"),
        ("-", "0"),
    ],
)
def test_canonical_form(text, stored):
    assert canonical(text) == stored


@pytest.mark.parametrize("text", ["1.500", "+5", "1e3", "1E3", "100e-3", "5.", "12E", "1Ki", "00012"])
def test_simple_texts_stand_as_written(text):
    assert canonical(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", FORMAT_MESSAGE),
        ("lots", FORMAT_MESSAGE),
        ("1 Gi", FORMAT_MESSAGE),
        ("1gi", FORMAT_MESSAGE),
        ("1.2.3", FORMAT_MESSAGE),
        ("0x10", FORMAT_MESSAGE),
        ("٣", FORMAT_MESSAGE),
        ("1e1Ki", FORMAT_MESSAGE),
        ("1e", SUFFIX_MESSAGE),
        ("--1", SUFFIX_MESSAGE),
        ("1m5", SUFFIX_MESSAGE),
        ("5Ee5", SUFFIX_MESSAGE),
        ("1e99999999999", SUFFIX_MESSAGE),
        ("9" * 5000, NUMERIC_MESSAGE),
    ],
)
def test_refusals(text, message):
    for read in (parse, canonical):
        with pytest.raises(QuantityError) as caught:
            read(text)
        assert str(caught.value) == message


def exact(text):
    """Return the value that a text stands for; amounts in powers of two end at the largest int64, as in Kubernetes."""
    scales = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
    binary = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
    number = text.rstrip("nukmKMGTPEi")
    suffix = text[len(number) :]
    if suffix in binary:
        value = Fraction(number) * 2 ** binary[suffix]
        return max(min(value, Fraction(2**63 - 1)), Fraction(1 - 2**63))
    return Fraction(Decimal(number)) * Fraction(10) ** scales[suffix]


@given(TEXTS)
def test_canonical_form_is_a_fixed_point(text):
    once = canonical(text)
    assert canonical(once) == once
    assert canonical(str(parse(text))) == str(parse(text))


@given(TEXTS)
def test_canonical_form_keeps_the_value(text):
    assert parse(canonical(text)) == parse(text)
    assert parse(str(parse(text))) == parse(text)


@given(TEXTS)
@example("8388608Ti")
@example("-8388608.5Ti")
def test_value_is_exact_or_rounded_away_from_zero(text):
    value, read = exact(text), parse(text)
    found = Fraction(read.unscaled) * Fraction(10) ** read.exponent
    assert abs(found) >= abs(value)
    assert abs(found - value) < Fraction(1, 10**9)


@given(TEXTS, TEXTS)
def test_order_and_arithmetic_agree(left, right):
    a, b = parse(left), parse(right)
    assert (a < b) == bool((b - a).unscaled > 0)
    assert a + b == b + a
    assert (a + b) - b == a
    assert (a == b) <= (hash(a) == hash(b))
    assert not a - a


@given(TEXTS)
def test_ceil_rounds_away_from_zero(text):
    a = parse(text)
    assert abs(a.ceil(-3)) >= abs(Fraction(a.unscaled) * Fraction(10) ** (a.exponent + 3))
    assert abs(a.ceil()) < abs(Fraction(a.unscaled) * Fraction(10) ** a.exponent) + 1


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1000100u", "1001m"),
        ("1e-9", "1e-3"),
        ("1.500", "1.500"),
        ("+5", "+5"),
        ("-1u", "-1m"),
        ("1Gi", "1Gi"),
        ("2", "2"),
    ],
)
def test_amounts_of_resources_are_rounded_up_to_thousandths(text, stored):
    assert canonical_milli(text) == stored


@given(TEXTS)
def test_rounding_up_is_a_fixed_point(text):
    assert canonical_milli(canonical_milli(text)) == canonical_milli(text)
    assert abs(parse(canonical_milli(text)).ceil(-9)) >= abs(parse(text).ceil(-9))


def test_sums_keep_the_notation():
    assert str(parse("1Gi") + parse("512Mi")) == "1536Mi"
    assert str(parse("500m") + parse("500m")) == "1"
    assert str(Quantity(0) + parse("1Mi")) == "1Mi"
    assert str(Quantity(2048, 0, Notation.BINARY)) == "2Ki"
    assert str(parse("1Gi") - parse("1Gi")) == "0"
    assert parse("1k") == parse("1000")
    assert parse("1k") != "1k"
