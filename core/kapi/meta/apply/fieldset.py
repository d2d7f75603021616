"""Field sets: which fields of an object somebody owns.

A field set is kept in the very form of ``fieldsV1``: a trie of plain dicts whose keys are path elements.

- ``f:name`` a member of a map or struct, ``k:{"name":"c"}`` the item of a list with these keys, ``v:"x"`` the item of
  a set, ``i:0`` an item by position;
- a node without children (``{}``) is in the set; one with children is only if it holds ``"."`` too.

The functions never change their arguments; results share nodes with them. Nodes made here are in canonical order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

FieldSet = dict[str, Any]
"""A trie of path elements; values are FieldSets again."""

Ignored = FieldSet | Callable[[FieldSet], FieldSet]
"""What nobody comes to own by writing it: a set whose members, and what is below them, do not count; or a function that
returns what counts of a set."""

SELF = "."
"""The key that marks a node with children as a member of the set."""

_KINDS = {"f:": 0, "k:": 1, "v:": 2, "i:": 3}


def is_member(node: FieldSet) -> bool:
    """Tell whether a node is itself in the set (not only some of its children)."""
    return not node or SELF in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in either set."""
    if not left or not right:
        return left or right
    merged = dict(left)
    grown = False
    for key, theirs in right.items():
        mine = merged.get(key)
        if mine is None:
            merged[key] = theirs
            grown = True
        elif mine is not theirs:
            merged[key] = _union_node(mine, theirs)
    return in_order(merged) if grown else merged


def _union_node(mine: FieldSet, theirs: FieldSet) -> FieldSet:
    if mine and theirs:
        return union(mine, theirs)
    children = mine or theirs
    return children if not children or SELF in children else {SELF: {}, **children}


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return the members of ``left`` that are no members of ``right``; ``left`` itself when nothing goes."""
    rest: FieldSet | None = None
    for key in right if len(right) <= len(left) else left:
        if key == SELF or key not in left or key not in right:
            continue
        node = _difference_node(left[key], right[key])
        if node is left[key]:
            continue
        rest = dict(left) if rest is None else rest
        if node is None:
            del rest[key]
        else:
            rest[key] = node
    return left if rest is None else rest


def _difference_node(mine: FieldSet, theirs: FieldSet) -> FieldSet | None:
    taken = is_member(theirs)
    if not mine:
        return None if taken else mine
    rest = difference(mine, theirs)
    if taken and SELF in rest:
        rest = {key: node for key, node in rest.items() if key != SELF}
    if not rest:
        return None
    return {} if len(rest) == 1 and SELF in rest else rest


def counted(fields: FieldSet, ignored: Ignored | None) -> FieldSet:
    """Return what counts of a set."""
    if not ignored:
        return fields
    return ignored(fields) if callable(ignored) else recursive_difference(fields, ignored)


def recursive_difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return the members of ``left`` that are neither members of ``right`` nor below one."""
    rest: FieldSet = {}
    for key, node in left.items():
        theirs = right.get(key) if key != SELF else None
        if theirs is None:
            rest[key] = node
        elif not is_member(theirs) and (kept := _recursive_node(node, theirs)) is not None:
            rest[key] = kept
    return rest


def _recursive_node(mine: FieldSet, theirs: FieldSet) -> FieldSet | None:
    if not mine:
        return mine
    rest = recursive_difference(mine, theirs)
    if not rest:
        return None
    return {} if len(rest) == 1 and SELF in rest else rest


def below(fields: FieldSet, pattern: Sequence[str]) -> FieldSet:
    """Return the members of a set whose path begins with a pattern, in which ``*`` stands for any element."""
    if not pattern:
        return fields
    first, rest = pattern[0], pattern[1:]
    found: FieldSet = {}
    for key, node in fields.items():
        if key != SELF and first in ("*", key):
            kept = below(node, rest) if rest else node
            if kept or not rest:
                found[key] = kept
    return found


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is a member of both sets."""
    both: FieldSet = {}
    for key, mine in left.items():
        if key == SELF or key not in right:
            continue
        theirs = right[key]
        children = intersection(mine, theirs) if mine and theirs else {}
        if is_member(mine) and is_member(theirs):
            both[key] = {SELF: {}, **children} if children else {}
        elif children:
            both[key] = children
    return both


def leaves(fields: FieldSet) -> FieldSet:
    """Return the members that have no children."""
    return {key: leaves(node) if node else {} for key, node in fields.items() if key != SELF and node != {SELF: {}}}


def has(fields: FieldSet, path: tuple[str, ...]) -> bool:
    """Tell whether the path is a member of the set; the empty path never is."""
    node = fields
    for element in path:
        if element == SELF or element not in node:
            return False
        node = node[element]
    return bool(path) and is_member(node)


def from_paths(*paths: tuple[str, ...]) -> FieldSet:
    """Return the set that has exactly these members."""
    fields: FieldSet = {}
    for path in paths:
        node: FieldSet = {}
        for element in reversed(path):
            node = {element: node}
        fields = union(fields, node)
    return fields


def members(fields: FieldSet, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths in the set; those of one level before those below it."""
    for key, node in fields.items():
        if key != SELF and is_member(node):
            yield (*prefix, key)
    for key, node in fields.items():
        if node:
            yield from members(node, (*prefix, key))


def element_order(element: str) -> tuple[Any, ...]:
    """Return the sort key of a path element: members, keyed items, values, positions; each by value."""
    kind = _KINDS.get(element[:2], -1)
    if kind <= 0:
        return kind, element
    value = orjson.loads(element[2:])
    if kind == 1:
        return kind, [(name, *_value_order(value[name])) for name in sorted(value)]
    return kind, *_value_order(value)


def _value_order(value: Any) -> tuple[int, Any]:
    match value:
        case bool():
            return 2, value
        case int() | float():
            return 0, value
        case str():
            return 1, value
        case None:
            return 5, 0
    return 3, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def in_order(node: FieldSet) -> FieldSet:
    """Return one level of a set with its keys in canonical order."""
    if len(node) < 2:
        return node
    if all(key[:2] == "f:" or key == SELF for key in node):
        return {key: node[key] for key in sorted(node)}
    return {key: node[key] for key in sorted(node, key=element_order)}


def decode(raw: Any) -> FieldSet:
    """Return the field set that somebody else wrote as ``fieldsV1``, in canonical form.

    Path elements of unknown kinds are dropped, as are nodes that only held such. Raises ValueError for what is no
    field set.
    """
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise ValueError("fieldsV1 must be an object")
    if isinstance(raw, dict) and SELF not in raw and _is_plain(raw):
        return raw
    return _decode_children(raw)


def _is_plain(raw: dict[Any, Any]) -> bool:
    """Tell whether a set is in canonical form already, as those are that kapi wrote; False also where it is unclear.

    Items of lists are not looked at: their elements must be parsed.
    """
    last = ""
    for key, node in raw.items():
        plain = key == SELF or key[:2] == "f:"
        if not plain or key <= last or node.__class__ is not dict or (node and not _is_plain(node)):
            return False
        last = key
    return len(raw) > 1 or SELF not in raw


def _decode_node(raw: Any) -> FieldSet | None:
    if raw is None or raw == {}:
        return {}
    if not isinstance(raw, Mapping):
        raise ValueError("a node of fieldsV1 must be an object")
    if isinstance(raw, dict) and _is_plain(raw):
        return raw
    children = _decode_children(raw)
    if not children:
        return {}
    return {SELF: {}, **children} if SELF in raw else children


def _decode_children(raw: Mapping[str, Any]) -> FieldSet:
    fields: FieldSet = {}
    for key, value in raw.items():
        element = canonical_element(key) if key != SELF else None
        if element is None:
            continue
        node = _decode_node(value)
        if node is not None:
            fields[element] = _union_node(fields[element], node) if element in fields else node
    return in_order(fields)


def canonical_element(text: str) -> str | None:
    """Return a path element as upstream writes it; None for an unknown kind. Raises ValueError for bad syntax."""
    kind, value = text[:2], text[2:]
    if len(text) < 2 or text[1] != ":":
        raise ValueError(f"missing colon: {text}")
    if kind == "f:":
        return text
    if kind not in _KINDS:
        return None
    parsed = orjson.loads(value)
    if kind == "k:" and not isinstance(parsed, dict):
        raise ValueError("the keys of an item must be an object")
    if kind == "i:" and type(parsed) is not int:
        raise ValueError("a position must be a whole number")
    return kind + (key_text(parsed) if kind == "k:" else value_text(parsed))


def key_text(keys: Mapping[str, Any]) -> str:
    """Return the text of an item's keys, sorted by name."""
    return "{" + ",".join(f"{value_text(name)}:{value_text(keys[name])}" for name in sorted(keys)) + "}"


def value_text(value: Any) -> str:
    """Return a value as JSON, with whole floats as integers and HTML characters escaped, as upstream writes it."""
    if type(value) is int:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if "<" in text or ">" in text or "&" in text:
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text
