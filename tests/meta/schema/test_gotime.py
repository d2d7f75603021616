from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.schema.gotime import MICRO_TIME_LAYOUT, TIME_LAYOUT, TimeError, canonical_micro_time, canonical_time


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("2024-01-01T00:00:00+02:00", "2023-12-31T22:00:00Z"),
        ("2024-01-01T00:00:00.123456789-00:30", "2024-01-01T00:30:00Z"),
        ("2024-01-01T1:00:00Z", "2024-01-01T01:00:00Z"),
        ("0044-03-15T12:00:00Z", "0044-03-15T12:00:00Z"),
        ("0044-03-15T12:00:00.5Z", "0044-03-15T12:00:00Z"),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_canonical_times(text, canonical):
    assert canonical_time(text) == canonical


@pytest.mark.parametrize(
    ("text", "value", "element"),
    [
        ("yesterday", "yesterday", "2006"),
        ("", "", "2006"),
        ("2024", "", "-"),
        ("2024-1-01T00:00:00Z", "1-01T00:00:00Z", "01"),
        ("2024-01-01 00:00:00Z", " 00:00:00Z", "T"),
        ("2024-01-01T00:00Z", "Z", ":"),
        ("2024-01-01T00:00:00", "", "Z07:00"),
        ("2024-01-01T00:00:00z", "z", "Z07:00"),
        ("2024-01-01T00:00:00+0100", "+0100", "Z07:00"),
    ],
)
def test_unreadable_pieces_are_named(text, value, element):
    with pytest.raises(TimeError) as caught:
        canonical_time(text)
    assert str(caught.value) == f'parsing time "{text}" as "{TIME_LAYOUT}": cannot parse "{value}" as "{element}"'


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("2024-13-01T00:00:00Z", "month"),
        ("2023-02-29T00:00:00Z", "day"),
        ("2024-01-32T00:00:00Z", "day"),
        ("2024-01-01T24:00:00Z", "hour"),
        ("2024-01-01T00:60:00Z", "minute"),
        ("2024-01-01T00:00:60Z", "second"),
        ("2024-01-01T00:00:00+25:00", "time zone offset hour"),
    ],
)
def test_pieces_out_of_range(text, piece):
    with pytest.raises(TimeError) as caught:
        canonical_time(text)
    assert str(caught.value) == f'parsing time "{text}": {piece} out of range'


def test_extra_text():
    with pytest.raises(TimeError, match='^parsing time "2024-01-01T00:00:00Zx": extra text: "x"$'):
        canonical_time("2024-01-01T00:00:00Zx")


def test_micro_times_need_six_digits():
    assert canonical_micro_time("2024-01-01T00:00:00.000100Z") == "2024-01-01T00:00:00.000100Z"
    assert canonical_micro_time("2024-01-01T00:00:00.000100+01:00") == "2023-12-31T23:00:00.000100Z"
    with pytest.raises(TimeError) as caught:
        canonical_micro_time("2024-01-01T00:00:00Z")
    assert str(caught.value).endswith(f'as "{MICRO_TIME_LAYOUT}": cannot parse "Z" as ".000000"')


@given(st.datetimes(min_value=datetime(2, 1, 1), timezones=st.just(UTC)))
def test_canonical_times_are_fixed_points(moment):
    text = f"{moment:%Y-%m-%dT%H:%M:%S}Z".zfill(20)
    assert canonical_time(text) == text
    micro = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z".zfill(27)
    assert canonical_micro_time(micro) == micro


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(TimeError):
        assert canonical_time(canonical_time(text) or "2024-01-01T00:00:00Z")
