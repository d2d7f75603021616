"""The 403 Status that says what a user may not do."""

from kapi.contracts.authz import Attributes
from kapi.meta.errors import StatusError, forbidden, go_quote
from kapi.meta.gvk import GroupResource

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def refused(attributes: Attributes, reason: str = "") -> StatusError:
    """Return the Forbidden Status for a request that no authorizer allowed; ``reason`` is what they said."""
    message = describe(attributes).translate(_HTML)
    if reason:
        message = f"{message}: {reason}"
    return forbidden(GroupResource(attributes.group, attributes.resource), attributes.name, message)


def describe(attributes: Attributes) -> str:
    """Return the sentence about the request, as kube-apiserver words it."""
    doer = f"User {go_quote(attributes.user.name)} cannot {attributes.verb}"
    if not attributes.resource_request:
        return f"{doer} path {go_quote(attributes.path)}"
    resource = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    scope = f"in the namespace {go_quote(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    return f"{doer} resource {go_quote(resource)} in API group {go_quote(attributes.group)} {scope}"
