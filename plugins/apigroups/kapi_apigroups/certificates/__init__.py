"""The API group ``certificates.k8s.io``: requests for certificates, their approval and the certificates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.certificates.signingrequest import (
    ApprovalStrategy,
    SigningRequestStatusStrategy,
    SigningRequestStrategy,
    signer_name,
)

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    request = SigningRequestStrategy()
    rules = KindRules(
        request,
        selectable_fields={"spec.signerName": signer_name},
        subresources={"status": SigningRequestStatusStrategy(request), "approval": ApprovalStrategy(request)},
    )
    return [build_group("certificates.k8s.io", {("v1", "certificatesigningrequests"): rules})]
