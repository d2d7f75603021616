"""The API group ``admissionregistration.k8s.io``: webhooks and policies that admit objects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.admissionregistration.policies import (
    MutatingPolicyStrategy,
    PolicyBindingStrategy,
    ValidatingPolicyBindingStrategy,
    ValidatingPolicyStrategy,
)
from kapi_apigroups.admissionregistration.webhooks import WebhookConfigurationStrategy
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    policy = ValidatingPolicyStrategy()
    return [
        build_group(
            "admissionregistration.k8s.io",
            {
                ("v1", "mutatingadmissionpolicies"): KindRules(MutatingPolicyStrategy()),
                ("v1", "mutatingadmissionpolicybindings"): KindRules(PolicyBindingStrategy()),
                ("v1", "mutatingwebhookconfigurations"): KindRules(WebhookConfigurationStrategy(mutating=True)),
                ("v1", "validatingadmissionpolicies"): KindRules(
                    policy, subresources={"status": PureStatusStrategy(policy)}
                ),
                ("v1", "validatingadmissionpolicybindings"): KindRules(ValidatingPolicyBindingStrategy()),
                ("v1", "validatingwebhookconfigurations"): KindRules(WebhookConfigurationStrategy()),
            },
        )
    ]
