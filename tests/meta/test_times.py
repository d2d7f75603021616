import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta import times


def test_timestamps():
    assert times.format_seconds(1767323045.9) == "2026-01-02T03:04:05Z"
    assert times.format_micro(1767323045.25) == "2026-01-02T03:04:05.250000Z"
    assert times.parse("2026-01-02T03:04:05Z") == times.parse("2026-01-02T04:04:05+01:00") == 1767323045
    assert times.parse(times.now()) <= times.parse(times.now_micro())


@pytest.mark.parametrize(
    "text", ["", "nope", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "20260102T030405Z12345"]
)
def test_other_text_is_no_timestamp(text):
    with pytest.raises(ValueError, match="."):
        times.parse(text)


def test_seconds_are_cut_off_on_both_sides_of_the_epoch():
    assert [times.format_seconds(seconds) for seconds in (1.9, 1, 0.0, -0.1)] == [
        "1970-01-01T00:00:01Z",
        "1970-01-01T00:00:01Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ]


@given(st.integers(0, 4_000_000_000))
def test_parsing_undoes_formatting(seconds):
    assert times.parse(times.format_seconds(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (3 * 3600 + 20 * 60, "3h20m"),
        (8 * 3600 + 1800, "8h"),
        (47 * 3600, "47h"),
        (2 * 86400, "2d"),
        (5 * 86400 + 7200, "5d2h"),
        (8 * 86400 + 7200, "8d"),
        (730 * 86400, "2y"),
        (733 * 86400, "2y3d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations_for_people(seconds, text):
    assert times.human_duration(seconds) == text


def test_ages():
    assert times.age(None) == times.age("junk") == "<unknown>"
    assert times.age("2026-01-02T03:04:05Z", at=1767323045 + 86400 * 5) == "5d"
