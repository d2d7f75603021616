"""IP families of services: what is configured, what clients ask for, and what follows from both."""

from collections.abc import Iterator, Sequence

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_not_supported
from kapi_apigroups.common.addresses import IP_SYNTAX, IPNetwork
from kapi_apigroups.common.ip_families import family_of
from kapi_apigroups.core.service_types import NONE, is_headless, needs_cluster_ip

FAMILIES = ("IPv4", "IPv6")
_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_IPS = "spec.clusterIPs"
_POLICY = "spec.ipFamilyPolicy"
_NOT_EXTERNAL = "may not be set for ExternalName services"
_FORBIDDEN_EXTERNAL = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
_MULTIPLE = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"


def other_family(family: str) -> str:
    """Return the other of the two families."""
    return FAMILIES[1 - FAMILIES.index(family)]


def validate_cluster_ips(spec: Object) -> list[FieldError]:
    """Return what is wrong with cluster IPs, families and policy by themselves, whatever is configured."""
    if spec.get("type") == "ExternalName":
        return [field_forbidden(f"spec.{member}", _NOT_EXTERNAL) for member in _FORBIDDEN_EXTERNAL if spec.get(member)]
    ips = spec.get("clusterIPs", [])
    errors = list(_agreement(spec.get("clusterIP", ""), ips))
    errors += _families(spec.get("ipFamilies", ()))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _POLICIES:
        errors.append(field_not_supported(_POLICY, policy, _POLICIES))
    malformed = list(_addresses(ips))
    errors += malformed
    if not malformed and len(ips) > 1 and len({family_of(ip) for ip in ips}) != len(ips):
        errors.append(field_invalid(_IPS, ips, "may specify no more than one IP for each IP family"))
    if not errors and not is_headless(spec):
        errors += _matching(ips, spec.get("ipFamilies", ()))
    return errors


def _agreement(single: str, several: Sequence[str]) -> Iterator[FieldError]:
    if not single:
        if several:
            yield field_invalid(_IPS, several, "must be empty when `clusterIP` is not specified")
    elif several and several[0] != single:
        yield field_invalid(_IPS, several, "first value must match `clusterIP`")


def _families(families: Sequence[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, family in enumerate(families):
        if family not in FAMILIES:
            yield field_not_supported(f"spec.ipFamilies[{index}]", family, FAMILIES)
        if family in seen:
            yield field_duplicate(f"spec.ipFamilies[{index}]", family)
        seen.add(family)


def _addresses(ips: Sequence[str]) -> Iterator[FieldError]:
    for index, ip in enumerate(ips):
        if index == 0 and ip == NONE:
            if len(ips) > 1:
                yield field_invalid(_IPS, ips, "'None' must be the first and only value")
        elif not family_of(ip):
            yield field_invalid(f"{_IPS}[{index}]", ip, IP_SYNTAX)
    if len(ips) > 2:
        yield field_invalid(_IPS, ips, "may only hold up to 2 values")


def _matching(ips: Sequence[str], families: Sequence[str]) -> Iterator[FieldError]:
    for index, (ip, family) in enumerate(zip(ips, families, strict=False)):
        if family_of(ip) != family:
            detail = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            yield field_invalid(f"{_IPS}[{index}]", ip, detail)


class FamilyRules:
    """What the configured ranges allow. ``ranges`` is in order of preference; the first family is the default."""

    def __init__(self, ranges: Sequence[IPNetwork]) -> None:
        """Take the ranges of cluster IPs, at most one of each family."""
        self.configured = tuple(f"IPv{network.version}" for network in ranges)

    def settle(self, spec: Object) -> list[FieldError]:
        """Decide policy and families of a service with cluster IP, in place; return why that cannot be."""
        if not needs_cluster_ip(spec):
            return []
        selectorless = is_headless(spec) and not spec.get("selector")
        if "ipFamilyPolicy" not in spec:
            spec["ipFamilyPolicy"] = "RequireDualStack" if selectorless else "SingleStack"
        errors = list(_policy_fits(spec)) + list(self._infer(spec))
        if errors:
            return errors
        if selectorless:
            self._settle_selectorless(spec)
            return []
        errors = list(self._check_configured(spec))
        if not errors:
            self._complete(spec)
        return errors

    def _infer(self, spec: Object) -> Iterator[FieldError]:
        families = list(spec.get("ipFamilies", ()))
        ips = [] if is_headless(spec) else spec.get("clusterIPs", [])
        for index in range(len(families), len(ips)):
            family = family_of(ips[index])
            if family in self.configured:
                families.append(family)
            else:
                yield field_invalid(f"{_IPS}[{index}]", ips, f"{family} is not configured on this cluster")
        if families:
            spec["ipFamilies"] = families

    def _settle_selectorless(self, spec: Object) -> None:
        """Whoever maintains the endpoints of such a service may use families that the cluster does not have."""
        families = spec.get("ipFamilies") or [self.configured[0]]
        if len(families) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
            families = [*families, other_family(families[0])]
        spec["ipFamilies"] = families

    def _check_configured(self, spec: Object) -> Iterator[FieldError]:
        if spec["ipFamilyPolicy"] == "RequireDualStack" and len(self.configured) < 2:
            yield field_invalid(_POLICY, "RequireDualStack", "this cluster is not configured for dual-stack services")
        for index, family in enumerate(spec.get("ipFamilies", ())):
            if family not in self.configured:
                yield field_invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")

    def _complete(self, spec: Object) -> None:
        families = spec.get("ipFamilies") or [self.configured[0]]
        if spec["ipFamilyPolicy"] != "SingleStack" and len(families) == 1 and len(self.configured) == 2:
            families = [*families, other_family(families[0])]
        spec["ipFamilies"] = families


def _policy_fits(spec: Object) -> Iterator[FieldError]:
    if spec["ipFamilyPolicy"] != "SingleStack":
        return
    if len(spec.get("clusterIPs", ())) == 2:
        yield field_invalid(_POLICY, "SingleStack", _MULTIPLE.format("cluster IPs"))
    if len(spec.get("ipFamilies", ())) == 2:
        yield field_invalid(_POLICY, "SingleStack", _MULTIPLE.format("IP families"))
