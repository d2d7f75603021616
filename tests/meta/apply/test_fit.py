"""The compiled walks agree with the plain ones."""

import json
from unittest import mock

from apply_kinds import CONFIG, WORKLOAD
from hypothesis import example, given
from hypothesis import strategies as st

from kapi.meta.apply import fieldset
from kapi.meta.apply.elements import BadItem
from kapi.meta.apply.fieldset import decode
from kapi.meta.apply.fit import fitting_fields
from kapi.meta.apply.owned import owned_fields
from kapi.meta.apply.validate import IllTyped, check_type
from kapi.meta.schema.types import Struct

SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "TCP"]) | st.just(1.5)


def names_of(struct, seen):
    """Return all names of members in a type, so that random objects meet them."""
    if not isinstance(struct, Struct) or struct.name in seen:
        inner = getattr(struct, "items", None) or getattr(struct, "values", None)
        return names_of(inner, seen) if inner is not None and not isinstance(struct, Struct) else set()
    seen.add(struct.name)
    found = set(struct.fields)
    for field in struct.fields.values():
        found |= names_of(field.type, seen)
    return found


MEMBERS = st.sampled_from([*sorted(names_of(WORKLOAD, set())), "a", "nobody-knows"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4), max_leaves=20
)
KEYS = st.text("ab", max_size=1)


def plainly(struct, config):
    try:
        check_type(struct, config)
        return owned_fields(struct, config)
    except (IllTyped, BadItem):
        return None


def fitted(type_, depth=4):
    """Return values that mostly fit a type."""
    if isinstance(type_, Struct):
        members = {name: fitted(field.type, depth - 1) for name, field in type_.fields.items()} if depth else {}
        return st.fixed_dictionaries({}, optional=members) | SCALARS
    if hasattr(type_, "items"):
        return st.lists(fitted(type_.items, depth - 1), max_size=2)
    if hasattr(type_, "values"):
        return st.dictionaries(KEYS, fitted(type_.values, depth - 1), max_size=2)
    right = {"string": st.sampled_from(["", "a", "b"]), "int32": st.integers(0, 2), "boolean": st.booleans()}
    return right.get(type_.kind, VALUES)


@given(st.dictionaries(MEMBERS, VALUES, max_size=4))
@example({"metadata": {"labels": {"a": None}}, "spec": {}})
def test_anything(config):
    for struct in (CONFIG, WORKLOAD):
        assert fitting_fields(struct, config) == plainly(struct, config)


@given(st.fixed_dictionaries({}, optional={name: fitted(field.type) for name, field in WORKLOAD.fields.items()}))
def test_what_mostly_fits(config):
    fast, slow = fitting_fields(WORKLOAD, config), plainly(WORKLOAD, config)
    assert fast == slow
    assert json.dumps(fast) == json.dumps(slow), "in the same order"


ELEMENTS = st.sampled_from(["f:a", "f:b", "f:", ".", 'k:{"b":1,"a":2}', 'v:"x"', "x:y"])
SETS = st.recursive(
    st.sampled_from([{}, None]), lambda inner: st.dictionaries(ELEMENTS, inner, max_size=4), max_leaves=12
)


@given(SETS.filter(bool))
def test_field_sets_that_need_no_decoding_are_told_from_others(raw):
    fast = decode(raw)
    with mock.patch.object(fieldset, "_is_plain", return_value=False):
        slow = decode(raw)
    assert json.dumps(fast) == json.dumps(slow)
    assert json.dumps(decode(fast)) == json.dumps(fast)
