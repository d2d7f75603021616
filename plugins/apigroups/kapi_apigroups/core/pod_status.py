"""Rules of the ``status`` subresource of pods."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, field_invalid
from kapi.meta.names import dns1123_subdomain
from kapi_apigroups.common.addresses import IP_SYNTAX
from kapi_apigroups.common.ip_families import family_of
from kapi_apigroups.common.members import keep
from kapi_apigroups.core.pod_resources import qos_class

_ONE_PER_FAMILY = "may specify no more than one IP for each IP family"


class PodStatusStrategy(StatusStrategy):
    """``/status``: written by kubelets and the scheduler; owners and quality of service stay."""

    resets = ("metadata.deletionTimestamp", "metadata.ownerReferences")

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec, the owners, and the quality of service where none is given."""
        super().prepare_for_update(ctx, obj, old)
        keep(obj["metadata"], old["metadata"], "ownerReferences")
        status = obj.setdefault("status", {})
        if not status.get("qosClass"):
            status["qosClass"] = old.get("status", {}).get("qosClass") or qos_class(old["spec"])

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check addresses and the quality of service."""
        errors = list(_validate_status(obj["status"], old.get("status", {})))
        return errors + list(_validate_claims(obj["status"], obj["spec"]))


def _validate_status(status: Object, old: Object) -> Iterator[FieldError]:
    if old.get("qosClass") and status["qosClass"] != old["qosClass"]:
        yield field_invalid("status.qosClass", status["qosClass"], "field is immutable")
    nominated = status.get("nominatedNodeName")
    if nominated:
        for problem in dns1123_subdomain(nominated):
            yield field_invalid("status.nominatedNodeName", nominated, problem)
    yield from _validate_addresses(status.get("podIPs", []), "status.podIPs", "")
    hosts = status.get("hostIPs", [])
    if hosts and hosts[0].get("ip") != status.get("hostIP", ""):
        yield field_invalid("status.hostIPs[0].ip", hosts[0].get("ip", ""), "must be equal to `hostIP`")
    yield from _validate_addresses(hosts, "status.hostIPs", "")


def _validate_claims(status: Object, spec: Object) -> Iterator[FieldError]:
    known = {claim.get("name") for claim in spec.get("resourceClaims", ())}
    for index, claim in enumerate(status.get("resourceClaimStatuses", ())):
        name = claim.get("name", "")
        if name not in known:
            detail = "must match the name of an entry in `spec.resourceClaims`"
            yield field_invalid(f"status.resourceClaimStatuses[{index}].name", name, detail)


def _validate_addresses(holders: list[Object], path: str, member: str) -> Iterator[FieldError]:
    texts = [holder.get("ip", "") for holder in holders]
    families = [family_of(text) for text in texts]
    for index, (text, family) in enumerate(zip(texts, families, strict=True)):
        if not family:
            yield field_invalid(f"{path}[{index}]{member}", text, IP_SYNTAX)
    if all(families) and len(set(families)) != len(families):
        yield field_invalid(path, [{"IP": text} for text in texts], _ONE_PER_FAMILY)
