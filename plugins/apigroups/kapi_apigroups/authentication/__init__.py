"""authentication.k8s.io: who is who, asked by clients."""

from collections.abc import Sequence

from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup
from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> Sequence[APIGroup]:
    """Contribute the group; token reviews need the server's token authenticators."""
    from kapi_apigroups.authentication.reviews import SelfReview, TokenReview

    rules = {("v1", "selfsubjectreviews"): KindRules(handler=SelfReview())}
    if context.token_authenticator is not None:
        rules["v1", "tokenreviews"] = KindRules(handler=TokenReview(context.token_authenticator))
    return [build_group("authentication.k8s.io", rules)]
