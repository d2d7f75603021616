"""May a user act as another? Constrained impersonation (KEP-5284), then the older right to impersonate.

Constrained modes need two rights: to act as that user at all (``impersonate:<mode>``), and to do what the request
does while acting so (``impersonate-on:<mode>:<verb>``). The older right, ``impersonate``, is checked when no
constrained mode applies. What is refused first is what the answer shows, but the mode that last worked for the
same sender goes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kapi.authz.refusal import refused
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, Verdict
from kapi.meta.errors import StatusError, go_quote, internal_error
from kapi.meta.names import dns1123_subdomain

_ANONYMOUS = "system:anonymous"
_AUTHENTICATED = "system:authenticated"
_UNAUTHENTICATED = "system:unauthenticated"
_AUTHN_GROUP = "authentication.k8s.io"
_NODE_NAME = "authentication.kubernetes.io/node-name"
_NODE_KEYS = "authentication.kubernetes.io/associated-node-keys"
_SERVICE_ACCOUNT = "system:serviceaccount:"
_REMEMBERED = 10_000
_MANY = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """The user whom a request wants to act as, before anything is filled in."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def only_name(self) -> bool:
        """Tell whether nothing but the name was asked for."""
        return not (self.uid or self.groups or self.extra)


class _Mode(NamedTuple):
    name: str
    verb: str

    @property
    def constrained(self) -> bool:
        return bool(self.name)


_ASSOCIATED_NODE = _Mode("associated-node", "impersonate:associated-node")
_ARBITRARY_NODE = _Mode("arbitrary-node", "impersonate:arbitrary-node")
_ACCOUNT = _Mode("serviceaccount", "impersonate:serviceaccount")
_USER_INFO = _Mode("user-info", "impersonate:user-info")
_LEGACY = _Mode("", "impersonate")
_MODES = (_ASSOCIATED_NODE, _ARBITRARY_NODE, _ACCOUNT, _USER_INFO, _LEGACY)


class Impersonation:
    """Checks the right to impersonate."""

    def __init__(self, authorizer: Authorizer) -> None:
        """Take the authorizer that is asked."""
        self._authorizer = authorizer
        self._worked: dict[str, _Mode] = {}

    async def user(self, wanted: Wanted, attributes: Attributes) -> UserInfo:
        """Return the user to act as; raises the 403 Status of the first check that failed.

        ``attributes`` describe the request, with its sender as their user.
        """
        last = self._worked.get(attributes.user.name)
        modes = _MODES if last is None else (last, *(mode for mode in _MODES if mode is not last))
        first: StatusError | None = None
        for mode in modes:
            if not _applies(mode, wanted, attributes.user):
                continue
            try:
                found = await self._check(mode, wanted, attributes)
            except StatusError as ex:
                first = first or ex
                continue
            self._remember(attributes.user.name, mode)
            return found
        raise first or internal_error("all impersonation modes failed")

    def _remember(self, sender: str, mode: _Mode) -> None:
        if sender not in self._worked and len(self._worked) >= _REMEMBERED:
            del self._worked[next(iter(self._worked))]
        self._worked[sender] = mode

    async def _check(self, mode: _Mode, wanted: Wanted, attributes: Attributes) -> UserInfo:
        if mode is _ASSOCIATED_NODE:
            attributes = attributes._replace(user=_without_node(attributes.user))
        if mode.constrained:
            await self._require(attributes._replace(verb=f"impersonate-on:{mode.name}:{attributes.verb}"))
        sender = attributes.user
        await self._require(_name_attributes(mode, wanted, sender))
        if wanted.uid:
            await self._require(_identity(mode, sender, _AUTHN_GROUP, "uids", wanted.uid))
        await self._check_groups(mode, wanted.groups, sender)
        await self._check_extra(mode, wanted.extra, sender)
        return UserInfo(wanted.name, wanted.uid, _complete_groups(mode, wanted), wanted.extra)

    async def _check_groups(self, mode: _Mode, groups: tuple[str, ...], sender: UserInfo) -> None:
        asked = _identity(mode, sender, _name_group(mode), "groups", "")
        if mode.constrained:
            if "" in groups:
                raise refused(asked, "impersonating the empty string group is not allowed")
            if "system:masters" in groups:
                reason = "impersonating the system:masters group is not allowed"
                raise refused(asked._replace(name="system:masters"), reason)
            if len(groups) >= _MANY and await self._allows(asked._replace(name="*")):
                return
        for group in groups:
            await self._require(asked._replace(name=group))

    async def _check_extra(self, mode: _Mode, extra: Mapping[str, tuple[str, ...]], sender: UserInfo) -> None:
        asked = _identity(mode, sender, _AUTHN_GROUP, "userextras", "")
        if mode.constrained:
            for key, values in extra.items():
                problem = _extra_problem(key, values)
                if problem:
                    raise refused(asked, problem)
            many = len(extra) >= _MANY or sum(map(len, extra.values())) >= _MANY
            if many and await self._allows(asked._replace(subresource="*", name="*")):
                return
        for key, values in extra.items():
            for value in values:
                await self._require(asked._replace(subresource=key, name=value))

    async def _allows(self, attributes: Attributes) -> bool:
        return (await self._authorizer.authorize(attributes)).verdict is Verdict.ALLOW

    async def _require(self, attributes: Attributes) -> None:
        verdict, reason = await self._authorizer.authorize(attributes)
        if verdict is not Verdict.ALLOW:
            raise refused(attributes, reason)


def split_service_account(username: str) -> tuple[str, str] | None:
    """Return namespace and name of a service account's user name; None for other users."""
    namespace, colon, name = username.removeprefix(_SERVICE_ACCOUNT).partition(":")
    if not (username.startswith(_SERVICE_ACCOUNT) and colon and namespace and name) or ":" in name:
        return None
    return namespace, name


def _node(username: str) -> str:
    """Return the node that a user name stands for, or ""."""
    prefix = "system:node:"
    name = username.removeprefix(prefix)
    return name if username.startswith(prefix) and not dns1123_subdomain(name) else ""


def _applies(mode: _Mode, wanted: Wanted, sender: UserInfo) -> bool:
    """Tell whether the mode can be tried at all."""
    if mode is _LEGACY:
        return True
    node = _node(wanted.name)
    account = split_service_account(wanted.name) is not None
    if mode is _USER_INFO:
        return not node and not account
    if not wanted.only_name:
        return False
    if mode is _ACCOUNT:
        return account
    return bool(node) and (mode is _ARBITRARY_NODE or _runs_on(sender, node))


def _runs_on(sender: UserInfo, node: str) -> bool:
    """Tell whether the sender is a service account whose token is bound to that node."""
    return split_service_account(sender.name) is not None and tuple(sender.extra.get(_NODE_NAME, ())) == (node,)


def _without_node(sender: UserInfo) -> UserInfo:
    """Return the sender as the check for its own node sees it: the same on every node."""
    return UserInfo(sender.name, sender.uid, sender.groups, {_NODE_KEYS: tuple(sorted(sender.extra))})


def _name_group(mode: _Mode) -> str:
    return _AUTHN_GROUP if mode.constrained else ""


def _identity(mode: _Mode, sender: UserInfo, group: str, resource: str, name: str) -> Attributes:
    return Attributes(sender, mode.verb, True, group=group, version="v1", resource=resource, name=name)


def _name_attributes(mode: _Mode, wanted: Wanted, sender: UserInfo) -> Attributes:
    account = split_service_account(wanted.name)
    if account is not None:
        namespace, name = account
        asked = _identity(mode, sender, _name_group(mode), "serviceaccounts", name)
        return asked._replace(namespace=namespace)
    if mode is _ASSOCIATED_NODE:
        return _identity(mode, sender, _AUTHN_GROUP, "nodes", "*")
    if mode is _ARBITRARY_NODE:
        return _identity(mode, sender, _AUTHN_GROUP, "nodes", _node(wanted.name))
    return _identity(mode, sender, _name_group(mode), "users", wanted.name)


def _complete_groups(mode: _Mode, wanted: Wanted) -> tuple[str, ...]:
    """Return the groups of the user to act as, with those that follow from the name."""
    groups = wanted.groups
    account = split_service_account(wanted.name)
    if account is not None and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    elif mode in (_ASSOCIATED_NODE, _ARBITRARY_NODE):
        groups = ("system:nodes",)
    if wanted.name == _ANONYMOUS:
        implied = _UNAUTHENTICATED
    elif _UNAUTHENTICATED in groups:
        return groups
    else:
        implied = _AUTHENTICATED
    return groups if implied in groups else (*groups, implied)


def _extra_problem(key: str, values: tuple[str, ...]) -> str:
    """Return why constrained modes refuse an extra field, or ""."""
    if not key:
        return "impersonating the empty string key in extra is not allowed"
    domain, slash, path = key.partition("/")
    if not slash or not path or dns1123_subdomain(domain):
        return f"impersonating an invalid key in extra is not allowed: {go_quote(key)} must be a domain-prefixed path"
    if key != key.lower():
        return f"impersonating a non-lowercase key in extra is not allowed: {go_quote(key)}"
    if "" in values:
        return "impersonating the empty string value in extra is not allowed"
    return ""
