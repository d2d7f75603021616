"""Rules of Node."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required
from kapi.meta.names import label_value, qualified_name
from kapi_apigroups.common.addresses import CIDR_SYNTAX
from kapi_apigroups.common.fields import one_of
from kapi_apigroups.common.ip_families import family_of_cidr
from kapi_apigroups.common.members import copied
from kapi_apigroups.common.status_owner import StatusOwner

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class NodeStrategy(StatusOwner):
    """Nodes: kubelets create them with a status."""

    def default(self, obj: Object) -> None:
        """Make the old and new forms of the pod CIDR agree, and what is allocatable the capacity."""
        _join_cidrs(obj.get("spec", {}))
        status = obj.get("status", {})
        if "allocatable" not in status and "capacity" in status:
            status["allocatable"] = copied(status["capacity"])

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Keep the status that a kubelet sends along."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check taints and pod CIDRs."""
        spec = obj.get("spec", {})
        return _validate_taints(spec.get("taints", [])) + _validate_cidrs(spec.get("podCIDRs", []))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse changes of what may be set only once."""
        spec, before = obj.get("spec", {}), old.get("spec", {})
        errors = _validate_taints(spec.get("taints", []))
        if before.get("podCIDRs") and spec.get("podCIDRs") != before["podCIDRs"]:
            detail = 'node updates may not change podCIDR except from "" to valid'
            errors.append(field_forbidden("spec.podCIDRs", detail))
        if before.get("providerID") and spec.get("providerID") != before["providerID"]:
            detail = 'node updates may not change providerID except from "" to valid'
            errors.append(field_forbidden("spec.providerID", detail))
        if spec.get("externalID") != before.get("externalID"):
            errors.append(field_forbidden("spec.externalID", "may not be updated"))
        return errors


def _join_cidrs(spec: Object) -> None:
    """Let the elder ``podCIDR`` win over a list that begins with another."""
    single, several = spec.get("podCIDR"), spec.get("podCIDRs")
    if single and (not several or several[0] != single):
        spec["podCIDRs"] = [single]
    elif several:
        spec["podCIDR"] = several[0]


def _validate_taints(taints: list[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        path = f"metadata.taints[{index}]"
        key, effect = taint.get("key", ""), taint.get("effect", "")
        errors += [field_invalid(f"{path}.key", key, problem) for problem in qualified_name(key)]
        value = taint.get("value", "")
        errors += [field_invalid(f"{path}.value", value, problem) for problem in label_value(value)]
        if not effect:
            errors.append(field_required(f"{path}.effect"))
        else:
            errors += one_of(effect, f"{path}.effect", _EFFECTS)
        if (key, effect) in seen:
            errors.append(_duplicate_taint(path, taint))
        seen.add((key, effect))
    return errors


def _duplicate_taint(path: str, taint: Object) -> FieldError:
    error = field_duplicate(path, "")
    shown = (
        f'{{"Key":"{taint.get("key", "")}","Value":"{taint.get("value", "")}",'
        f'"Effect":"{taint.get("effect", "")}","TimeAdded":null}}'
    )
    return error._replace(message=f"Duplicate value: {shown}: taints must be unique by key and effect pair")


def _validate_cidrs(cidrs: list[str]) -> list[FieldError]:
    errors = [
        field_invalid(f"spec.podCIDRs[{index}]", cidr, CIDR_SYNTAX)
        for index, cidr in enumerate(cidrs)
        if not family_of_cidr(cidr)
    ]
    families = [family_of_cidr(cidr) for cidr in cidrs]
    if not errors and len(set(families)) != len(families):
        errors.append(field_invalid("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family"))
    return errors
