"""Owners of the replicas of a scalable kind, as its ``scale`` subresource shows and changes them."""

from collections.abc import Iterable, Mapping

from kapi.meta.apply.entries import Entry, Owner, encode_entries, new_entry, owner_of, with_fields
from kapi.meta.apply.fieldset import FieldSet, difference, from_paths, has

SCALE_VERSION = "autoscaling/v1"
_REPLICAS = ("f:spec", "f:replicas")

Path = tuple[str, ...]


def entries_for_scale(entries: Iterable[Entry], paths: Mapping[str, Path]) -> list[Entry]:
    """Return the parent's entries as those of its Scale: only the owners of the replicas, with the Scale's path.

    ``paths`` gives the path elements of the replicas by apiVersion of the parent; entries of other versions are left
    out.
    """
    owners = (entry for entry in entries if _owns(entry, paths))
    return encode_entries(
        new_entry(owner_of(entry), SCALE_VERSION, entry.get("time"), from_paths(_REPLICAS)) for entry in owners
    )


def entries_from_scale(
    entries: Iterable[Entry], scale_entries: Iterable[Entry], *, api_version: str, paths: Mapping[str, Path]
) -> list[Entry]:
    """Return the parent's entries after the entries of its Scale have become ``scale_entries``.

    ``api_version`` is the parent's; entries of versions that ``paths`` does not know are dropped.
    """
    remaining = {_in_parent(owner_of(entry)): entry for entry in scale_entries if has(entry["fieldsV1"], _REPLICAS)}
    result: list[Entry] = []
    for entry in entries:
        if entry["apiVersion"] not in paths:
            continue
        if not _owns(entry, paths) or remaining.pop(_in_parent(owner_of(entry)), None) is not None:
            result.append(entry)
        elif rest := difference(entry["fieldsV1"], from_paths(paths[entry["apiVersion"]])):
            result.append(with_fields(entry, rest))
    fields: FieldSet = from_paths(paths[api_version])
    result.extend(new_entry(owner, api_version, None, fields) for owner in remaining)
    return encode_entries(result)


def _owns(entry: Entry, paths: Mapping[str, Path]) -> bool:
    path = paths.get(entry["apiVersion"])
    return path is not None and has(entry["fieldsV1"], path)


def _in_parent(owner: Owner) -> Owner:
    """Return the owner without the version, which is the Scale's in one place and the parent's in the other."""
    operation, manager, _, subresource = owner
    return operation, manager, "", subresource
