"""Ingresses, network policies, service address ranges and their addresses."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import NONE, age_of, name_of, part, selector_text, shortened
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer
from kapi_apigroups.printing.services import load_balancer_addresses


def _ingress(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    return [
        name_of(obj),
        spec.get("ingressClassName", NONE),
        shortened(hosts) or "*",
        ",".join(load_balancer_addresses(part(obj, "status"))),
        "80, 443" if spec.get("tls") else "80",
        age_of(obj),
    ]


def _network_policy(obj: Object) -> list[Any]:
    return [name_of(obj), selector_text(part(obj, "spec").get("podSelector")), age_of(obj)]


def _service_cidr(obj: Object) -> list[Any]:
    return [name_of(obj), ",".join(part(obj, "spec").get("cidrs") or ()), age_of(obj)]


def _ip_address(obj: Object) -> list[Any]:
    parent = part(part(obj, "spec"), "parentRef")
    kind = ".".join(filter(None, (parent.get("resource"), parent.get("group"))))
    owner = "/".join(filter(None, (kind, parent.get("namespace"), parent.get("name"))))
    return [name_of(obj), owner, age_of(obj)]  # the age has no column, as with kube-apiserver


PRINTERS = {
    ("networking.k8s.io", "ingresses"): Printer(
        _ingress,
        (
            NAME,
            "The name of the IngressClass resource that should be used for additional configuration",
            "Hosts that incoming requests are matched against before the ingress rule",
            "Address is a list containing ingress points for the load-balancer",
            "Ports of TLS configurations that open",
            AGE,
        ),
    ),
    ("networking.k8s.io", "networkpolicies"): Printer(
        _network_policy, (NAME, Field("networking_v1.NetworkPolicySpec.podSelector"), AGE)
    ),
    ("networking.k8s.io", "servicecidrs"): Printer(
        _service_cidr, (NAME, Field("networking_v1.ServiceCIDRSpec.cidrs"), AGE)
    ),
    ("networking.k8s.io", "ipaddresses"): Printer(_ip_address, (NAME, Field("networking_v1.IPAddressSpec.parentRef"))),
}
