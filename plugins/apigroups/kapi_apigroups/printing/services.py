"""Services and what stands behind them: endpoints, endpoint slices, API services."""

from collections.abc import Iterator, Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import (
    NONE,
    UNKNOWN,
    UNSET,
    age_of,
    condition_of,
    labels_text,
    name_of,
    part,
    shortened,
)
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

Part = Mapping[str, Any]


def load_balancer_addresses(status: Part) -> list[str]:
    """Return the sorted addresses that a load balancer listens on."""
    ingress = part(status, "loadBalancer").get("ingress") or ()
    return sorted({each.get("ip") or each.get("hostname", "") for each in ingress} - {""})


def _external_address(service: Object, spec: Part) -> str:
    kind, listed = spec.get("type", ""), spec.get("externalIPs") or []
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(listed) or NONE
    if kind == "LoadBalancer":
        return ",".join(load_balancer_addresses(part(service, "status")) + listed) or "<pending>"
    if kind == "ExternalName":
        name: str = spec.get("externalName", "")
        return name
    return UNKNOWN


def _port(port: Part) -> str:
    number, node_port = port.get("port", 0), port.get("nodePort", 0)
    return f"{number}:{node_port}/{port.get('protocol', '')}" if node_port else f"{number}/{port.get('protocol', '')}"


def _service(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    return [
        name_of(obj),
        spec.get("type", ""),
        (spec.get("clusterIPs") or (NONE,))[0],
        _external_address(obj, spec),
        ",".join(_port(port) for port in spec.get("ports") or ()) or NONE,
        age_of(obj),
        labels_text(spec.get("selector")),
    ]


def _addresses(endpoints: Object) -> Iterator[str]:
    for subset in endpoints.get("subsets") or ():
        hosts = [address.get("ip", "") for address in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            yield from hosts
        for port in ports:
            yield from (_join(host, port.get("port", 0)) for host in hosts)


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _endpoints(obj: Object) -> list[Any]:
    return [name_of(obj), shortened(list(_addresses(obj))) or NONE, age_of(obj)]


def _slice_port(port: Part) -> str:
    number = port.get("port")
    return str(number) if number is not None else port.get("name") or "*"


def _endpoint_slice(obj: Object) -> list[Any]:
    ports = [_slice_port(port) for port in obj.get("ports") or ()]
    endpoints = obj.get("endpoints") or ()
    addresses = [address for endpoint in endpoints for address in endpoint.get("addresses") or ()]
    return [
        name_of(obj),
        obj.get("addressType", ""),
        shortened(ports) or UNSET,
        shortened(addresses) or UNSET,
        age_of(obj),
    ]


def _api_service(obj: Object) -> list[Any]:
    service = part(obj, "spec").get("service")
    where = "Local" if service is None else f"{service.get('namespace', '')}/{service.get('name', '')}"
    available = condition_of(part(obj, "status"), "Available")
    word = available.get("status", "Unknown")
    if word != "True" and available.get("reason"):
        word = f"{word} ({available['reason']})"
    return [name_of(obj), where, word, age_of(obj)]


PRINTERS = {
    ("", "services"): Printer(
        _service,
        (
            NAME,
            Field("core_v1.ServiceSpec.type"),
            Field("core_v1.ServiceSpec.clusterIP"),
            Field("core_v1.ServiceSpec.externalIPs"),
            Field("core_v1.ServiceSpec.ports"),
            AGE,
            Field("core_v1.ServiceSpec.selector"),
        ),
    ),
    ("", "endpoints"): Printer(_endpoints, (NAME, Field("core_v1.Endpoints.subsets"), AGE)),
    ("discovery.k8s.io", "endpointslices"): Printer(
        _endpoint_slice,
        (
            NAME,
            Field("discovery_v1.EndpointSlice.addressType"),
            Field("discovery_v1.EndpointSlice.ports"),
            Field("discovery_v1.EndpointSlice.endpoints"),
            AGE,
        ),
    ),
    ("apiregistration.k8s.io", "apiservices"): Printer(
        _api_service,
        (
            NAME,
            "The reference to the service that hosts this API endpoint.",
            "Whether this service is available.",
            AGE,
        ),
    ),
}
