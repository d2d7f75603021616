"""The subresources of pods that need a kubelet: ``log``, ``exec``, ``attach``, ``portforward`` and ``proxy``.

kapi reaches no kubelets. It checks what is asked for as kube-apiserver does, and then says why it goes no further.
"""

from collections.abc import Mapping

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    field_invalid,
    go_quote,
    invalid,
    service_unavailable,
)
from kapi.meta.gvk import GroupKind
from kapi_apigroups.core.connection_names import split_name
from kapi_apigroups.core.node_connections import check_node
from kapi_apigroups.core.resources import PODS

_LOG_OPTIONS = GroupKind("", "PodLogOptions")
_NUMBERS = {"tailLines": 0, "limitBytes": 1, "sinceSeconds": 1}
_TOO_SMALL = ("must be greater than or equal to 0", "must be greater than 0")
_UNREACHABLE = "this server does not connect to nodes"


def _container(pod: Object, wanted: str) -> str:
    """Return the container that a request means; raises bad_request."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    lists = [spec.get(member) or () for member in ("initContainers", "containers", "ephemeralContainers")]
    names = [container.get("name", "") for containers in lists for container in containers]
    if wanted:
        if wanted not in names:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(names) == 1:
        return str(names[0])
    raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")


class LogHandler:
    """``pods/log``."""

    async def connect(self, ctx: RequestContext) -> Object | None:
        """Return None (no content) for a pod that has not been on a node yet."""
        numbers = _log_numbers(ctx.options)
        errors = _validate_log(ctx.options, numbers)
        if errors:
            raise invalid(_LOG_OPTIONS, ctx.name, errors)
        pod = await ctx.client.get(PODS, ctx.name, ctx.namespace)
        _container(pod, ctx.options.get("container", ""))
        node = pod["spec"].get("nodeName")
        if not node:
            return None
        await check_node(ctx.client, node, missing=PODS.group_resource)
        raise service_unavailable(_UNREACHABLE)


def _log_numbers(options: Mapping[str, str]) -> dict[str, int]:
    numbers = {}
    for member in _NUMBERS:
        text = options.get(member)
        if text is not None:
            numbers[member] = _number(text)
    return numbers


def _number(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise bad_request(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    if len(digits.lstrip("0")) > 18:
        raise bad_request(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return int(text)


def _validate_log(options: Mapping[str, str], numbers: Mapping[str, int]) -> list[FieldError]:
    errors = [
        field_invalid(member, number, _TOO_SMALL[_NUMBERS[member]])
        for member, number in numbers.items()
        if number < _NUMBERS[member]
    ]
    if "sinceSeconds" in numbers and options.get("sinceTime"):
        errors.append(field_forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    if "stream" in options:
        errors.append(field_forbidden("stream", "may not be specified"))
    return errors


class StreamHandler:
    """``pods/exec``, ``pods/attach`` and, without a container, ``pods/portforward``."""

    def __init__(self, *, in_container: bool = True) -> None:
        """Take whether the stream goes to one container of the pod."""
        self._in_container = in_container

    async def connect(self, ctx: RequestContext) -> Object | None:
        """Refuse: bad_request for a pod without node, otherwise service_unavailable."""
        pod = await ctx.client.get(PODS, ctx.name, ctx.namespace)
        if self._in_container:
            _container(pod, ctx.options.get("container", ""))
        node = pod["spec"].get("nodeName")
        if not node:
            raise bad_request(f"pod {ctx.name} does not have a host assigned")
        await check_node(ctx.client, node)
        raise service_unavailable(_UNREACHABLE)


class PodProxyHandler:
    """``pods/proxy``."""

    async def connect(self, ctx: RequestContext) -> Object | None:
        """Refuse: bad_request for a pod without address, otherwise service_unavailable."""
        name = split_name(ctx.name, "pod").name
        pod = await ctx.client.get(PODS, name, ctx.namespace)
        if not pod.get("status", {}).get("podIP"):
            raise bad_request("address not allowed")
        raise service_unavailable(_UNREACHABLE)
