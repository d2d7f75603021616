"""Field ownership of the writes of one request."""

from functools import lru_cache, reduce

from kapi.contracts.resources import Object, Resource
from kapi.endpoints.request import ResourceRequest
from kapi.meta.apply.elements import BadItem
from kapi.meta.apply.fieldset import FieldSet, Ignored, below, from_paths, union
from kapi.meta.apply.managed import decode_applied, default_manager, track_update
from kapi.meta.objectmeta import dedup_owner_references
from kapi.meta.schema.types import Rules, Struct
from kapi.meta.times import now


def ignored_fields(request: ResourceRequest, struct: Struct) -> Ignored | None:
    """Return the fields that the endpoint resets, which nobody comes to own by writing them."""
    strategy = request.strategy
    if strategy.writes:
        return _only(strategy.writes)
    resets = [_path(dotted) for dotted in strategy.resets]
    if request.subresource is not None and request.subresource.name == "status":
        resets += [("f:" + name,) for name in struct.fields if name not in ("status", "metadata")]
    elif request.subresource is None and strategy.owns_status:
        resets.append(("f:status",))
    return _set_of(tuple(resets)) if resets else None


@lru_cache(maxsize=256)
def _set_of(paths: tuple[tuple[str, ...], ...]) -> FieldSet:
    return from_paths(*paths)


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part if part == "*" else f"f:{part}" for part in dotted.split("."))


def _only(written: tuple[str, ...]) -> Ignored:
    patterns = [_path(dotted) for dotted in written]
    return lambda fields: reduce(union, (below(fields, pattern) for pattern in patterns), {})


class VersionConversion:
    """Shows an object of one served version in another version of its group, for entries of that version's owners."""

    def __init__(self, request: ResourceRequest) -> None:
        """Take the request, which knows the resource and the table of what else is served."""
        self._gvr = request.resource.gvr
        self._table = request.table

    def __call__(self, obj: Object, api_version: str) -> tuple[Object, Struct] | None:
        """Return the object in a version, with that version's type; None when it is not served.

        Raises StatusError 500 for a merged object that does not decode, and BadItem for one that does not fit the type
        of the version (where nothing is converted but the name of the version).
        """
        source, target = self._served(obj["apiVersion"]), self._served(api_version)
        if source is None or target is None:
            return None
        if source is target:
            return obj, target.schema()
        changed = decode_applied(obj, obj, source.schema())  # a merged object may hold nulls still
        for convert in (source.to_storage, target.from_storage):
            changed = convert(changed) if convert is not None else changed
        struct = target.schema()
        if struct.rules is not None and not struct.rules.fits(changed):
            raise BadItem(f"does not fit the schema of {api_version}")
        return changed, struct

    def _served(self, api_version: str) -> Resource | None:
        group, _, version = api_version.rpartition("/")
        return self._table.resource(self._gvr._replace(version=version)) if group == self._gvr.group else None


class Tracker:
    """Updates managedFields for one request."""

    def __init__(self, request: ResourceRequest, manager: str, struct: Struct) -> None:
        """Take the fieldManager parameter ("": the User-Agent names the manager) and the type of the object."""
        self.manager = manager or default_manager(request.header(b"user-agent"))
        self.struct = struct
        self.api_version = request.resource.kind.api_version
        self.subresource = request.subresource.name if request.subresource is not None else ""
        self.ignored = ignored_fields(request, struct)
        self.convert = VersionConversion(request)
        self._warnings = request.state.warnings

    def __call__(self, live: Object | None, new: Object) -> None:
        """Set the managedFields of ``new``."""
        warning = dedup_owner_references(new.get("metadata", {}))
        if warning:
            self._warnings.append(warning)
        if self.struct.rules is not None and not self._fit(self.struct.rules, live, new):
            return
        track_update(
            live,
            new,
            struct=self.struct,
            manager=self.manager,
            api_version=self.api_version,
            subresource=self.subresource,
            now=now(),
            ignored=self.ignored,
            convert=self.convert,
        )

    def _fit(self, rules: Rules, live: Object | None, new: Object) -> bool:
        """Tell whether owners can be told: not of objects that do not fit their type, which keep what they have."""
        if rules.fits(new) and (live is None or rules.fits(live)):
            return True
        entries = (live or {}).get("metadata", {}).get("managedFields")
        meta = new.setdefault("metadata", {})
        meta.pop("managedFields", None)
        if entries:
            meta["managedFields"] = entries
        return False
