"""Rules of Ingress."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import (
    dns1123_label,
    dns1123_subdomain,
    path_segment_name,
    port_name,
    port_number,
    wildcard_dns1123_subdomain,
)
from kapi_apigroups.common.addresses import IP_SYNTAX, parse_ip
from kapi_apigroups.common.fields import checked, named, one_of
from kapi_apigroups.common.status_owner import StatusOwner

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""How the class was chosen before ``spec.ingressClassName``."""

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_PATH_ENDS = ("/..", "/.")


class IngressStrategy(StatusOwner):
    """Ingresses."""

    rechecks_metadata = True
    generation = ("spec",)
    empty_status = {"loadBalancer": {}}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec, and that the class is not given twice."""
        return list(_validate_spec(obj.get("spec", {}))) + list(_validate_class(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_spec(obj.get("spec", {})))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of the old way to choose a class."""
        annotated = CLASS_ANNOTATION in obj["metadata"].get("annotations", {})
        if old is not None or not annotated or "ingressClassName" in obj.get("spec", {}):
            return []
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]


def _validate_class(obj: Object) -> Iterator[FieldError]:
    annotated = obj["metadata"].get("annotations", {}).get(CLASS_ANNOTATION)
    chosen = obj.get("spec", {}).get("ingressClassName")
    if annotated is not None and chosen is not None and annotated != chosen:
        yield field_invalid(
            f"annotations.{CLASS_ANNOTATION}", annotated, "must match `ingressClassName` when both are specified"
        )


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    rules = spec.get("rules")
    if not rules and "defaultBackend" not in spec:
        yield field_invalid("spec", rules, "either `defaultBackend` or `rules` must be specified")
    if "defaultBackend" in spec:
        yield from _validate_backend(spec["defaultBackend"], "spec.defaultBackend")
    for index, rule in enumerate(rules or ()):
        yield from _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(tls.get("hosts") or ()):
            yield from _validate_host(host, f"spec.tls[{index}].hosts[{number}]")
    if spec.get("ingressClassName") is not None:
        yield from checked(spec["ingressClassName"], "spec.ingressClassName", dns1123_subdomain)


def _validate_host(host: str, path: str) -> Iterator[FieldError]:
    check = wildcard_dns1123_subdomain if "*" in host else dns1123_subdomain
    yield from checked(host, path, check)


def _validate_rule(rule: Object, path: str) -> Iterator[FieldError]:
    host = rule.get("host", "")
    if host:
        if parse_ip(host) is not None:
            yield field_invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
        else:
            yield from _validate_host(host, f"{path}.host")
    if "http" in rule:
        paths = rule["http"].get("paths") or ()
        if not paths:
            yield field_required(f"{path}.http.paths")
        for index, one in enumerate(paths):
            yield from _validate_path(one, f"{path}.http.paths[{index}]")


def _validate_path(one: Object, at: str) -> Iterator[FieldError]:
    kind, path = one.get("pathType"), one.get("path", "")
    if kind is None:
        yield field_required(f"{at}.pathType", "pathType must be specified")
    elif kind in ("Exact", "Prefix"):
        yield from _validate_path_text(path, f"{at}.path")
    elif kind == "ImplementationSpecific":
        if path and not path.startswith("/"):
            yield field_invalid(f"{at}.path", path, "must be an absolute path")
    else:
        yield from one_of(kind, f"{at}.pathType", _PATH_TYPES)
    yield from _validate_backend(one.get("backend", {}), f"{at}.backend")


def _validate_path_text(path: str, at: str) -> Iterator[FieldError]:
    if not path.startswith("/"):
        yield field_invalid(at, path, "must be an absolute path")
    if not path:
        return
    for text in _NOT_IN_PATHS:
        if text in path:
            yield field_invalid(at, path, f"must not contain '{text}'")
    for text in _NOT_AT_PATH_ENDS:
        if path.endswith(text):
            yield field_invalid(at, path, f"cannot end with '{text}'")


def _validate_backend(backend: Object, path: str) -> Iterator[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield field_invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from named(resource, "kind", f"{path}.resource", path_segment_name)
        yield from named(resource, "name", f"{path}.resource", path_segment_name)
    elif service is not None:
        yield from _validate_service(service, path)
    else:
        yield field_invalid(path, "", "resource or service backend is required")


def _validate_service(service: Object, path: str) -> Iterator[FieldError]:
    yield from named(service, "name", f"{path}.service", dns1123_label)
    port = service.get("port", {})
    name, number = port.get("name", ""), port.get("number", 0)
    if name and number:
        yield field_invalid(path, "", "cannot set both port name & port number")
    elif name:
        yield from checked(name, f"{path}.service.port.name", port_name)
    elif number:
        yield from (field_invalid(f"{path}.service.port.number", number, text) for text in port_number(number))
    else:
        yield field_required(path, "port name or number is required")


class IngressStatusStrategy(StatusStrategy):
    """The status of ingresses: where they can be reached."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check addresses and host names."""
        points = obj.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        return [
            error
            for index, point in enumerate(points)
            for error in _validate_point(point, f"status.loadBalancer.ingress[{index}]")
        ]


def _validate_point(point: Object, path: str) -> Iterator[FieldError]:
    address, host = point.get("ip", ""), point.get("hostname", "")
    if address and parse_ip(address) is None:
        yield field_invalid(f"{path}.ip", address, IP_SYNTAX)
    if not host:
        return
    if parse_ip(host) is not None:
        yield field_invalid(f"{path}.hostname", host, "must be a DNS name, not an IP address")
    yield from checked(host, f"{path}.hostname", dns1123_subdomain)
