"""Which module prints what."""

import importlib

from kapi_apigroups.printing.cells import creation_time, metadata
from kapi_apigroups.printing.printer import AGE, NAME, Printer

_MODULES = {
    "": ("configuration", "events", "nodes", "pods", "quotas", "services", "volumes", "workloads"),
    "admissionregistration.k8s.io": ("admission",),
    "apiregistration.k8s.io": ("services",),
    "apps": ("workloads",),
    "autoscaling": ("autoscaling", "workloads"),
    "batch": ("batch",),
    "certificates.k8s.io": ("access",),
    "coordination.k8s.io": ("configuration",),
    "discovery.k8s.io": ("services",),
    "events.k8s.io": ("events",),
    "flowcontrol.apiserver.k8s.io": ("flowcontrol",),
    "networking.k8s.io": ("networking", "classes"),
    "node.k8s.io": ("classes",),
    "policy": ("quotas",),
    "rbac.authorization.k8s.io": ("access",),
    "resource.k8s.io": ("devices", "classes"),
    "scheduling.k8s.io": ("classes",),
    "storage.k8s.io": ("volumes", "classes"),
}

DEFAULT = Printer(lambda obj: [metadata(obj).get("name", ""), creation_time(obj)], (NAME, AGE))
"""Prints kinds that have no columns of their own."""


def find_printer(group: str, plural: str) -> Printer:
    """Return the printer of a resource; the default one if it has none."""
    for name in _MODULES.get(group, ()):
        printers: dict[tuple[str, str], Printer] = importlib.import_module(f"{__package__}.{name}").PRINTERS
        found = printers.get((group, plural))
        if found is not None:
            return found
    return DEFAULT
