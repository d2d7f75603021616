"""authorization.k8s.io: who may do what, asked by clients."""

from collections.abc import Sequence

from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup
from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> Sequence[APIGroup]:
    """Contribute the group; it needs the server's authorizer."""
    from kapi_apigroups.authorization.reviews import (
        LocalReview,
        RulesReview,
        SelfReview,
        SubjectReview,
    )

    if context.authorizer is None:
        return ()
    handlers = {
        "subjectaccessreviews": SubjectReview(context.authorizer),
        "localsubjectaccessreviews": LocalReview(context.authorizer),
        "selfsubjectaccessreviews": SelfReview(context.authorizer),
        "selfsubjectrulesreviews": RulesReview(context.rule_resolver),
    }
    rules = {("v1", resource): KindRules(handler=handler) for resource, handler in handlers.items()}
    return [build_group("authorization.k8s.io", rules)]
