"""Rules of IngressClass."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_forbidden, field_required, field_too_long
from kapi.meta.names import byte_length, path_segment_name
from kapi_apigroups.common.fields import immutable, named, one_of
from kapi_apigroups.common.prefixed import domain_prefixed_path

_LONGEST = 250


class IngressClassStrategy(Strategy):
    """IngressClasses: the controller never changes."""

    generation = ("spec",)

    def default(self, obj: Object) -> None:
        """Fill in the scope of the parameters."""
        parameters = obj.get("spec", {}).get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check controller and parameters."""
        return list(_validate_spec(obj.get("spec", {})))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check controller and parameters, and that the controller stays."""
        before = old.get("spec", {})
        errors = list(_validate_parameters(obj["spec"].get("parameters"), "spec.parameters"))
        return errors + list(immutable(obj.get("spec", {}), before, "controller", "spec."))


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    controller = spec.get("controller", "")
    if byte_length(controller) > _LONGEST:
        yield field_too_long("spec.controller", _LONGEST)
    yield from domain_prefixed_path(controller, "spec.controller")
    yield from _validate_parameters(spec.get("parameters"), "spec.parameters")


def _validate_parameters(parameters: Object | None, path: str) -> Iterator[FieldError]:
    if parameters is None:
        return
    yield from named(parameters, "kind", path, path_segment_name)
    yield from named(parameters, "name", path, path_segment_name)
    scope, namespace = parameters.get("scope", ""), parameters.get("namespace")
    yield from one_of(scope, f"{path}.scope", ("Cluster", "Namespace"))
    if scope == "Namespace" and not namespace:
        yield field_required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Cluster" and namespace is not None:
        yield field_forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")
