import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi_apigroups.batch.schedule import schedule_problem


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "*/5 * * * *",
        "0 0 1 1 *",
        "0,30 9-17 * * mon-fri",
        "5/10 * * JAN,feb *",
        "@daily",
        "@every 1h30m",
        "? * * * 0",
    ],
)
def test_accepts(schedule):
    assert schedule_problem(schedule) == ""


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("a b c d e", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_refuses(schedule, problem):
    assert schedule_problem(schedule) == problem


@given(st.text())
def test_judges_any_text(text):
    assert isinstance(schedule_problem(text), str)


@given(st.tuples(*(st.integers(low, high) for low, high in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))))
def test_accepts_every_moment(moment):
    assert schedule_problem(" ".join(map(str, moment))) == ""
