"""Kinds of the core group as a request meets them: decoded, defaulted, then their rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.resources import RequestContext, Resource
from kapi.meta.schema.decode import decode_value
from kapi.meta.schema.defaulting import apply_defaults
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.core import kapi_register_api_groups

Object = dict[str, Any]
MakeContext = Callable[..., RequestContext]


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient()


@pytest.fixture
def make_context(client: MemoryClient) -> MakeContext:
    def make(name: str = "", *, dry_run: bool = False, options: dict[str, str] | None = None) -> RequestContext:
        return RequestContext(UserInfo("u"), "create", "ns", name, "", dry_run, client, options or {})

    return make


@pytest.fixture
def ctx(make_context: MakeContext) -> RequestContext:
    return make_context()


@pytest.fixture(scope="session")
def core_resources() -> dict[str, Resource]:
    group = kapi_register_api_groups(BuildContext(Options({}), Path("/nonexistent")))[0]
    return {resource.gvr.resource: resource for version in group.versions for resource in version.resources}


@pytest.fixture
def settle(core_resources: dict[str, Resource]) -> Callable[[str, Object], Object]:
    """Decode and default an object, as before admission."""

    def settled(plural: str, obj: Object) -> Object:
        resource = core_resources[plural]
        body = {"metadata": {"name": "x", "namespace": "ns"}, **obj}
        kind = resource.kind
        new = decode_value({**body, "kind": kind.kind, "apiVersion": kind.api_version}, resource.schema()).object
        apply_defaults(resource.schema(), new)
        resource.strategy.default(new)
        return new

    return settled


@pytest.fixture
def created(
    core_resources: dict[str, Resource], settle: Callable[[str, Object], Object], ctx: RequestContext
) -> Callable[[str, Object], Object]:
    """Prepare an object for creation; it must be valid."""

    def make(plural: str, obj: Object) -> Object:
        new = settle(plural, obj)
        strategy = core_resources[plural].strategy
        strategy.prepare_for_create(ctx, new)
        assert strategy.validate(ctx, new) == []
        return new

    return make


@pytest.fixture
def pod_of() -> Callable[..., Object]:
    def make(**spec: Any) -> Object:
        return {"spec": {"containers": [{"name": "c", "image": "img:1"}], **spec}}

    return make
