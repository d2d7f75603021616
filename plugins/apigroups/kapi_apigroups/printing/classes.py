"""Classes: what other objects name to choose how they are served."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import NONE, age_of, marked_default, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

_DEFAULT_STORAGE = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_DEFAULT_ATTRIBUTES = "volumeattributesclass.alpha.kubernetes.io/is-default-class"


def _priority_class(obj: Object) -> list[Any]:
    is_default, preemption = obj.get("globalDefault", False), obj.get("preemptionPolicy", "")
    return [name_of(obj), obj.get("value", 0), is_default, age_of(obj), preemption]


def _runtime_class(obj: Object) -> list[Any]:
    return [name_of(obj), obj.get("handler", ""), age_of(obj)]


def _ingress_class(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    parameters, shown = part(spec, "parameters"), NONE
    if parameters:
        group = parameters.get("apiGroup", "")
        kind = f"{parameters.get('kind', '')}.{group}" if group else parameters.get("kind", "")
        shown = f"{kind}/{parameters.get('name', '')}"
    return [name_of(obj), spec.get("controller", ""), shown, age_of(obj)]


def _storage_class(obj: Object) -> list[Any]:
    return [
        marked_default(obj, *_DEFAULT_STORAGE),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        obj.get("allowVolumeExpansion", False),
        age_of(obj),
    ]


def _attributes_class(obj: Object) -> list[Any]:
    return [marked_default(obj, _DEFAULT_ATTRIBUTES), obj.get("driverName", ""), age_of(obj)]


def _device_class(obj: Object) -> list[Any]:
    return [name_of(obj), age_of(obj)]


PRINTERS = {
    ("scheduling.k8s.io", "priorityclasses"): Printer(
        _priority_class,
        (
            NAME,
            Field("scheduling_v1.PriorityClass.value"),
            Field("scheduling_v1.PriorityClass.globalDefault"),
            AGE,
            Field("scheduling_v1.PriorityClass.preemptionPolicy"),
        ),
    ),
    ("node.k8s.io", "runtimeclasses"): Printer(_runtime_class, (NAME, "", AGE)),
    ("networking.k8s.io", "ingressclasses"): Printer(
        _ingress_class,
        (
            NAME,
            "Controller that is responsible for handling this class",
            "A reference to a resource with additional parameters",
            AGE,
        ),
    ),
    ("storage.k8s.io", "storageclasses"): Printer(
        _storage_class,
        (
            NAME,
            Field("storage_v1.StorageClass.provisioner"),
            Field("storage_v1.StorageClass.reclaimPolicy"),
            Field("storage_v1.StorageClass.volumeBindingMode"),
            Field("storage_v1.StorageClass.allowVolumeExpansion"),
            AGE,
        ),
    ),
    ("storage.k8s.io", "volumeattributesclasses"): Printer(
        _attributes_class, (NAME, Field("storage_v1.VolumeAttributesClass.driverName"), AGE)
    ),
    ("resource.k8s.io", "deviceclasses"): Printer(_device_class, (NAME, AGE)),
}
