"""Strategic merge patch: a merge patch that knows from the type model which lists are merged, and by which key.

Directives that a patch may hold, besides values:

- ``$patch: replace | delete`` in a map, and ``$patch: delete | replace`` in an item of a merged list;
- ``$retainKeys: [...]`` in a map: members that are not listed go away;
- ``$deleteFromPrimitiveList/<list>: [...]``: scalars to take out of a list;
- ``$setElementOrder/<list>: [...]``: the order that the result is to have.
"""

from typing import Any

from kapi.meta.errors import StatusError, bad_request
from kapi.meta.patch.gotext import go_type, go_value, json_kind
from kapi.meta.patch.order import identity, interleave
from kapi.meta.patch.outcome import Object, duplicate, parse_bytes, rejected
from kapi.meta.schema.types import List, Map, Scalar, Struct, Type

_MARKER = "$patch"
_RETAIN_KEYS = "$retainKeys"
_DELETE_PREFIX = "$deleteFromPrimitiveList"
_ORDER_PREFIX = "$setElementOrder"


def apply_strategic_merge_patch(document: Object, patch: Any, struct: Struct) -> Object:
    """Return ``document`` (of type ``struct``) changed by ``patch`` (a JSON value, or its text as bytes).

    Neither argument is touched. Raises StatusError: 400 for a patch or directive of the wrong form, 500 (as
    kube-apiserver does) for a directive that makes no sense or list items without their merge key.
    """
    if isinstance(patch, bytes):
        patch = parse_bytes(patch, "")
    if patch is not None and not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}")
    return _merge_map(duplicate(document), duplicate(patch or {}), struct)


def _failed(message: str) -> StatusError:
    return StatusError(500, "", message)


def _no_merge_key(item: Object, merge_key: str) -> StatusError:
    return _failed(f"map: {go_value(item)} does not contain declared merge key: {merge_key}")


def _bad_argument(expected: str, actual: Any) -> StatusError:
    return _failed(f"expected a {expected}, but received a {go_type(actual).replace('<nil>', '%!s(<nil>)')}")


# From here on documents and patches are private copies that may be changed.


def _merge_map(original: Object, patch: Object, type_: Type | None) -> Object:
    if _MARKER in patch:
        return _directed_map(patch)
    _retain_keys(original, patch)
    _merge_ordered_lists(original, patch, type_)
    for key, value in patch.items():
        if key.startswith(_DELETE_PREFIX):
            _delete_scalars(original, _list_name(key, _DELETE_PREFIX), value, type_)
        elif value is None:
            original.pop(key, None)
        else:
            _merge_member(original, key, value, type_)
    return original


def _directed_map(patch: Object) -> Object:
    directive = patch[_MARKER]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _MARKER}
    if directive == "delete":
        return {}
    raise _failed(f"unknown patch type: {_verb_s(directive)} in map: {go_value(patch)}")


def _verb_s(value: Any) -> str:
    """Return a value as ``%s`` prints it."""
    if isinstance(value, str | dict | list):
        return go_value(value)
    return f"%!s({go_type(value)}={go_value(value)})" if value is not None else "%!s(<nil>)"


def _merge_member(original: Object, key: str, value: Any, type_: Type | None) -> None:
    current = original.get(key)
    if isinstance(value, dict) and isinstance(current, dict):
        member, strategies, _ = _describe(type_, key)
        original[key] = value if "replace" in strategies else _merge_map(current, value, member)
    elif isinstance(value, list) and isinstance(current, list):
        items, strategies, merge_key = _describe_list(type_, key)
        original[key] = _merge_list(current, value, items, merge_key) if "merge" in strategies else value
    else:
        _take(original, key, value)


def _take(original: Object, key: str, value: Any) -> None:
    """Set a member to what the patch says, without nulls and directives; a value that is a directive removes it."""
    kept, keep = _without_directives(_without_nulls(value))
    if keep:
        original[key] = kept
    else:
        original.pop(key, None)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _without_directives(value: Any) -> tuple[Any, bool]:
    if isinstance(value, dict):
        if _MARKER in value:
            return None, False
        pairs = ((key, *_without_directives(member)) for key, member in value.items())
        return {key: member for key, member, keep in pairs if keep}, True
    if isinstance(value, list):
        return [item for item, keep in map(_without_directives, value) if keep], True
    return value, True


def _describe(type_: Type | None, key: str) -> tuple[Type, tuple[str, ...], str]:
    """Return the type, strategies and merge key of a member of a struct."""
    if not isinstance(type_, Struct):
        raise _failed(f"merging an object in json but data type is not struct, instead is: {_go_kind(type_)}")
    field = type_.fields.get(key)
    if field is None:
        raise _failed(f'unable to find api field in struct {type_.go_name} for the json field "{key}"')
    return field.type, field.patch_strategies, field.merge_key


def _describe_list(type_: Type | None, key: str) -> tuple[Type, tuple[str, ...], str]:
    """Return the type of the items, the strategies and merge key of a list in a struct."""
    member, strategies, merge_key = _describe(type_, key)
    if not isinstance(member, List):
        raise _failed(f"expected slice or array type, but got: {_go_kind(type_)}")
    if isinstance(member.items, List):
        raise _failed("unexpected slice of slice")
    return member.items, strategies, merge_key


def _go_kind(type_: Type | None) -> str:
    match type_:
        case Struct():
            return "struct"
        case Map():
            return "map"
        case List():
            return "slice"
        case Scalar(kind="boolean"):
            return "bool"
        case Scalar(kind="int32" | "int64" as kind):
            return str(kind)
    return "string"


def _retain_keys(original: Object, patch: Object) -> None:
    if _RETAIN_KEYS not in patch:
        return
    listed = patch.pop(_RETAIN_KEYS)
    if not isinstance(listed, list):
        raise bad_request("invalid patch format of retainKeys")
    retained = {identity(name) for name in listed}
    for key, value in patch.items():
        if value is None or key.startswith((_DELETE_PREFIX, _ORDER_PREFIX)):
            continue
        if identity(key) not in retained:
            raise bad_request("invalid patch format of retainKeys")
    for key in [key for key in original if identity(key) not in retained]:
        del original[key]


def _list_name(key: str, prefix: str) -> str:
    head, slash, name = key.partition("/")
    if not slash or head != prefix:
        what = "primitive" if prefix == _DELETE_PREFIX else "setElementOrder"
        raise bad_request(f"invalid patch format of {what} list")
    return name


def _delete_scalars(original: Object, key: str, value: Any, type_: Type | None) -> None:
    """Carry out ``$deleteFromPrimitiveList``; null takes the whole list away."""
    if value is None:
        original.pop(key, None)
        return
    current = original.get(key)
    if not isinstance(value, list) or not isinstance(current, list):
        return
    items, _, merge_key = _describe_list(type_, key)
    if not current and not value:
        return
    if isinstance(_sample(current, value), dict):
        original[key] = _merge_list(current, value, items, merge_key)
        return
    gone = {identity(item) for item in value}
    original[key] = [item for item in current if identity(item) not in gone]


def _merge_ordered_lists(original: Object, patch: Object, type_: Type | None) -> None:
    """Carry out every ``$setElementOrder`` together with the list of the same name in the patch."""
    for key in [key for key in patch if key.startswith(_ORDER_PREFIX)]:
        order = patch.pop(key)
        if not isinstance(order, list):
            raise _bad_argument("[]interface {}", order)
        name = _list_name(key, _ORDER_PREFIX)
        live = _list_member(original, name)
        changes = _list_member(patch, name)
        items, strategies, merge_key = _describe_list(type_, name)
        _check_order(changes or [], order, merge_key)
        if live is None and changes is None:
            continue
        patch.pop(name, None)
        merged = _merge_for_order(live, changes, items, strategies, merge_key)
        original[name] = _arrange(merged, order, live or [], changes or [], merge_key)


def _list_member(container: Object, name: str) -> list[Any] | None:
    if name not in container:
        return None
    value = container[name]
    if not isinstance(value, list):
        raise _bad_argument("[]interface {}", value)
    return value


def _merge_for_order(
    live: list[Any] | None, changes: list[Any] | None, items: Type, strategies: tuple[str, ...], merge_key: str
) -> list[Any]:
    if changes is None:
        return list(live or [])
    if live is None:
        kept: list[Any] = _without_directives(changes)[0]
        return kept
    return _merge_list(live, changes, items, merge_key) if "merge" in strategies else changes


def _check_order(changes: list[Any], order: list[Any], merge_key: str) -> None:
    """Refuse a patch whose list is not in the order that its ``$setElementOrder`` says."""
    if not order or not changes:
        return
    expected = iter(order)
    for item in changes:
        if merge_key and not isinstance(item, dict):
            raise _bad_argument("map[string]interface {}", item)
        if isinstance(item, dict) and _MARKER in item:
            continue
        wanted = _key_of(item, merge_key)
        if not any(_key_of(other, merge_key) == wanted for other in expected):
            listed = f"The order in patch list:\n{go_value(changes)}\n"
            raise _failed(f"{listed} doesn't match {_ORDER_PREFIX} list:\n{go_value(order)}\n")


def _key_of(item: Any, merge_key: str) -> tuple[str, Any]:
    """Return what identifies an item: the item itself, or its merge key."""
    if not merge_key:
        return identity(item)
    if not isinstance(item, dict):
        raise _bad_argument("map[string]interface {}", item)
    if merge_key not in item:
        raise _no_merge_key(item, merge_key)
    return identity(item[merge_key])


def _sample(*lists: list[Any]) -> Any:
    """Return a sample item; raises StatusError when the items of the lists are not all of one type."""
    everything = [item for items in lists for item in items]
    if not everything:
        raise _failed("no elements in any of the given slices")
    if isinstance(everything[0], list):
        raise rejected()
    if len({type(item) for item in everything}) > 1 or everything[0] is None:
        raise _failed(f"list element types are not identical: {go_value([list(items) for items in lists])}")
    return everything[0]


def _merge_list(original: list[Any], patch: list[Any], items: Type, merge_key: str) -> list[Any]:
    if not original and not patch:
        return original
    if not isinstance(_sample(original, patch), dict):
        merged = list({identity(item): item for item in [*original, *patch]}.values())
        return _arrange(merged, patch, original, patch, "")
    if not merge_key:
        raise _failed(f"cannot merge lists without merge key for {_go_kind(items)}")
    original, patch = _carry_out_item_directives(original, patch, merge_key)
    merged = _merge_items(original, patch, items, merge_key)
    return _arrange(merged, patch, original, patch, merge_key)


def _carry_out_item_directives(original: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Delete or replace items; return what is left of the original, and the patch without directives."""
    plain: list[Any] = []
    deleted: set[tuple[str, Any]] = set()
    replace = False
    for item in patch:
        directive = item.get(_MARKER)
        if _MARKER not in item:
            plain.append(item)
        elif directive == "delete":
            deleted.add(_key_of(item, merge_key))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise _failed("merging lists cannot yet be specified in the patch")
        else:
            raise _failed(f"unknown patch type: {_verb_s(directive)} in map: {go_value(item)}")
    if replace:
        return plain, []
    if not deleted:
        return original, plain
    return [item for item in original if merge_key not in item or identity(item[merge_key]) not in deleted], plain


def _merge_items(original: list[Any], patch: list[Any], items: Type, merge_key: str) -> list[Any]:
    merged = list(original)
    positions: dict[tuple[str, Any], int] = {}
    for position, item in enumerate(merged):
        if merge_key in item:
            positions.setdefault(identity(item[merge_key]), position)
    for item in patch:
        key = _key_of(item, merge_key)
        if key in positions:
            merged[positions[key]] = _merge_map(merged[positions[key]], item, items)
        else:
            positions[key] = len(merged)
            merged.append(item)
    return merged


def _arrange(merged: list[Any], order: list[Any], live: list[Any], changes: list[Any], merge_key: str) -> list[Any]:
    """Sort a merged list: by ``order`` first, then as the live list was."""
    if live or changes:
        _sample(live, changes)
    wanted = [_key_of(item, merge_key) for item in order]
    known = [_key_of(item, merge_key) for item in live]
    return interleave([(_key_of(item, merge_key), item) for item in merged], wanted, known)
