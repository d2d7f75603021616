"""What differs between two states of an object, as field sets.

Every write runs through here, so the type model is compiled, once per Struct and lazily per member, into objects that
walk only what differs: equal subtrees are skipped by one comparison in C.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kapi.meta.apply.elements import BadItem, ElementOf, element_of
from kapi.meta.apply.fieldset import SELF, FieldSet, in_order, union
from kapi.meta.apply.shape import ANY, is_atomic, is_opaque, member_type
from kapi.meta.schema.types import MISSING, List, Map, Scalar, Struct, Type

Object = dict[str, Any]

NEVER_OWNED = frozenset(
    (
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    )
)
"""Members of an object's own metadata that no manager owns; neither are ``apiVersion`` and ``kind``."""

__all__ = ["NEVER_OWNED", "BadItem", "Changes", "compare", "empty_object"]


class Changes(NamedTuple):
    """What a write did: ``changed`` holds fields that are new or have another value, ``removed`` those that went."""

    changed: FieldSet
    removed: FieldSet


def compare(struct: Struct, old: Object, new: Object) -> Changes:
    """Return what differs between two objects of a kind, without what nobody owns; raises BadItem.

    For a new object ``old`` is :func:`empty_object`.
    """
    root = struct.compiled.get("changes.root")
    if root is None:
        root = struct.compiled["changes.root"] = _Root(struct)
    try:
        changes: Changes = root.compare(old, new)
    except RecursionError:
        raise BadItem("exceeded max depth") from None
    return changes


def empty_object(struct: Struct) -> Object:
    """Return the object of a kind in which nothing is set: what is always on the wire, and nothing else.

    The result is shared; it must not be changed.
    """
    empty: Object | None = struct.compiled.get("changes.empty")
    if empty is None:
        empty = struct.compiled["changes.empty"] = {
            name: empty_object(field.type)
            if isinstance(field.type, Struct) and isinstance(field.zero, dict)
            else field.zero
            for name, field in struct.fields.items()
            if field.emit_zero
        }
    return empty


Fresh = Callable[[Any], FieldSet]
"""Returns the node of a value that was not there before."""
Node = FieldSet | None
Diff = Callable[[Any, Any], tuple[Node, Node]]
"""Returns the nodes of what changed and of what was removed between two unequal values; None for nothing."""


class _Ways(NamedTuple):
    """How values of a type are compared; None for leaves, which are owned as a whole."""

    fresh: Fresh | None
    diff: Diff | None


_LEAF = _Ways(None, None)
_Member = tuple[str, Fresh | None, Diff | None]
"""The path element of a member (empty: nobody owns it), and how its values are compared."""
_SKIPPED: _Member = ("", None, None)


def _compile(type_: Type) -> _Ways:
    if isinstance(type_, Scalar):
        return _free() if type_.kind == "any" and not is_opaque(type_) else _LEAF
    if is_atomic(type_):
        return _LEAF
    if isinstance(type_, Struct):
        return _compile_struct(type_)
    if isinstance(type_, Map):
        mapping = _Mapping(_MapMembers(type_.values))
        return _Ways(mapping.fresh, mapping.diff)
    if isinstance(type_, List):
        items = _Items(type_)
        return _Ways(items.fresh, items.diff)
    return _LEAF


def _compile_struct(struct: Struct) -> _Ways:
    ways: _Ways | None = struct.compiled.get("changes")
    if ways is None:
        mapping = _Mapping(_StructMembers(struct))
        ways = struct.compiled["changes"] = _Ways(mapping.fresh, mapping.diff)
    return ways


class _StructMembers(dict[str, _Member]):
    """The members of a struct, compiled when first met (structs may be recursive)."""

    def __init__(self, struct: Struct, skipped: frozenset[str] = frozenset()) -> None:
        super().__init__({name: _SKIPPED for name in skipped})
        self._struct = struct

    def __missing__(self, name: str) -> _Member:
        type_ = member_type(self._struct, name)
        if type_ is None:
            return _SKIPPED
        member = ("f:" + name, *_compile(type_))
        if name in self._struct.fields:
            self[name] = member
        return member


class _MapMembers(dict[str, _Member]):
    """The members of a map: any name, one type. Nothing is kept, because names are the clients'."""

    def __init__(self, values: Type) -> None:
        super().__init__()
        self._ways = _compile(values)

    def __missing__(self, name: str) -> _Member:
        return ("f:" + name, *self._ways)


class _Mapping:
    """Compares maps and structs member by member."""

    __slots__ = ("_members",)

    def __init__(self, members: dict[str, _Member]) -> None:
        self._members = members

    def fresh(self, value: Any) -> FieldSet:
        """Return the node of a new map: itself and all below."""
        if not value:
            return {}
        node: FieldSet = {SELF: {}}
        members = self._members
        for name in sorted(value):
            element, fresh, _ = members[name]
            if element:
                node[element] = {} if fresh is None else fresh(value[name])
        return node

    def diff(self, old: Any, new: Any) -> tuple[Node, Node]:
        """Return what changed and what went between two maps."""
        if not old and not new:
            return {}, None
        changed, removed = self.members(old or {}, new or {})
        return changed or None, removed or None

    def members(self, old: Object, new: Object) -> tuple[FieldSet, FieldSet]:
        """Return the nodes of the members that changed and of those that went."""
        members = self._members
        changed: FieldSet = {}
        removed: FieldSet = {}
        for name, value in new.items():
            before = old.get(name, MISSING)
            if before is MISSING:
                element, fresh, _ = members[name]
                if element:
                    changed[element] = {} if fresh is None else fresh(value)
            elif before != value:
                element, _, diff = members[name]
                if element:
                    _record(changed, removed, element, diff, before, value)
        for name in old.keys() - new.keys():
            element, fresh, _ = members[name]
            if element:
                removed[element] = {} if fresh is None else fresh(old[name])
        return (in_order(changed) if len(changed) > 1 else changed), removed


def _record(changed: FieldSet, removed: FieldSet, element: str, diff: Diff | None, old: Any, new: Any) -> None:
    if diff is None:
        changed[element] = {}
        return
    different, gone = diff(old, new)
    if different is not None:
        changed[element] = different
    if gone is not None:
        removed[element] = gone


class _Items:
    """Compares lists of type "set" and "map" item by item."""

    __slots__ = ("_diff", "_element", "_fresh")

    def __init__(self, type_: List) -> None:
        self._element: ElementOf = element_of(type_)
        self._fresh, self._diff = _compile(type_.items)

    def fresh(self, value: Any) -> FieldSet:
        """Return the node of a new list: itself and all items; of items that occur twice only the items."""
        if not value:
            return {}
        node: FieldSet = {SELF: {}}
        fresh = self._fresh
        for item in value:
            element = self._element(item)
            node[element] = {} if fresh is None or element in node else fresh(item)
        return in_order(node) if len(node) > 2 else node

    def diff(self, old: Any, new: Any) -> tuple[Node, Node]:
        """Return what changed and what went between two lists; the order of items does not matter."""
        if not old and not new:
            return {}, None
        before = self._by_element(old or ())
        after = self._by_element(new or ())
        changed: FieldSet = {}
        removed: FieldSet = {}
        for element, items in after.items():
            if (previous := before.get(element)) is None:
                changed[element] = self._all(items)
            elif previous != items:
                self._compare_items(changed, removed, element, previous, items)
        for element, items in before.items():
            if element not in after:
                removed[element] = self._all(items)
        return in_order(changed) or None, removed or None

    def _by_element(self, items: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for item in items:
            found.setdefault(self._element(item), []).append(item)
        return found

    def _all(self, items: list[Any]) -> FieldSet:
        return {} if self._fresh is None or len(items) > 1 else self._fresh(items[0])

    def _compare_items(
        self, changed: FieldSet, removed: FieldSet, element: str, old: list[Any], new: list[Any]
    ) -> None:
        """Compare items of one name; those that occur more than once are owned as a whole."""
        if len(old) == len(new) == 1:
            _record(changed, removed, element, self._diff, old[0], new[0])
        elif len(old) > 1 and len(new) > 1:
            changed[element] = {}
        elif len(old) > 1:
            changed[element] = self._all(new)
        else:
            changed[element] = {}
            gone = {key: node for key, node in self._all(old).items() if key != SELF}
            if gone:
                removed[element] = gone


def _free() -> _Ways:
    return _Ways(_fresh_free, _diff_free)


def _fresh_free(value: Any) -> FieldSet:
    if type(value) is not dict:
        return {}
    return _FREE_MAP.fresh(value)


def _diff_free(old: Any, new: Any) -> tuple[Node, Node]:
    """Compare values of which only the values themselves tell the type."""
    if isinstance(old, dict | None) and isinstance(new, dict | None):
        return _FREE_MAP.diff(old, new)
    if isinstance(new, dict):
        return union({"": {}}, {"": _fresh_free(new)})[""], None
    gone = {key: node for key, node in _fresh_free(old).items() if key != SELF}
    return {}, gone or None


class _FreeMembers(dict[str, _Member]):
    """The members of a map that no schema describes."""

    def __missing__(self, name: str) -> _Member:
        return "f:" + name, _fresh_free, _diff_free


_FREE_MAP = _Mapping(_FreeMembers())


class _Root:
    """Compares whole objects: leaves out what nobody owns."""

    __slots__ = ("_body", "_metadata")

    def __init__(self, struct: Struct) -> None:
        metadata = struct.fields["metadata"].type if "metadata" in struct.fields else ANY
        members: dict[str, _Member] = (
            _StructMembers(metadata, NEVER_OWNED)
            if isinstance(metadata, Struct)
            else _FreeMembers.fromkeys(NEVER_OWNED, _SKIPPED)
        )
        self._metadata = _Mapping(members)
        self._body = _Mapping(_StructMembers(struct, frozenset(("apiVersion", "kind", "metadata"))))

    def compare(self, old: Object, new: Object) -> Changes:
        """Return what differs; raises BadItem."""
        changed, removed = self._body.members(old, new)
        changed_metadata, removed_metadata = self._metadata.members(
            old.get("metadata") or {}, new.get("metadata") or {}
        )
        if changed_metadata:
            changed["f:metadata"] = changed_metadata
            changed = in_order(changed)
        if removed_metadata:
            removed["f:metadata"] = removed_metadata
        return Changes(changed, removed)
