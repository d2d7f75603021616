"""Ownership of fields on create, update and patch: whoever changes a field owns it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from kapi.meta.apply.changes import BadItem, Changes, Object, compare, empty_object
from kapi.meta.apply.entries import (
    Entry,
    Managed,
    cap_updaters,
    decode_entries,
    encode_entries,
    is_reset,
    new_entry,
    owner_of,
    stored_entries,
    with_fields,
)
from kapi.meta.apply.fieldset import FieldSet, Ignored, counted, difference, union
from kapi.meta.apply.owned import reconcile
from kapi.meta.schema.types import Struct

Convert = Callable[[Object, str], tuple[Object, Struct] | None]
"""Returns an object of some version in another version, with that version's type; None if it is not served."""

_INVALID_AFTER_ADMISSION = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests"
)


def track_update(
    live: Object | None,
    new: Object,
    *,
    struct: Struct,
    manager: str,
    api_version: str,
    subresource: str = "",
    now: str,
    ignored: Ignored | None = None,
    convert: Convert | None = None,
    begin: bool = False,
) -> None:
    """Set ``new["metadata"]["managedFields"]`` for a write that made ``new`` out of ``live`` (None: it is created).

    To be called where kube-apiserver does: on the decoded and defaulted object, before mutating admission and before
    the strategy prepares it. ``new`` brings the entries that the client sent; they count if they are valid, unless
    the write goes through a subresource. ``ignored`` are fields that the endpoint resets. ``now`` is RFC 3339 in
    whole seconds. Entries of other versions are compared through ``convert``; without it as if of this version.

    An object whose entries were all taken away stays without, unless the write is to ``begin`` anew.
    A write that changes nothing leaves the entries as they are in ``live``. Field sets are shared with ``live``.
    """
    metadata = new.setdefault("metadata", {})
    before = live.get("metadata", {}).get("managedFields") if live is not None else None
    sent = metadata.pop("managedFields", None)
    managed = stored_entries(before) if subresource else _starting_point(sent, before, struct, api_version)
    if live is not None and not managed and not begin:
        return
    try:
        changes = filtered(compare(struct, empty_object(struct) if live is None else live, new), ignored)
        views = {} if live is None else seen_by(managed, api_version, live, new, convert, ignored)
    except BadItem:
        _set_entries(metadata, before)
        return
    take_away(managed, changes, views)
    if changes.changed:
        _claim(managed, changes.changed, ("Update", manager or "unknown", api_version, subresource), now)
    cap_updaters(managed)
    _set_entries(metadata, encode_entries(managed.values()))


def _set_entries(metadata: Object, entries: list[Entry] | None) -> None:
    if entries:
        metadata["managedFields"] = entries


def _starting_point(sent: Any, before: list[Entry] | None, struct: Struct, api_version: str) -> Managed:
    """Return the entries to start from: the client's if they are usable, else those of the live object."""
    if sent is None or sent == before:
        return stored_entries(before)
    if is_reset(sent):
        return {}
    try:
        managed = decode_entries(sent)
    except ValueError:
        return stored_entries(before)
    for owner, entry in managed.items():
        if entry["apiVersion"] == api_version:
            managed[owner] = with_fields(entry, reconcile(entry["fieldsV1"], struct))
    return managed or stored_entries(before)


def filtered(changes: Changes, ignored: Ignored | None) -> Changes:
    """Return the changes that count."""
    if not ignored:
        return changes
    return Changes(counted(changes.changed, ignored), counted(changes.removed, ignored))


Views = Mapping[str, Changes | None]
"""Changes as other versions see them, by apiVersion; None for a version that is not served any more."""


def seen_by(
    managed: Managed,
    api_version: str,
    live: Object,
    new: Object,
    convert: Convert | None,
    ignored: Ignored | None = None,
) -> Views:
    """Return the changes as seen by the other versions that entries are of; none without ``convert``."""
    if convert is None:
        return {}
    versions = {entry["apiVersion"] for entry in managed.values()} - {api_version}
    return {version: _seen_in(version, live, new, convert, ignored) for version in versions}


def _seen_in(version: str, live: Object, new: Object, convert: Convert, ignored: Ignored | None) -> Changes | None:
    old, changed = convert(live, version), convert(new, version)
    if old is None or changed is None:
        return None
    return filtered(compare(changed[1], old[0], changed[0]), ignored)


def take_away(managed: Managed, changes: Changes, views: Views) -> None:
    """Take what was changed or removed from all owners; those left with nothing go."""
    for owner, entry in list(managed.items()):
        seen = views.get(entry["apiVersion"], changes)
        fields = entry["fieldsV1"]
        rest = {} if seen is None else difference(difference(fields, seen.changed), seen.removed)
        if not rest:
            del managed[owner]
        elif rest is not fields:
            managed[owner] = with_fields(entry, rest)


def _claim(managed: Managed, fields: FieldSet, owner: tuple[str, str, str, str], now: str) -> None:
    mine = managed.get(owner)
    if mine is not None:
        fields = union(mine["fieldsV1"], fields)
    managed[owner] = new_entry(owner, owner[2], now, fields)


def served_versions(struct: Struct, versions: Collection[str]) -> Convert:
    """Return a conversion for kinds whose versions have the same fields; entries of other versions are dropped."""
    return lambda obj, version: (obj, struct) if version in versions else None


def restore_if_invalid(obj: Object, before: Any) -> str:
    """Put back the entries ``before`` mutating admission if it left invalid ones; return the warning, or ""."""
    metadata = obj.get("metadata") or {}
    try:
        decode_entries(metadata.get("managedFields"))
    except ValueError as error:
        metadata.pop("managedFields", None)
        _set_entries(metadata, before)
        return f"{_INVALID_AFTER_ADMISSION}: {error}"
    return ""


def keep_times_if_unchanged(live: Object, new: Object) -> None:
    """Give ``new`` the times of ``live``'s entries if these times are all that differs between the two.

    To be called last before a write, so that it can be recognised as one that changes nothing.
    """
    old_entries = live.get("metadata", {}).get("managedFields")
    new_entries = new.get("metadata", {}).get("managedFields")
    if not old_entries or not new_entries or old_entries == new_entries or len(old_entries) != len(new_entries):
        return
    if all(map(_same_but_time, old_entries, new_entries)):
        unchanged = {**new, "metadata": {**new["metadata"], "managedFields": old_entries}}
        if unchanged == live:
            new["metadata"]["managedFields"] = old_entries


def _same_but_time(left: Entry, right: Entry) -> bool:
    return owner_of(left) == owner_of(right) and left["fieldsV1"] == right["fieldsV1"]
