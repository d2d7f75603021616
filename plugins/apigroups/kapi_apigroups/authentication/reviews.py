"""TokenReview and SelfSubjectReview: questions about identities, answered and not stored."""

from kapi.contracts.authn import AuthenticationError, TokenAuthenticator, UserInfo
from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import bad_request
from kapi.meta.times import now

_INVALID = "invalid bearer token"


class TokenReview:
    """Whose token is this? Asked by servers to which users have sent their tokens."""

    def __init__(self, authenticator: TokenAuthenticator) -> None:
        """Take the union of the server's token authenticators."""
        self._authenticator = authenticator

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Return the review with its answer; raises 400 when it holds no token."""
        spec = obj.get("spec") or {}
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        obj["status"] = await self._answer(spec["token"], tuple(spec.get("audiences") or ()))
        return obj

    async def _answer(self, token: str, audiences: tuple[str, ...]) -> Object:
        try:
            response = await self._authenticator.authenticate_token(token, audiences)
        except AuthenticationError as ex:
            return {"user": {}, "error": str(ex)}
        if response is None:
            return {"user": {}, "error": _INVALID}
        status: Object = {"authenticated": True, "user": shown_user(response.user)}
        if response.audiences:
            status["audiences"] = list(response.audiences)
        return status


class SelfReview:
    """Who am I?"""

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Return a review with the sender's identity."""
        return {
            "kind": obj["kind"],
            "apiVersion": obj["apiVersion"],
            "metadata": {"creationTimestamp": now()},
            "status": {"userInfo": shown_user(ctx.user)},
        }


def shown_user(user: UserInfo) -> Object:
    """Return a user as the UserInfo of authentication.k8s.io/v1."""
    shown: Object = {}
    if user.name:
        shown["username"] = user.name
    if user.uid:
        shown["uid"] = user.uid
    if user.groups:
        shown["groups"] = list(user.groups)
    if user.extra:
        shown["extra"] = {key: list(user.extra[key]) for key in sorted(user.extra)}
    return shown
