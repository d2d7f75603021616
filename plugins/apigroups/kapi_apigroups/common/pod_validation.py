"""What makes a pod spec invalid, for pods and for the templates of workloads.

Only what creating ordinary pods meets: names, uniqueness, references inside the spec, ports and the commonest
enumerations. The order is kube-apiserver's.
"""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_found,
    field_required,
)
from kapi.meta.names import dns1123_label, port_number
from kapi_apigroups.common.pod_enums import (
    DNS,
    POD_SECURITY,
    PORT,
    PROC_MOUNT,
    PULL,
    RESTART,
    TERMINATION_MESSAGE,
    security,
    words,
)
from kapi_apigroups.common.quantities import exceeds
from kapi_apigroups.common.selectors import validate_labels


def validate_pod_template(template: Object, path: str) -> list[FieldError]:
    """Return what is wrong with a PodTemplateSpec that stands at ``path``."""
    spec = template.get("spec") or {}
    errors = list(validate_labels((template.get("metadata") or {}).get("labels") or {}, f"{path}.labels"))
    errors += validate_pod_spec(spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        errors.append(
            field_forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")
        )
    return errors


def validate_pod_spec(spec: Object, path: str) -> list[FieldError]:
    """Return what is wrong with a PodSpec that stands at ``path``."""
    volumes = spec.get("volumes", [])
    errors = list(_volumes(volumes, f"{path}.volumes"))
    names = {volume.get("name", "") for volume in volumes}
    if not spec.get("containers"):
        errors.append(field_required(f"{path}.containers"))
    errors += _containers(spec.get("containers") or [], f"{path}.containers", names, set())
    taken = {container.get("name", "") for container in spec.get("containers") or []}
    errors += _containers(spec.get("initContainers", []), f"{path}.initContainers", names, taken)
    errors += words(spec, path, RESTART)
    errors += words(spec, path, DNS)
    errors += security(spec.get("securityContext") or {}, f"{path}.securityContext", POD_SECURITY)
    errors += _bounds(spec, path)
    return errors


def _bounds(spec: Object, path: str) -> Iterator[FieldError]:
    grace = spec.get("terminationGracePeriodSeconds", 0)
    if grace < 0:
        yield field_invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        yield field_invalid(f"{path}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")


def _name(name: str, path: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path)
        return
    for problem in dns1123_label(name):
        yield field_invalid(path, name, problem)


def _volumes(volumes: Iterable[Object], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        name = volume.get("name", "")
        at = f"{path}[{index}]"
        sources = len(volume) - ("name" in volume)
        if sources > 1:
            extra = [member for member in volume if member != "name"][1]
            yield field_forbidden(f"{at}.{extra}", "may not specify more than 1 volume type")
        yield from _name(name, f"{at}.name")
        if name in seen:
            yield field_duplicate(f"{at}.name", name)
        seen.add(name)


def _containers(containers: Iterable[Object], path: str, volumes: set[str], taken: set[str]) -> Iterator[FieldError]:
    seen = set(taken)
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        name = container.get("name", "")
        yield from _name(name, f"{at}.name")
        if name in seen:
            yield field_duplicate(f"{at}.name", name)
        seen.add(name)
        if not container.get("image"):
            yield field_required(f"{at}.image")
        yield from words(container, at, TERMINATION_MESSAGE)
        yield from _ports(container.get("ports", ()), f"{at}.ports")
        yield from _mounts(container.get("volumeMounts", ()), f"{at}.volumeMounts", volumes)
        yield from words(container, at, PULL)
        yield from _resources(container.get("resources") or {}, f"{at}.resources")
        yield from security(container.get("securityContext") or {}, f"{at}.securityContext", PROC_MOUNT)


def _resources(resources: Object, path: str) -> Iterator[FieldError]:
    limits = resources.get("limits", {})
    for name, amount in resources.get("requests", {}).items():
        if name in limits and exceeds(amount, limits[name]):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield field_invalid(f"{path}.requests", amount, detail)


def _ports(ports: Iterable[Object], path: str) -> Iterator[FieldError]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        name = port.get("name", "")
        if name and name in names:
            yield field_duplicate(f"{path}[{index}].name", name)
        names.add(name)
        number = port.get("containerPort", 0)
        if number == 0:
            yield field_required(f"{path}[{index}].containerPort")
        for problem in port_number(number) if number else ():
            yield field_invalid(f"{path}[{index}].containerPort", number, problem)
        host = port.get("hostPort", 0)
        for problem in port_number(host) if host else ():
            yield field_invalid(f"{path}[{index}].hostPort", host, problem)
        yield from words(port, f"{path}[{index}]", PORT)


def _mounts(mounts: Iterable[Object], path: str, volumes: set[str]) -> Iterator[FieldError]:
    points: set[str] = set()
    for index, mount in enumerate(mounts):
        name, point = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield field_required(f"{path}[{index}].name")
        elif name not in volumes:
            yield field_not_found(f"{path}[{index}].name", name)
        if not point:
            yield field_required(f"{path}[{index}].mountPath")
        elif point in points:
            yield field_invalid(f"{path}[{index}].mountPath", point, "must be unique")
        points.add(point)
