import itertools

import pytest
from apply_kinds import STRING

from kapi.meta.apply.merge import merge
from kapi.meta.schema.types import List

SET = List(STRING, "[]string", "set")


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("abc", "", "abc"),
        ("", "abc", "abc"),
        ("abc", "c", "abc"),
        ("abc", "d", "abcd"),
        ("abc", "ca", "bca"),
        ("abcd", "db", "acdb"),
        ("abc", "xb", "axbc"),
        ("aab", "ac", "acb"),
    ],
)
def test_the_order_of_merged_lists(live, config, merged):
    assert "".join(merge(SET, list(live), list(config))) == merged


def test_merging_keeps_both_orders():
    for live in itertools.permutations("abc"):
        for config in itertools.permutations("bcd", 2):
            merged = merge(SET, list(live), list(config))
            assert sorted(merged) == sorted({*live, *config})
            assert [item for item in merged if item in config] == list(config)
            assert [item for item in merged if item not in config] == [item for item in live if item not in config]
