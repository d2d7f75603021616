"""What is checked beside values: items of lists that occur twice, and the metadata of embedded objects."""

from collections.abc import Callable
from typing import Any

from kapi.meta.errors import FieldError, field_invalid, field_required, show
from kapi.meta.gvk import GroupVersion
from kapi.meta.labels import validate_labels
from kapi.meta.names import dns1035_label
from kapi.meta.objectmeta import validate_annotations, validate_finalizers, validate_owner_references
from kapi_apigroups.apiextensions.structural.shape import EMBEDDED, LIST_KEYS, LIST_TYPE, Schema

Visit = Callable[[Any, str, list[FieldError]], None]
"""Takes a value, its path, and the list to which findings are added."""


def visitor(schema: Schema, own: "Callable[[Schema], Visit | None]", *, root: bool = True) -> Visit | None:
    """Return what calls the visits that ``own`` makes of schemas, for all values below; None for no visits at all."""
    here = own(schema) if not root else None
    members = {
        name: of_member
        for name, sub in (schema.get("properties") or {}).items()
        if not (root and name == "metadata") and (of_member := visitor(sub, own, root=False)) is not None
    }
    additional, items = schema.get("additionalProperties"), schema.get("items")
    others = visitor(additional, own, root=False) if isinstance(additional, dict) else None
    of_items = visitor(items, own, root=False) if items else None
    if here is None and not members and others is None and of_items is None:
        return None

    def visit(value: Any, path: str, found: list[FieldError]) -> None:
        if here is not None:
            here(value, path, found)
        if value.__class__ is dict:
            for name, inner in value.items():
                below = members.get(name, others)
                if below is not None:
                    there = f"{path}[{name}]" if name not in members else f"{path}.{name}" if path else name
                    below(inner, there, found)
        elif value.__class__ is list and of_items is not None:
            for index, inner in enumerate(value):
                of_items(inner, f"{path}[{index}]", found)

    return visit


def repeated_items(schema: Schema) -> Visit | None:
    """Return the visit that finds items of "set" and "map" lists that occur twice."""
    list_type = schema.get(LIST_TYPE)
    keys = tuple(schema.get(LIST_KEYS) or ()) if list_type == "map" else ()
    if list_type not in ("set", "map"):
        return None

    def visit(value: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not list:
            return
        seen: set[str] = set()
        for index, item in enumerate(value):
            shown = show({k: item[k] for k in keys if k in item} if keys and item.__class__ is dict else item)
            if shown in seen:
                found.append(FieldError("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {shown}"))
            seen.add(shown)

    return visit


def embedded_objects(schema: Schema) -> Visit | None:
    """Return the visit that checks objects with ``x-kubernetes-embedded-resource``."""
    return _check_embedded if schema.get(EMBEDDED) else None


def _check_embedded(value: Any, path: str, found: list[FieldError]) -> None:
    if value.__class__ is not dict:
        return
    version, kind = value.get("apiVersion"), value.get("kind")
    if not version:
        found.append(field_required(f"{path}.apiVersion"))
    else:
        found += _check_version(version, f"{path}.apiVersion")
    if not kind:
        found.append(field_required(f"{path}.kind"))
    elif problems := dns1035_label(str(kind).lower()):
        found.append(
            field_invalid(f"{path}.kind", kind, f"may have mixed case, but should otherwise match: {problems[0]}")
        )
    meta = value.get("metadata")
    if meta.__class__ is dict:
        found += _check_metadata(meta, f"{path}.metadata")


def _check_version(version: Any, path: str) -> list[FieldError]:
    try:
        GroupVersion.parse(version)
    except (ValueError, TypeError, AttributeError) as error:
        return [field_invalid(path, version, str(error))]
    return []


def _check_metadata(meta: dict[str, Any], path: str) -> list[FieldError]:
    return [
        *validate_labels(meta.get("labels") or {}, f"{path}.labels"),
        *validate_annotations(meta.get("annotations") or {}, f"{path}.annotations"),
        *validate_owner_references(meta.get("ownerReferences") or (), f"{path}.ownerReferences"),
        *validate_finalizers(meta.get("finalizers") or (), f"{path}.finalizers"),
    ]
