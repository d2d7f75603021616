"""Namespaces, and the kinds that hold settings: config maps, secrets, service accounts, leases."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import age_of, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer


def _namespace(obj: Object) -> list[Any]:
    return [name_of(obj), part(obj, "status").get("phase", ""), age_of(obj)]


def _config_map(obj: Object) -> list[Any]:
    return [name_of(obj), len(part(obj, "data")) + len(part(obj, "binaryData")), age_of(obj)]


def _secret(obj: Object) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(part(obj, "data")), age_of(obj)]


def _service_account(obj: Object) -> list[Any]:
    return [name_of(obj), age_of(obj)]


def _lease(obj: Object) -> list[Any]:
    return [name_of(obj), part(obj, "spec").get("holderIdentity", ""), age_of(obj)]


PRINTERS = {
    ("", "namespaces"): Printer(_namespace, (NAME, "The status of the namespace", AGE)),
    ("", "configmaps"): Printer(_config_map, (NAME, Field("core_v1.ConfigMap.data"), AGE)),
    ("", "secrets"): Printer(_secret, (NAME, Field("core_v1.Secret.type"), Field("core_v1.Secret.data"), AGE)),
    ("", "serviceaccounts"): Printer(_service_account, (NAME, AGE)),
    ("coordination.k8s.io", "leases"): Printer(_lease, (NAME, Field("coordination_v1.LeaseSpec.holderIdentity"), AGE)),
}
