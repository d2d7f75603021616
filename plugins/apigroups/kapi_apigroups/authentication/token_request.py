"""TokenRequest: a token for a service account (``serviceaccounts/token``)."""

from collections.abc import Mapping
from typing import NamedTuple

from kapi.contracts.authn import ServiceAccountTokens
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import (
    FieldError,
    StatusError,
    bad_request,
    conflict,
    field_invalid,
    go_quote,
    invalid,
    service_unavailable,
)
from kapi.meta.gvk import GroupKind, GroupResource, GroupVersion, GroupVersionResource
from kapi.meta.times import format_seconds, now

_KIND = GroupKind("authentication.k8s.io", "TokenRequest")
_DEFAULT_SECONDS = 3600
_MIN_SECONDS = 600
_MAX_SECONDS = 1 << 32
_WARN_AFTER = 3607
_EXTENDED = 365 * 24 * 3600
_ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
_PODS = GroupVersionResource("", "v1", "pods")
_NODES = GroupVersionResource("", "v1", "nodes")
_BINDABLE = {"Pod": _PODS, "Secret": GroupVersionResource("", "v1", "secrets"), "Node": _NODES}


class TokenRequestHandler:
    """Issues tokens for service accounts.

    ``max_seconds`` bounds what may be asked for (0: nothing does). With ``extend`` the tokens of pods live a year and
    only warn after the hour that was asked for, as long as their users may not know how to renew them.
    """

    def __init__(self, tokens: ServiceAccountTokens | None, *, max_seconds: int = 0, extend: bool = True) -> None:
        """Take the signer; None makes every request a 503."""
        self._tokens = tokens
        self._max_seconds = max_seconds
        self._extend = extend

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Return the request with a token for the service account that ``ctx`` names.

        Raises 400, 404, 409 or 422 when the request, the account or the object to bind to is not good.
        """
        if self._tokens is None:
            raise service_unavailable("this server has no key to sign service account tokens with")
        _check_metadata(ctx, obj)
        account = await ctx.client.get(_ACCOUNTS, ctx.name, ctx.namespace)
        spec = self._complete(self._tokens, obj, account)
        _check_spec(spec)
        bound = await _bound(ctx, spec.get("boundObjectRef"))
        self._shorten(ctx, spec)
        obj["status"] = self._sign(self._tokens, account, spec, bound)
        return obj

    def _complete(self, tokens: ServiceAccountTokens, obj: Object, account: Object) -> Object:
        """Fill in what the request leaves open; return its spec."""
        metadata = account["metadata"]
        obj["metadata"] = {
            **{member: metadata[member] for member in ("name", "namespace", "uid")},
            "creationTimestamp": now(),
        }
        spec: Object = obj.setdefault("spec", {})
        if not spec.get("audiences"):
            spec["audiences"] = list(tokens.audiences)
        if spec.get("expirationSeconds") is None:
            spec["expirationSeconds"] = _DEFAULT_SECONDS
        spec.setdefault("boundObjectRef", None)
        return spec

    def _shorten(self, ctx: RequestContext, spec: Object) -> None:
        asked = spec["expirationSeconds"]
        if 0 < self._max_seconds < asked:
            ctx.warnings.append(f"requested expiration of {asked} seconds shortened to {self._max_seconds} seconds")
            spec["expirationSeconds"] = self._max_seconds

    def _sign(self, tokens: ServiceAccountTokens, account: Object, spec: Object, bound: "_Bound") -> Object:
        metadata, seconds = account["metadata"], spec["expirationSeconds"]
        extended = (
            self._extend and bound.pod and seconds == _WARN_AFTER and set(spec["audiences"]) <= set(tokens.audiences)
        )
        issued = tokens.issue(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            audiences=spec["audiences"],
            seconds=_EXTENDED if extended else seconds,
            bound=bound.claims,
            warn_after=seconds if extended else 0,
        )
        expires = issued.expires - _EXTENDED + seconds if extended else issued.expires
        return {"token": issued.token, "expirationTimestamp": format_seconds(expires)}


class _Bound(NamedTuple):
    """The claims about the object that a token is bound to, and whether that is a pod."""

    claims: Mapping[str, Mapping[str, str]]
    pod: bool = False


def _check_metadata(ctx: RequestContext, obj: Object) -> None:
    metadata = obj.get("metadata") or {}
    wanted = {"name": ctx.name, "namespace": ctx.namespace}
    for member, value in wanted.items():
        given = metadata.get(member)
        if given and given != value:
            detail = f"must match the service account {member} if specified"
            raise invalid(_KIND, ctx.name, [field_invalid(f"metadata.{member}", given, detail)])


def _check_spec(spec: Object) -> None:
    errors: list[FieldError] = []
    seconds, field = spec["expirationSeconds"], "spec.expirationSeconds"
    if seconds < _MIN_SECONDS:
        errors.append(field_invalid(field, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > _MAX_SECONDS:
        errors.append(field_invalid(field, seconds, "may not specify a duration larger than 2^32 seconds"))
    if errors:
        raise invalid(_KIND, "", errors)


async def _bound(ctx: RequestContext, reference: Object | None) -> _Bound:
    """Return the claims about the object to bind to; raises when it is not there, another, or of no such kind."""
    if reference is None:
        return _Bound({})
    kind, name = reference.get("kind", ""), reference.get("name", "")
    version = _version(reference.get("apiVersion", ""))
    resource = _BINDABLE.get(kind) if not version.group else None
    if resource is None:
        raise bad_request(f"cannot bind token to object of type {version.with_kind(kind)}")
    if not name:
        raise bad_request("Name parameter required.")
    found = await ctx.client.get(resource, name, "" if resource is _NODES else ctx.namespace)
    claims = {kind.lower(): _reference(found)}
    if resource is _PODS:
        claims |= await _pod_claims(ctx, found)
    uid = reference.get("uid", "")
    if uid and uid != found["metadata"]["uid"]:
        raise _replaced(kind, name, uid)
    return _Bound(claims, resource is _PODS)


async def _pod_claims(ctx: RequestContext, pod: Object) -> dict[str, dict[str, str]]:
    """Check that a pod runs as the service account; return the claims about its node."""
    spec = pod.get("spec") or {}
    if spec.get("serviceAccountName", "") != ctx.name:
        account = go_quote(ctx.name)
        raise bad_request(
            f"cannot bind token for serviceaccount {account} to pod running with different serviceaccount name."
        )
    node = spec.get("nodeName")
    return {"node": await _node(ctx.client, node)} if node else {}


async def _node(client: ObjectClient, name: str) -> dict[str, str]:
    """Return the claims about a pod's node: only its name, when there is no such Node object."""
    try:
        return _reference(await client.get(_NODES, name))
    except StatusError as ex:
        if ex.code != 404:
            raise
        return {"name": name}


def _reference(obj: Object) -> dict[str, str]:
    return {"name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}


def _version(api_version: str) -> GroupVersion:
    try:
        return GroupVersion.parse(api_version)
    except ValueError:
        return GroupVersion(api_version, "")


def _replaced(kind: str, name: str, uid: str) -> StatusError:
    return conflict(
        GroupResource("", kind),
        name,
        f"the UID in the bound object reference ({uid}) does not match the UID in record. "
        "The object might have been deleted and then recreated",
    )
