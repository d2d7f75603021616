"""Server-side apply: merging a configuration into an object, field by field, with owners.

The algorithm is that of structured-merge-diff: merge the configuration on top of the live object, take out what the
manager applied last time, applies no longer and nobody else owns, and give way to the owners of what would change.
"""

from dataclasses import dataclass
from typing import Any

from kapi.meta.apply.changes import NEVER_OWNED, BadItem, Changes, Object, compare, empty_object
from kapi.meta.apply.conflicts import Conflict, ConflictError, conflict_status, conflicts_of
from kapi.meta.apply.entries import (
    Managed,
    Owner,
    decode_entries,
    encode_entries,
    new_entry,
    with_fields,
)
from kapi.meta.apply.fieldset import FieldSet, Ignored, counted, difference, from_paths, intersection, union
from kapi.meta.apply.fit import fitting_fields
from kapi.meta.apply.last_applied import MANAGER, fields_still_as_applied, record_last_applied
from kapi.meta.apply.merge import merge, remove
from kapi.meta.apply.owned import owned_fields, reconcile, with_declared_members
from kapi.meta.apply.tracking import Convert, Views, filtered, seen_by, take_away
from kapi.meta.apply.validate import IllTyped, check_type
from kapi.meta.errors import StatusError, bad_request
from kapi.meta.gvk import GroupVersion, GroupVersionKind
from kapi.meta.patch.outcome import serialize
from kapi.meta.schema.decode import DecodeError, decode_but_owners
from kapi.meta.schema.restore import restore_problem
from kapi.meta.schema.types import Struct

BEFORE_FIRST_APPLY = "before-first-apply"
_UNOWNED = from_paths(
    ("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", "f:" + name) for name in sorted(NEVER_OWNED))
)


def apply(
    live: Object | None,
    config: Object,
    *,
    struct: Struct,
    manager: str,
    force: bool,
    api_version: str,
    subresource: str = "",
    now: str,
    ignored: Ignored | None = None,
    convert: Convert | None = None,
) -> Object:
    """Return ``live`` (None: there is no object yet) with ``config`` applied by ``manager``, owners included.

    The result is not decoded: the caller does that, sets defaults and goes on as with any update; it may hold nulls
    where all that was in a map or list was taken out. What admission changes afterwards is nobody's. ``ignored`` and
    ``convert`` are as for :func:`kapi.meta.apply.tracking.track_update`. The arguments stay as they are; the result
    shares parts with them.

    Raises StatusError: 409 with one cause per field for conflicts (unless ``force``), 500 (as kube-apiserver does)
    for a configuration that does not fit the type, 400 for one that brings managedFields.
    """
    own = _owned_by_config(struct, config)
    base: Object = {} if live is None else live
    own = counted(own, ignored)
    run = _Run(struct, own, ("Apply", manager, "", subresource), api_version, now, ignored, convert)
    try:
        applied = _apply_with_upgrade(run, base, config, run.owners(base), force)
    except ConflictError as error:
        raise conflict_status(error.conflicts) from None
    except BadItem as error:
        raise StatusError(500, "", f"failed to create typed live object ({_shown(config)}): {error}") from None
    return record_last_applied(applied, config) if manager == MANAGER else applied


def check_object_type(config: Any, expected: GroupVersionKind) -> None:
    """Raise StatusError 400 when an apply configuration is not of the kind that the endpoint serves."""
    found = _kind_of(config)
    if found != expected:
        raise bad_request(f"invalid object type: {found}")


def decode_applied(config: Object, merged: Object, struct: Struct) -> Object:
    """Return the result of applying ``config`` in normal form.

    Raises StatusError 500 (as kube-apiserver does) for values that only their own decoders refuse, such as a quantity.
    """
    try:
        return decode_but_owners(merged, struct).object
    except DecodeError as error:
        problem = restore_problem(merged, struct) or str(error)
    conversion = f"unable to convert unstructured object to {_kind_of(config)}: {problem}"
    message = f"failed to convert new object ({_shown(config)}) to proper version: {conversion}"
    raise StatusError(500, "", message)


def _kind_of(config: Object) -> GroupVersionKind:
    version, kind = (text if isinstance(text, str) else "" for text in (config.get("apiVersion"), config.get("kind")))
    try:
        return GroupVersion.parse(version).with_kind(kind)
    except ValueError:
        return GroupVersionKind("", "", kind)


def _owned_by_config(struct: Struct, config: Object) -> FieldSet:
    """Return the fields that a configuration sets; raises StatusError if it cannot be one."""
    serialize(config)
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("managedFields"), list):
        raise bad_request("metadata.managedFields must be nil")
    fields = fitting_fields(struct, config)
    if fields is not None:
        return fields
    try:
        check_type(struct, config)
        return owned_fields(struct, config)
    except IllTyped as error:
        raise StatusError(500, "", f"failed to create typed patch object ({_shown(config)}): {error}") from None


def _shown(config: Object) -> str:
    """Return namespace, name and kind as the messages print them."""
    metadata = config.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {_kind_of(config)}"


def _apply_with_upgrade(run: "_Run", live: Object, config: Object, managed: Managed, force: bool) -> Object:
    """Apply; kubectl may also take the fields that its client-side apply set and that are still so."""
    try:
        return run.apply(live, config, managed, force)
    except ConflictError as error:
        if run.owner[1] != MANAGER:
            raise
        remaining = error.beyond(fields_still_as_applied(run.struct, live))
        if remaining:
            raise ConflictError(remaining) from None
    return run.apply(live, config, managed, True)


@dataclass(frozen=True, slots=True)
class _Run:
    """One apply of the fields ``own`` being carried out, by ``owner`` (whose version is empty) in ``api_version``."""

    struct: Struct
    own: FieldSet
    owner: Owner
    api_version: str
    now: str
    ignored: Ignored | None
    convert: Convert | None

    def owners(self, live: Object) -> Managed:
        """Return who owns what in ``live``; if nobody was ever recorded, all belongs to nobody in particular."""
        try:
            managed = decode_entries((live.get("metadata") or {}).get("managedFields"))
        except ValueError as error:
            raise StatusError(500, "", f"failed to decode managed fields: {error}") from error
        if managed or not live:
            return {owner: with_fields(entry, self._reconciled(entry)) for owner, entry in managed.items()}
        everything = filtered(compare(self.struct, empty_object(self.struct), live), self.ignored).changed
        if not everything:
            return {}
        owner: Owner = ("Update", BEFORE_FIRST_APPLY, self.api_version, self.owner[3])
        return {owner: new_entry(owner, self.api_version, self.now, everything)}

    def apply(self, live: Object, config: Object, managed: Managed, force: bool) -> Object:
        """Return the object with its new owners; raises ConflictError."""
        own = self.own
        last = managed.get(self.owner)
        others = {owner: entry for owner, entry in managed.items() if owner != self.owner}
        mine = new_entry(self.owner, self.api_version, last.get("time") if last else None, own)
        merged = self._pruned(merge(self.struct, live, config), {**others, self.owner: mine}, last)
        self._settle(live, merged, others, force)
        rest = difference(own, _UNOWNED)
        if rest:
            time = mine.get("time") if merged == live else self.now
            others[self.owner] = new_entry(self.owner, self.api_version, time, rest)
        return _with_owners(merged, others)

    def _settle(self, live: Object, merged: Object, others: Managed, force: bool) -> None:
        """Take from the others what changes; raises ConflictError when that needs force."""
        changes = filtered(compare(self.struct, live, merged), self.ignored)
        views = seen_by(others, self.api_version, live, merged, self.convert, self.ignored)
        if not force and (conflicts := _conflicts(others, changes, views)):
            raise ConflictError(conflicts)
        take_away(others, changes, views)

    def _reconciled(self, entry: Object) -> FieldSet:
        fields: FieldSet = entry["fieldsV1"]
        return reconcile(fields, self.struct) if entry["apiVersion"] == self.api_version else fields

    def _pruned(self, merged: Object, managed: Managed, last: Object | None) -> Object:
        """Take out what the manager applied last, applies no longer, and nobody else owns."""
        if last is None or self._still_applied(last, managed[self.owner]):
            return merged
        converted = self._in_version(merged, last["apiVersion"])
        if converted is None:
            return merged
        before, struct = converted
        last_fields = with_declared_members(last["fieldsV1"], struct)
        pruned = remove(struct, before, last_fields)
        pruned = self._add_back_owned(before, pruned, last["apiVersion"], managed)
        everything = with_declared_members(owned_fields(struct, before), struct)
        kept = with_declared_members(owned_fields(struct, pruned), struct)
        pruned = remove(struct, before, intersection(difference(everything, kept), last_fields))
        back = self._in_version(pruned, self.api_version)
        return merged if back is None else back[0]

    def _still_applied(self, last: Object, now: Object) -> bool:
        """Tell whether everything that was applied last is applied now too, so that nothing can go."""
        return last["apiVersion"] == self.api_version and not difference(last["fieldsV1"], now["fieldsV1"])

    def _add_back_owned(self, merged: Object, pruned: Object, version: str, managed: Managed) -> Object:
        """Return the pruned object with what others, or the new configuration, own in it; ``version`` first."""
        versions = [version, *sorted({entry["apiVersion"] for entry in managed.values()} - {version})]
        for other in versions:
            fields: FieldSet = {}
            for entry in managed.values():
                if entry["apiVersion"] == other:
                    fields = union(fields, entry["fieldsV1"])
            seen, rest = self._in_version(merged, other), self._in_version(pruned, other)
            if fields and seen is not None and rest is not None:
                merged, struct = seen
                pruned = _keep(struct, merged, rest[0], fields)
        back = self._in_version(pruned, version)
        return pruned if back is None else back[0]

    def _in_version(self, obj: Object, version: str) -> tuple[Object, Struct] | None:
        if self.convert is None:
            return obj, self.struct
        return self.convert(obj, version)


def _keep(struct: Struct, merged: Object, pruned: Object, fields: FieldSet) -> Object:
    """Return ``merged`` without what is neither in ``pruned`` nor in ``fields``."""
    everything = with_declared_members(owned_fields(struct, merged), struct)
    kept = union(with_declared_members(owned_fields(struct, pruned), struct), with_declared_members(fields, struct))
    result: Object = remove(struct, merged, difference(everything, kept)) or {}
    return result


def _conflicts(others: Managed, changes: Changes, views: Views) -> list[Conflict]:
    conflicts: list[Conflict] = []
    for owner, entry in sorted(others.items()):
        seen = views.get(entry["apiVersion"], changes)
        if seen is not None:
            conflicts.extend(conflicts_of(owner, intersection(entry["fieldsV1"], seen.changed)))
    return conflicts


def _with_owners(obj: Object, managed: Managed) -> Object:
    metadata = {**(obj.get("metadata") or {})}
    metadata.pop("managedFields", None)
    if managed:
        metadata["managedFields"] = encode_entries(managed.values())
    return {**obj, "metadata": metadata}
