import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.contracts.authz import NonResourceRule, ResourceRule
from kapi_apigroups.rbac.coverage import MAX_PARTS, Grant, compact, held, missing, parts

words = st.lists(st.sampled_from(["a", "b", "c", "*", "x/s", "*/s"]), min_size=1, max_size=3, unique=True).map(tuple)
names = st.lists(st.sampled_from(["n", "m"]), max_size=2, unique=True).map(tuple)
grants = st.builds(Grant, verbs=words, groups=words, resources=words, names=names, urls=st.just(()))


@pytest.mark.parametrize(
    ("mine", "other", "covered"),
    [
        (Grant(("*",), ("*",), ("*",)), Grant(("get",), ("",), ("pods",), ("p",)), True),
        (Grant(("*",), ("*",), ("*",)), Grant(("get",), urls=("/x",)), False),
        (Grant(("get",), ("",), ("pods",)), Grant(("get",), ("",), ("pods",), ("p",)), True),
        (Grant(("get",), ("",), ("pods",), ("p",)), Grant(("get",), ("",), ("pods",)), False),
        (Grant(("get",), ("",), ("pods",), ("p",)), Grant(("get",), ("",), ("pods",), ("p", "q")), False),
        (Grant(("get",), ("",), ("pods",)), Grant(("*",), ("",), ("pods",)), False),
        (Grant(("get",), ("",), ("*/status",)), Grant(("get",), ("",), ("pods/status",)), True),
        (Grant(("get",), ("",), ("*/status",)), Grant(("get",), ("",), ("pods",)), False),
        (Grant(("get",), urls=("/a/*",)), Grant(("get",), urls=("/a/b", "/a/*")), True),
        (Grant(("get",), urls=("/a/*",)), Grant(("get",), urls=("/a",)), False),
        (Grant(("get",), urls=("*",)), Grant(("get",), urls=("/a",)), True),
        (Grant(("get",), ("",), ("pods",)), Grant(("get",), urls=("/a",)), False),
    ],
)
def test_what_one_rule_includes(mine: Grant, other: Grant, covered: bool) -> None:
    assert mine.covers(other) is covered


@given(grants)
def test_every_rule_includes_itself_and_its_parts(grant: Grant) -> None:
    assert grant.covers(grant)
    assert all(grant.covers(part) for part in parts(grant))
    assert missing([grant], [grant]) == []


@given(grants, st.lists(grants, max_size=3))
def test_what_is_missing_is_enough_to_cover_the_rest(wanted: Grant, holder: list[Grant]) -> None:
    lacking = missing(holder, [wanted])
    assert missing([*holder, *lacking], [wanted]) == []
    assert all(not mine.covers(part) for part in lacking for mine in holder)


@given(grants, st.lists(grants, max_size=3))
def test_joining_verbs_changes_nothing(wanted: Grant, holder: list[Grant]) -> None:
    lacking = missing(holder, [wanted])
    assert {part for grant in compact(lacking) for part in parts(grant)} == {p for g in lacking for p in parts(g)}


def test_nothing_held_includes_nothing() -> None:
    wanted = Grant(("get", "list"), ("",), ("pods",))
    assert [str(grant) for grant in compact(missing([], [wanted]))] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}'
    ]


def test_partial_rights_leave_the_rest() -> None:
    wanted = Grant(("get", "delete"), ("",), ("configmaps", "secrets"))
    holder = held([ResourceRule(("get", "list"), ("",), ("configmaps",))], [NonResourceRule(("get",), ("/api",))])
    assert [str(grant) for grant in compact(missing(holder, [wanted]))] == [
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
    ]


def test_rules_become_grants_and_rules_again() -> None:
    rule: dict[str, Any] = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["p"]}
    assert Grant.of(rule).as_rule() == rule
    assert Grant.of({"verbs": ["get"], "nonResourceURLs": ["/x"]}).as_rule() == {
        "verbs": ["get"],
        "nonResourceURLs": ["/x"],
    }


def test_huge_rules_are_judged_whole_and_soon() -> None:
    many = tuple(str(number) for number in range(1000))
    huge = Grant(many, many, many, many)
    near = [Grant(("1",), ("1",), ("1",), (str(n),)) for n in range(50)]
    begin = time.perf_counter()
    assert missing(near, [huge] * 3) == [huge] * 3
    assert missing([Grant(("*",), ("*",), ("*",))], [huge]) == []
    assert time.perf_counter() - begin < 1


def test_the_bound_is_for_all_rules_together() -> None:
    side = tuple(str(number) for number in range(MAX_PARTS // 100))
    wanted = [Grant(tuple(str(v) for v in range(100)), ("",), (*side[:-1], f"r{n}")) for n in range(3)]
    assert [grant in wanted for grant in missing([], wanted)][-2:] == [True, True]
