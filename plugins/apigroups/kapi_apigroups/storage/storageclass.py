"""Rules of StorageClass and VolumeAttributesClass."""

from collections.abc import Iterable, Iterator, Sequence

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required, field_too_long
from kapi.meta.names import qualified_name
from kapi_apigroups.common.fields import checked, immutable, one_of

_MOST_PARAMETERS = 512
_LARGEST_PARAMETERS = 256 * 1024
_FROZEN = ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")


class StorageClassStrategy(Strategy):
    """StorageClasses: how volumes are made never changes."""

    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in reclaim policy and binding mode."""
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check provisioner, parameters, policies and topologies."""
        return list(_validate_class(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the class, and that what it may not change has stayed."""
        errors = self.validate(ctx, obj)
        for member in _FROZEN:
            errors += immutable(obj, old, member, "")
        return errors


def _validate_class(obj: Object) -> Iterator[FieldError]:
    provisioner = obj.get("provisioner", "")
    if not provisioner:
        yield field_required("provisioner")
    else:
        yield from checked(provisioner.lower(), "provisioner", qualified_name)
    yield from _validate_parameters(obj.get("parameters") or {})
    yield from one_of(obj["reclaimPolicy"], "reclaimPolicy", ("Delete", "Retain"))
    yield from one_of(obj["volumeBindingMode"], "volumeBindingMode", ("Immediate", "WaitForFirstConsumer"))
    yield from _validate_topologies(obj.get("allowedTopologies") or [])


def _validate_parameters(parameters: Object) -> Iterator[FieldError]:
    if len(parameters) > _MOST_PARAMETERS:
        yield field_too_long("parameters", _MOST_PARAMETERS)
        return
    if "" in parameters:
        yield field_invalid("parameters", "", "field can not be empty.")
    if sum(len(key) + len(value) for key, value in parameters.items()) > _LARGEST_PARAMETERS:
        yield field_too_long("parameters", _LARGEST_PARAMETERS)


def _validate_topologies(terms: Sequence[Object]) -> Iterator[FieldError]:
    """Yield what is wrong with topology terms; a term that says nothing equals each that is still to come."""
    seen: list[dict[str, set[str]]] = [{} for _ in terms]
    for index, term in enumerate(terms):
        path, expressions = f"allowedTopologies[{index}].matchLabelExpressions", term.get("matchLabelExpressions") or ()
        yield from _validate_topology(expressions, path)
        meaning = {one.get("key", ""): set(one.get("values") or ()) for one in expressions}
        yield from (field_duplicate(path, "") for known in seen if known == meaning)
        seen.append(meaning)


def _validate_topology(expressions: Iterable[Object], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, expression in enumerate(expressions):
        at, values = f"{path}[{index}]", expression.get("values") or []
        if not values:
            yield field_required(f"{at}.values")
        for number, value in enumerate(values):
            if value in values[:number]:
                yield field_duplicate(f"{at}.values[{number}]", value)
        key = expression.get("key", "")
        yield from checked(key, f"{at}.key", qualified_name)
        if key in seen:
            yield field_duplicate(f"{at}.key", key)
        seen.add(key)


class VolumeAttributesClassStrategy(Strategy):
    """VolumeAttributesClasses: nothing in them ever changes."""

    returns_deleted = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check driver and parameters."""
        return list(_validate_attributes(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that driver and parameters stay."""
        return [
            field_forbidden(member, f"updates to {member} are forbidden.")
            for member in ("driverName", "parameters")
            if obj.get(member) != old.get(member)
        ]


def _validate_attributes(obj: Object) -> Iterator[FieldError]:
    driver = obj.get("driverName", "")
    if not driver:
        yield field_required("driverName")
    else:
        yield from checked(driver.lower(), "driverName", qualified_name)
    parameters = obj.get("parameters") or {}
    if not parameters:
        yield field_required("parameters", "must contain at least one key/value pair")
    yield from _validate_parameters(parameters)
