"""One schema, compiled: how custom resources of a version are read, completed and checked."""

from functools import cached_property
from typing import Any

from kapi.meta.errors import FieldError, go_quote
from kapi.meta.schema.decode import DecodeError
from kapi.meta.schema.explain import explain
from kapi.meta.schema.scalars import BadText, Mismatch, describe
from kapi.meta.schema.tables import object_meta
from kapi.meta.schema.types import MISSING, Struct
from kapi.meta.schema.unstructured import MAX_PROBLEMS, duplicate_problems
from kapi_apigroups.apiextensions.structural.checks import NOWHERE, Check, checker
from kapi_apigroups.apiextensions.structural.defaults import Fill, defaulter
from kapi_apigroups.apiextensions.structural.extras import Visit, embedded_objects, repeated_items, visitor
from kapi_apigroups.apiextensions.structural.pruning import Prune, pruner, unknown_members
from kapi_apigroups.apiextensions.structural.shape import Schema, fits, root_type

_MAP = "map[string]interface {}"


class StructuralRules:
    """The rules of one version of a custom resource (:class:`kapi.meta.schema.types.Rules`), compiled on first use."""

    def __init__(self, schema: Schema, definition: str, kind: str) -> None:
        """Take the schema, the name of its definition in OpenAPI documents, and the kind."""
        self.schema = schema
        self._member_checks: dict[str, Check] = {}
        self.type: Struct = root_type(schema, definition, kind, self)

    @cached_property
    def _prune(self) -> Prune:
        return pruner(self.schema, resource=True)

    @cached_property
    def _fill(self) -> Fill | None:
        return defaulter(self.schema, resource=True)

    @cached_property
    def _check(self) -> Check | None:
        return checker(self.schema)

    @cached_property
    def _visits(self) -> list[Visit]:
        visits = (visitor(self.schema, own) for own in (embedded_objects, repeated_items))
        return [visit for visit in visits if visit is not None]

    def read(self, value: Any, tree: Any, strict: bool) -> tuple[dict[str, Any], list[str]]:
        """Return an object without what the schema does not know, and what strict validation finds."""
        if value.__class__ is not dict:
            raise DecodeError(
                f"json: cannot unmarshal {describe(value).partition(' ')[0]} into Go value of type {_MAP}"
            )
        for member in ("apiVersion", "kind"):
            if not isinstance(value.get(member, ""), str | None):
                raise DecodeError(f"json: cannot unmarshal {describe(value[member])} into Go value of type string")
        unknown: list[str] = []
        try:
            obj = self._prune(value, unknown)
        except (Mismatch, BadText):
            raise DecodeError(self._unreadable_metadata(value)) from None
        problems = duplicate_problems(tree) if strict and tree is not None else []
        if strict and unknown:
            names = sorted(unknown_members(self.schema, value, resource=True))
            problems += [f"unknown field {go_quote(name)}" for name in names]
        return obj, problems[:MAX_PROBLEMS]

    def _unreadable_metadata(self, value: Any) -> str:
        """Return what is wrong with the metadata of the object, or of one that is embedded in it."""
        return (
            explain(value.get("metadata") or {}, object_meta()).error or "metadata of an embedded object is malformed"
        )

    def default(self, obj: dict[str, Any]) -> None:
        """Fill in the defaults."""
        if self._fill is not None:
            self._fill(obj)

    def check(self, obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
        """Return what is wrong with an object; of what an update leaves as it was, nothing."""
        found: list[FieldError] = []
        if self._check is not None:
            self._check(_bare(obj), MISSING if old is None else _bare(old), "", found)
        for visit in self._visits:
            visit(obj, "", found)
        return found

    def check_member(self, name: str, obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
        """Return what is wrong with one member of an object; messages name places below it, as upstream's do."""
        found: list[FieldError] = []
        schema = (self.schema.get("properties") or {}).get(name)
        if schema is None or name not in obj:
            return found
        if (check := self._member_checks.get(name)) is None:
            check = self._member_checks[name] = checker(schema) or _nothing
        check(obj[name], MISSING if old is None else old.get(name, MISSING), "", found)
        placed = [each if each.field == NOWHERE else _below(name, each) for each in found]
        for visit in self._visits:
            visit({name: obj[name]}, "", placed)
        return placed

    def fits(self, obj: dict[str, Any]) -> bool:
        """Tell whether lists and objects are where the schema expects them."""
        return fits(self.type, obj)

    def settled(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Return a stored object as this schema shows it: pruned, and with all defaults; itself if it is so already.

        Raises DecodeError for what is no object with metadata.
        """
        fresh, _ = self.read(obj, None, False)
        self.default(fresh)
        return obj if fresh == obj else fresh


def _nothing(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
    """Find nothing wrong."""


def _below(name: str, finding: FieldError) -> FieldError:
    return finding._replace(field=f"{name}.{finding.field}" if finding.field else name)


def _bare(obj: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose metadata is what schemas may have rules for: its name."""
    meta = obj.get("metadata") or {}
    return {**obj, "metadata": {name: meta[name] for name in ("name", "generateName") if name in meta}}
