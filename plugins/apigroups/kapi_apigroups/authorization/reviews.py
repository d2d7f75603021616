"""The access reviews: questions to the authorizers, put as objects that are answered and not stored."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, Decision, RuleResolver, Rules, Verdict
from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, StatusError, bad_request, invalid
from kapi.meta.gvk import GroupKind
from kapi_apigroups.authorization.validation import (
    metadata_errors,
    selector_text,
    spec_errors,
    subject_errors,
    wire_value,
)

_NAMELESS = GroupKind("authorization.k8s.io", "")


class SubjectReview:
    """SubjectAccessReview: may this user do that?"""

    def __init__(self, authorizer: Authorizer) -> None:
        """Take the authorizer that answers."""
        self._authorizer = authorizer

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Return the review with its answer; raises the 422 Status for a question that makes no sense."""
        spec = obj.get("spec") or {}
        self.check(obj, spec)
        decision = await self._authorizer.authorize(attributes_of(spec, self.user(ctx, spec)))
        obj["status"] = _answer(decision)
        return obj

    def check(self, obj: Object, spec: Object) -> None:
        """Raise the 422 Status when the review is malformed."""
        _refuse([*spec_errors(spec), *subject_errors(spec), *metadata_errors(obj, "must be empty")])

    def user(self, ctx: RequestContext, spec: Object) -> UserInfo:
        """Return the user whom the review is about."""
        extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
        return UserInfo(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


class LocalReview(SubjectReview):
    """LocalSubjectAccessReview: may this user do that in this namespace?"""

    def check(self, obj: Object, spec: Object) -> None:
        """Raise the 422 Status when the review is malformed or is not about its namespace."""
        errors = [*spec_errors(spec), *subject_errors(spec)]
        errors += metadata_errors(obj, "must be empty except for namespace", ("namespace",))
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        namespace = (resource or {}).get("namespace", "")
        if resource is not None and namespace != (obj.get("metadata") or {}).get("namespace", ""):
            field = "spec.resourceAttributes.namespace"
            errors.append(wire_value(field, namespace, "must match metadata.namespace"))
        if path is not None:
            shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
            errors.append(wire_value("spec.nonResourceAttributes", shown, "disallowed on this kind of request"))
        _refuse(errors)


class SelfReview(SubjectReview):
    """SelfSubjectAccessReview: may I do that?"""

    def check(self, obj: Object, spec: Object) -> None:
        """Raise the 422 Status when the review is malformed."""
        _refuse([*spec_errors(spec), *metadata_errors(obj, "must be empty")])

    def user(self, ctx: RequestContext, spec: Object) -> UserInfo:
        """Return the user who asks."""
        return ctx.user


class RulesReview:
    """SelfSubjectRulesReview: what may I do in this namespace?"""

    def __init__(self, resolver: RuleResolver | None) -> None:
        """Take what lists the rules; None when no authorizer can."""
        self._resolver = resolver

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Return a review with the rules; raises 400 when it names no namespace."""
        namespace = (obj.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        if self._resolver is None:
            rules = Rules([], [], True, "no authorizer supports user rule resolution")
        else:
            rules = await self._resolver.rules_for(ctx.user, namespace)
        return {
            "kind": obj["kind"],
            "apiVersion": obj["apiVersion"],
            "metadata": {},
            "spec": {},
            "status": _listed(rules),
        }


def attributes_of(spec: Object, user: UserInfo) -> Attributes:
    """Return what a review's spec asks of an authorizer."""
    resource: Mapping[str, Any] | None = spec.get("resourceAttributes")
    if resource is None:
        path = spec["nonResourceAttributes"]
        return Attributes(user, path.get("verb", ""), False, path.get("path", ""))
    return Attributes(
        user,
        resource.get("verb", ""),
        True,
        group=resource.get("group", ""),
        version=resource.get("version", ""),
        resource=resource.get("resource", ""),
        subresource=resource.get("subresource", ""),
        namespace=resource.get("namespace", ""),
        name=resource.get("name", ""),
        field_selector=selector_text(resource.get("fieldSelector")),
        label_selector=selector_text(resource.get("labelSelector")),
    )


def _answer(decision: Decision) -> Object:
    status: Object = {"allowed": decision.verdict is Verdict.ALLOW}
    if decision.verdict is Verdict.DENY:
        status["denied"] = True
    if decision.reason:
        status["reason"] = decision.reason
    return status


def _listed(rules: Rules) -> Object:
    listed: list[Object] = []
    for rule in rules.resource_rules:
        item: Object = {
            "verbs": list(rule.verbs),
            "apiGroups": list(rule.api_groups),
            "resources": list(rule.resources),
        }
        if rule.resource_names:
            item["resourceNames"] = list(rule.resource_names)
        listed.append(item)
    status: Object = {
        "resourceRules": listed,
        "nonResourceRules": [
            {"verbs": list(rule.verbs), "nonResourceURLs": list(rule.non_resource_urls)}
            for rule in rules.non_resource_rules
        ],
        "incomplete": rules.incomplete,
    }
    if rules.error:
        status["evaluationError"] = rules.error
    return status


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise _invalid(errors)


def _invalid(errors: list[FieldError]) -> StatusError:
    """Return the 422 Status; access reviews have no name, and kube-apiserver does not name their kind either."""
    return invalid(_NAMELESS, "", errors)
