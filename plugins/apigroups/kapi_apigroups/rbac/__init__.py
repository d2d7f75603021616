"""rbac.authorization.k8s.io: roles, and who is bound to them."""

from collections.abc import Sequence

from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup
from kapi.contracts.server import PostStartHook
from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.rbac.aggregation import aggregate_cluster_roles
from kapi_apigroups.rbac.bindings import BindingStrategy
from kapi_apigroups.rbac.bootstrap import write_bootstrap_objects
from kapi_apigroups.rbac.escalation import EscalationGuard
from kapi_apigroups.rbac.roles import ClusterRoleStrategy, RoleStrategy


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> Sequence[APIGroup]:
    """Contribute the group. Its writes are guarded by the server's own authorizer."""
    guard = EscalationGuard(context.authorizer, context.rule_resolver)
    strategies = {
        "roles": RoleStrategy(guard),
        "clusterroles": ClusterRoleStrategy(guard),
        "rolebindings": BindingStrategy(guard, "rolebindings"),
        "clusterrolebindings": BindingStrategy(guard, "clusterrolebindings"),
    }
    rules = {("v1", resource): KindRules(strategy) for resource, strategy in strategies.items()}
    return [build_group("rbac.authorization.k8s.io", rules)]


@hookimpl
def kapi_register_post_start_hooks() -> Sequence[PostStartHook]:
    """Contribute the first roles and bindings, and the controller that fills aggregated cluster roles."""
    return [
        PostStartHook(
            "rbac/bootstrap-roles",
            "writes the default roles and bindings",
            write_bootstrap_objects,
            blocks_ready=True,
        ),
        PostStartHook(
            "clusterrole-aggregation",
            "fills cluster roles that gather the rules of others",
            aggregate_cluster_roles,
            controller=True,
            aliases=("clusterrole-aggregation-controller",),
        ),
    ]
