from typing import Any

import pytest
from admission_writes import named, write
from hypothesis import given
from hypothesis import strategies as st

from kapi.contracts.plugins import BuildContext, Options
from kapi.meta.gvk import GroupVersionResource
from kapi_admission.default_tolerations import NOT_READY, UNREACHABLE, DefaultTolerationSeconds, build
from kapi_admission.tolerations import covers, merged


def added(key: str, seconds: int = 300) -> dict[str, Any]:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


async def tolerations(given: list[dict[str, Any]] | None, **options: Any) -> Any:
    pod = named({"tolerations": given} if given is not None else {})
    await DefaultTolerationSeconds({NOT_READY: 300, UNREACHABLE: 300}).admit(write(pod, **options))
    return pod["spec"].get("tolerations")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (None, [NOT_READY, UNREACHABLE]),
        ([{"key": NOT_READY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}], [UNREACHABLE]),
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoExecute"}], []),
        ([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
        ([{"key": UNREACHABLE, "operator": "Equal", "value": "v"}], [NOT_READY]),
        ([{"key": "x", "value": "y"}], [NOT_READY, UNREACHABLE]),
    ],
)
async def test_what_is_missing_is_added_behind_what_is_there(given: Any, missing: list[str]) -> None:
    want = [*(given or ()), *map(added, missing)]
    assert await tolerations(given) == (want or None)
    assert await tolerations(given, operation="UPDATE") == (want or None)


async def test_other_writes_are_no_concern() -> None:
    assert await tolerations(None, subresource="binding") is None
    assert await tolerations(None, resource=GroupVersionResource("apps", "v1", "deployments")) is None


async def test_flags_set_the_seconds() -> None:
    options = {"default-not-ready-toleration-seconds": 1, "default-unreachable-toleration-seconds": 2}
    pod = named()
    await build(BuildContext(Options(options), None)).admit(write(pod))  # type: ignore[arg-type]  # no folder is touched
    assert pod["spec"]["tolerations"] == [added(NOT_READY, 1), added(UNREACHABLE, 2)]


TOLERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from(["", "a", "b"]),
        "operator": st.sampled_from(["", "Exists", "Equal"]),
        "value": st.sampled_from(["", "v"]),
        "effect": st.sampled_from(["", "NoExecute", "NoSchedule"]),
        "tolerationSeconds": st.integers(0, 2),
    },
)
LISTS = st.lists(TOLERATIONS, max_size=5)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ({"operator": "Exists"}, {"key": "a", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "a", "operator": "Exists"}, {"key": "a", "value": "v"}, True),
        ({"key": "a", "operator": "Exists"}, {"key": "b", "value": "v"}, False),
        ({"key": "a", "value": "v"}, {"key": "a", "value": "w"}, False),
        ({"key": "a", "value": "v"}, {"key": "a", "value": "v", "effect": "NoExecute"}, True),
        ({"key": "a", "value": "v", "effect": "NoExecute"}, {"key": "a", "value": "v"}, False),
        (added("a", 5), added("a", 4), True),
        (added("a", 5), added("a", 6), False),
        (added("a", 5), {"key": "a", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "a", "operator": "Exists", "effect": "NoExecute"}, added("a", 5), True),
        ({"key": "a", "operator": "Other"}, {"key": "a", "operator": "Other", "value": "v"}, False),
    ],
)
def test_covers(wide: Any, narrow: Any, expected: bool) -> None:
    assert covers(wide, narrow) is expected


@given(LISTS, LISTS)
def test_merging_keeps_all_that_was_tolerated(first: list[Any], second: list[Any]) -> None:
    result = merged(first, second)
    assert all(one in [*first, *second] for one in result)
    assert all(any(covers(kept, one) for kept in result) for one in [*first, *second])
    assert not any(covers(a, b) for i, a in enumerate(result) for j, b in enumerate(result) if i < j)


@given(LISTS)
def test_merging_a_list_into_itself_changes_nothing(first: list[Any]) -> None:
    once = merged(first, ())
    assert merged(once, once) == once
