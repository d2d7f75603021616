import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1m0s", 60), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), (".5m", 30), ("-2s", -2), ("+2s", 2)],
)
def test_reads_go_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-", "5", "1x", "s", "1m 2s", "1m2", "१s", "1e3s", "99999999999h", "1s\n"])
def test_refuses_others(text):
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (60, "1m0s"), (3600, "1h0m0s"), (5400.5, "1h30m0.5s"), (0.002, "2ms"), (-90, "-1m30s")],
)
def test_prints_as_go_does(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000))
def test_reads_what_it_prints(seconds):
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
