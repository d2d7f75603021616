"""The entries of ``metadata.managedFields``: who they belong to, their order and how they are read and written.

An entry is kept as the plain dict that it is on the wire, with its ``fieldsV1`` as a field set.
"""

from collections.abc import Iterable
from typing import Any, Final

from kapi.meta.apply.fieldset import FieldSet, decode, union
from kapi.meta.errors import go_quote

Entry = dict[str, Any]
Owner = tuple[str, str, str, str]
"""What makes two entries the same: (operation, manager, apiVersion or "" for Apply, subresource)."""
Managed = dict[Owner, Entry]

MAX_UPDATERS: Final = 10
ANCIENT: Final = "ancient-changes"
_KNOWN_MEMBERS = ("manager", "operation", "apiVersion", "time", "subresource")


def owner_of(entry: Entry) -> Owner:
    """Return whose entry this is."""
    operation = entry["operation"]
    version = entry["apiVersion"] if operation == "Update" else ""
    return operation, entry.get("manager", ""), version, entry.get("subresource", "")


def new_entry(owner: Owner, api_version: str, time: str | None, fields: FieldSet) -> Entry:
    """Return an entry with its members in wire order; ``time`` None leaves it out."""
    entry: Entry = {"manager": owner[1], "operation": owner[0], "apiVersion": api_version}
    if time is not None:
        entry["time"] = time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = fields
    if owner[3]:
        entry["subresource"] = owner[3]
    return entry


def with_fields(entry: Entry, fields: FieldSet) -> Entry:
    """Return the entry with another field set."""
    return {**entry, "fieldsV1": fields}


def is_reset(raw: Any) -> bool:
    """Tell whether the client asks to forget all owners: an empty list, or one empty entry."""
    return isinstance(raw, list) and (not raw or (len(raw) == 1 and not any((raw[0] or {}).values())))


def decode_entries(raw: Any) -> Managed:
    """Return the entries that a client sent, in canonical form, the last of each owner.

    Raises ValueError when one of them is invalid: then none of them is to be used.
    """
    managed: Managed = {}
    if not isinstance(raw, list | None):
        raise ValueError("managedFields must be a list")
    for index, item in enumerate(raw or ()):
        entry = _decode_entry(item, index)
        managed[owner_of(entry)] = entry
    return managed


def _decode_entry(raw: Any, index: int) -> Entry:
    if not isinstance(raw, dict):
        raise ValueError("an entry must be an object")
    if raw.get("operation") not in ("Apply", "Update"):
        raise ValueError("operation must be `Apply` or `Update`")
    if not raw.get("apiVersion"):
        raise ValueError("apiVersion must not be empty")
    fields_type = raw.get("fieldsType") or ""
    if fields_type != "FieldsV1":
        problem = f"invalid fieldsType {go_quote(str(fields_type))}" if fields_type else "missing fieldsType"
        raise ValueError(f"{problem} in managed fields entry {index}")
    if not all(isinstance(raw.get(member) or "", str) for member in _KNOWN_MEMBERS):
        raise ValueError("an entry's members must be text")
    owner = (raw["operation"], raw.get("manager") or "", "", raw.get("subresource") or "")
    return new_entry(owner, raw["apiVersion"], raw.get("time") or None, decode(raw.get("fieldsV1")))


def stored_entries(raw: Any) -> Managed:
    """Return the entries of a stored object, which are in canonical form already."""
    return {owner_of(entry): entry for entry in raw or ()}


def encode_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in the order of the wire: Apply before Update, then by time, manager, version."""
    found = list(entries)
    return sorted(found, key=_entry_order) if len(found) > 1 else found


def _entry_order(entry: Entry) -> tuple[str, str, str, str, str]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def cap_updaters(managed: Managed) -> None:
    """Merge the oldest Update entries of each version into one, until there are no more than MAX_UPDATERS."""
    if len(managed) <= MAX_UPDATERS:
        return
    updaters = [owner for owner in managed if owner[0] == "Update"]
    excess = len(updaters) - MAX_UPDATERS
    if excess <= 0:
        return
    updaters.sort(key=lambda owner: (managed[owner].get("time", ""), *owner))
    first_of: dict[str, Owner] = {}
    for owner in updaters:
        if excess <= 0:
            return
        version = owner[2]
        bucket: Owner = ("Update", ANCIENT, version, "")
        first = first_of.setdefault(version, owner)
        if owner in (first, bucket):
            continue
        older = managed.get(bucket) or managed.pop(first)
        newer = managed.pop(owner)
        fields = union(newer["fieldsV1"], older["fieldsV1"])
        managed[bucket] = new_entry(bucket, version, newer.get("time"), fields)
        excess -= 1
