"""Merging an apply configuration into an object, and taking fields out of one."""

from collections.abc import Iterator, Sequence
from typing import Any

from kapi.meta.apply.elements import BadItem, element_of
from kapi.meta.apply.fieldset import FieldSet, is_member
from kapi.meta.apply.shape import is_atomic, member_type, resolve
from kapi.meta.schema.types import MISSING, List, Map, Scalar, Type


def merge(type_: Type, live: Any, config: Any) -> Any:
    """Return ``live`` with what ``config`` says on top (MISSING for an absent side); the arguments stay as they are.

    Nothing is removed. Lists are in the live order, unless the configuration has some of their items in another.
    Raises BadItem for a list whose items cannot be told apart.
    """
    type_ = _common_type(type_, live, config)
    if isinstance(type_, Scalar) or is_atomic(type_):
        return live if config is MISSING else config
    if isinstance(type_, List):
        before = live if isinstance(live, list) else []
        after = config if isinstance(config, list) else []
        if before or after:
            return _merge_items(type_, before, after)
    else:
        old = live if isinstance(live, dict) else {}
        new = config if isinstance(config, dict) else {}
        if old or new:
            return _merge_members(type_, old, new)
    return live if config is MISSING else config


def _common_type(type_: Type, live: Any, config: Any) -> Type:
    """Return the type by which to merge; what is applied decides where only values tell."""
    if config is MISSING:
        return resolve(type_, live)
    return resolve(type_, config)


def _merge_members(type_: Type, live: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    merged = dict(live)
    for name, value in config.items():
        expected = member_type(type_, name)
        if expected is not None:
            merged[name] = merge(expected, live.get(name, MISSING), value)
    return merged


def _merge_items(type_: List, live: list[Any], config: list[Any]) -> list[Any]:
    name_of = element_of(type_)
    config_names = [name_of(item) for item in config]
    by_name = dict(zip(config_names, config, strict=True))
    if len(by_name) != len(config):
        raise BadItem("duplicate entries")
    live_names = [name_of(item) for item in live]
    before: dict[str, Any] = {}
    for name, item in zip(live_names, live, strict=True):
        # Items that occur twice are not merged with: the configuration's replaces them.
        before[name] = None if name in before else item

    return [
        live[place] if place is not None else merge(type_.items, before.get(name, MISSING), by_name[name])
        for name, place in _interleave(live_names, config_names)
    ]


def _interleave(live: Sequence[str], config: Sequence[str]) -> Iterator[tuple[str, int | None]]:
    """Yield the names of live and configured items in one order, with the place in ``live`` of those only there.

    The configuration's order holds among its own items, the live one's among the others; both lists are walked
    together, and where they meet again, they go on from there.
    """
    configured, known = set(config), set(live)
    shared = [name for name in reversed(config) if name in known]
    done: set[str] = set()
    at = then = 0
    while at < len(live) or then < len(config):
        name = live[at] if at < len(live) else None
        wanted = config[then] if then < len(config) else None
        if name is not None and name not in configured:
            yield name, at
            at += 1
        elif None not in (name, wanted) and name != wanted and shared and shared[-1] != name:
            at += 1
        else:
            at += name in done or name == wanted
            if wanted is not None:
                yield wanted, None
                done.add(wanted)
                then += 1
                if shared and shared[-1] == wanted:
                    shared.pop()


def remove(type_: Type, value: Any, fields: FieldSet) -> Any:
    """Return ``value`` without the members of ``fields``; lists and structs that become empty by it become null.

    The argument stays as it is; parts that keep all their fields are shared with the result.
    """
    type_ = resolve(type_, value)
    if isinstance(type_, Scalar):
        return value
    if not value or is_atomic(type_):
        return None
    if isinstance(type_, List):
        return _remove_items(type_, value, fields) if isinstance(value, list) else None
    return _remove_members(type_, value, fields) if isinstance(value, dict) else None


def _remove_members(type_: Type, value: dict[str, Any], fields: FieldSet) -> dict[str, Any] | None:
    kept: dict[str, Any] = {}
    for name, member in value.items():
        node = fields.get("f:" + name)
        if node is None:
            kept[name] = member
        elif not is_member(node):
            expected = member_type(type_, name)
            kept[name] = member if expected is None else remove(expected, member, node)
    return kept if isinstance(type_, Map) else kept or None


def _remove_items(type_: List, value: list[Any], fields: FieldSet) -> Any:
    name_of = element_of(type_)
    kept: list[Any] = []
    for item in value:
        node = fields.get(name_of(item))
        if node is None:
            kept.append(item)
        elif not is_member(node):
            kept.append(remove(type_.items, item, node))
    return kept or None
