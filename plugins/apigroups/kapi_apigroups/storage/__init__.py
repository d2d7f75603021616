"""The API group ``storage.k8s.io``: storage classes, CSI drivers and attached volumes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy
from kapi_apigroups.storage.csi import CSIDriverStrategy, CSINodeStrategy, CSIStorageCapacityStrategy
from kapi_apigroups.storage.storageclass import StorageClassStrategy, VolumeAttributesClassStrategy
from kapi_apigroups.storage.volumeattachment import VolumeAttachmentStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    attachment = VolumeAttachmentStrategy()
    return [
        build_group(
            "storage.k8s.io",
            {
                ("v1", "csidrivers"): KindRules(CSIDriverStrategy()),
                ("v1", "csinodes"): KindRules(CSINodeStrategy()),
                ("v1", "csistoragecapacities"): KindRules(CSIStorageCapacityStrategy()),
                ("v1", "storageclasses"): KindRules(StorageClassStrategy()),
                ("v1", "volumeattachments"): KindRules(
                    attachment, subresources={"status": PureStatusStrategy(attachment)}
                ),
                ("v1", "volumeattributesclasses"): KindRules(VolumeAttributesClassStrategy()),
            },
        )
    ]
