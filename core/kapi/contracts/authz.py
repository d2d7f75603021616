"""Who may: authorizers, their decisions and rule resolvers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kapi.contracts.authn import UserInfo

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext, Option


class Verdict(Enum):
    """What an authorizer says. Only ALLOW lets a request through."""

    DENY = "deny"
    ALLOW = "allow"
    NO_OPINION = "no opinion"


class Decision(NamedTuple):
    """A verdict and the reason that a 403 or a SubjectAccessReview shows."""

    verdict: Verdict
    reason: str = ""


class Attributes(NamedTuple):
    """What is asked of an authorizer (the attributes of a SubjectAccessReview).

    ``path`` is set for requests that name no resource (``resource_request`` False); all the others describe a
    resource request. ``subresource`` is "" for the main resource. Selectors are the raw requirement text.
    """

    user: UserInfo
    verb: str
    resource_request: bool
    path: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""


class Authorizer(Protocol):
    """Decides about single requests."""

    async def authorize(self, attributes: Attributes) -> Decision:
        """Return the decision. An exception counts as NO_OPINION and is logged."""


class ResourceRule(NamedTuple):
    """A rule about resources, as SelfSubjectRulesReview lists it."""

    verbs: tuple[str, ...]
    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    resource_names: tuple[str, ...] = ()


class NonResourceRule(NamedTuple):
    """A rule about paths that name no resource."""

    verbs: tuple[str, ...]
    non_resource_urls: tuple[str, ...]


class Rules(NamedTuple):
    """What a user may do in a namespace; ``incomplete`` when more may be allowed than is listed."""

    resource_rules: Sequence[ResourceRule]
    non_resource_rules: Sequence[NonResourceRule]
    incomplete: bool = False
    error: str = ""


class RuleResolver(Protocol):
    """An authorizer that can also list what it would allow."""

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return the rules that hold for ``user`` in ``namespace``."""


@dataclass(frozen=True, slots=True)
class AuthorizerPlugin:
    """An authorizer that ``--authorization-mode`` can name; the modes are asked in the flag's order.

    What ``build`` returns may also be a RuleResolver.
    """

    name: str
    summary: str
    build: "Callable[[BuildContext], Authorizer]"
    options: "tuple[Option, ...]" = ()
