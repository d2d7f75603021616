"""Rules of CertificateSigningRequest: who asks is recorded, who approves may only approve, who signs only sign."""

from typing import TYPE_CHECKING

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi_apigroups.certificates.validation import (
    DECISIONS,
    validate_conditions,
    validate_kept_conditions,
    validate_request,
    validate_request_data,
    validate_status,
)
from kapi_apigroups.common.conditions import now_text
from kapi_apigroups.common.status_owner import StatusOwner

if TYPE_CHECKING:
    from kapi.contracts.authn import UserInfo
    from kapi.meta.errors import FieldError

_REQUESTER = ("username", "uid", "groups", "extra")


def signer_name(obj: Object) -> str:
    """Return the signer that is asked, for field selectors."""
    name: str = obj.get("spec", {}).get("signerName", "")
    return name


class SigningRequestStrategy(StatusOwner):
    """CertificateSigningRequests: the spec never changes, and names the user who created it."""

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Record who asks."""
        super().prepare_for_create(ctx, obj)
        spec = obj.setdefault("spec", {})
        for member in _REQUESTER:
            spec.pop(member, None)
        spec.update(_requester(ctx.user))

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep spec and status."""
        super().prepare_for_update(ctx, obj, old)
        obj["spec"] = old["spec"]

    def validate(self, ctx: RequestContext, obj: Object) -> "list[FieldError]":
        """Check the request."""
        return list(validate_request_data(obj["spec"])) + list(validate_request(obj["spec"]))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> "list[FieldError]":
        """Find nothing: neither spec nor status can have changed."""
        return []


def _requester(user: "UserInfo") -> Object:
    found: Object = {}
    if user.name:
        found["username"] = user.name
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {key: list(values) for key, values in user.extra.items()}
    return found


class ApprovalStrategy(StatusStrategy):
    """The ``approval`` subresource: adds conditions, but issues no certificate."""

    resets = ("spec", "status.certificate")

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep all but the conditions."""
        conditions = obj.get("status", {}).get("conditions") or []
        super().prepare_for_update(ctx, obj, old)
        obj["status"] = {**old.get("status", {})}
        _set_conditions(obj["status"], conditions, old)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> "list[FieldError]":
        """Check the conditions; an approval or denial cannot be taken back."""
        conditions, before = _conditions(obj), _conditions(old)
        return list(validate_kept_conditions(conditions, before, (*DECISIONS, "Failed"))) + list(
            validate_conditions(conditions)
        )


class SigningRequestStatusStrategy(StatusStrategy):
    """The ``status`` subresource: for signers, who may not approve."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec, and the decisions as they were unless the client leaves them out."""
        super().prepare_for_update(ctx, obj, old)
        obj["status"] = dict(obj.get("status", {}))
        wanted = obj["status"].pop("conditions", None) or []
        decided = {one["type"]: one for one in _conditions(old) if one.get("type") in DECISIONS}
        kept = [decided.get(one.get("type"), one) for one in wanted]
        allowed = [one for one in kept if one.get("type") not in DECISIONS or one.get("type") in decided]
        _set_conditions(obj["status"], allowed, old)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> "list[FieldError]":
        """Check conditions and certificate; a certificate never changes."""
        conditions, before = _conditions(obj), _conditions(old)
        errors = list(validate_kept_conditions(conditions, before, (*DECISIONS, "Failed")))
        return errors + list(validate_conditions(conditions)) + list(validate_status(obj, old))


def _conditions(obj: Object) -> list[Object]:
    return obj.get("status", {}).get("conditions") or []


def _set_conditions(status: Object, conditions: list[Object], old: Object) -> None:
    """Set the conditions, with the times that the client left out."""
    before = {one.get("type"): one for one in _conditions(old)}
    if conditions:
        status["conditions"] = [_timed(one, before.get(one.get("type"))) for one in conditions]
    else:
        status.pop("conditions", None)


def _timed(condition: Object, before: Object | None) -> Object:
    """Return a condition with its times: the old transition time if its status stays, now otherwise."""
    now = now_text()
    same = before is not None and before.get("status") == condition.get("status")
    transition = before.get("lastTransitionTime") if same and before is not None else now
    return {
        **condition,
        "lastUpdateTime": condition.get("lastUpdateTime") or now,
        "lastTransitionTime": condition.get("lastTransitionTime") or transition or now,
    }
