"""A bench for the rules of built-in kinds: what a write does to an object, without a server."""

import copy
import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.resources import APIGroup, Object, RequestContext, Resource, Strategy
from kapi.meta.schema.decode import decode_value
from kapi.meta.schema.defaulting import apply_defaults

UID = "0f6bd1b6-4b5a-4a53-8a2e-0d2b3c4d5e6f"


@cache
def load_group(package: str) -> APIGroup:
    module = importlib.import_module(f"kapi_apigroups.{package}")
    context = BuildContext(options=Options({"service-cluster-ip-range": "10.96.0.0/16"}), data_dir=Path("."))
    return module.kapi_register_api_groups(context)[0]


class KindBench:
    """Runs the rules of one resource as the store does."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.user = UserInfo("ann", "u-1", ("dev",), {"scopes": ("a", "b")})
        self.warnings: list[str] = []

    def decoded(self, body: Object) -> Object:
        schema = self.resource.schema()
        kind = self.resource.kind
        body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"name": "x"}, **body}
        obj = decode_value(body, schema).object
        apply_defaults(schema, obj)
        return obj

    def context(self, verb: str) -> RequestContext:
        client: Any = None
        return RequestContext(self.user, verb, "ns", "x", "", False, client)

    def strategy(self, subresource: str) -> Strategy:
        if not subresource:
            return self.resource.strategy
        found = next(one for one in self.resource.subresources if one.name == subresource).strategy
        assert found is not None
        return found

    def create(self, **members: Any) -> Object:
        """Return the object as it would be stored; the findings are in ``problems``."""
        strategy, ctx, obj = self.resource.strategy, self.context("create"), self.decoded(members)
        strategy.default(obj)
        obj["metadata"]["uid"] = UID
        strategy.prepare_for_create(ctx, obj)
        if strategy.generation:
            obj["metadata"]["generation"] = 1
        self.problems = [str(error) for error in strategy.validate(ctx, obj)]
        self.warnings = strategy.warnings(ctx, obj, None)
        return obj

    def update(self, old: Object, subresource: str = "", **members: Any) -> Object:
        """Return the object after a PUT; ``old`` must stay as it was."""
        strategy, ctx = self.strategy(subresource), self.context("update")
        obj, before = self.decoded(members), copy.deepcopy(old)
        strategy.default(obj)
        for member in ("uid", "generation"):
            if member in old["metadata"]:
                obj["metadata"][member] = old["metadata"][member]
        strategy.prepare_for_update(ctx, obj, old)
        self.problems = [str(error) for error in strategy.validate_update(ctx, obj, old)]
        self.warnings = strategy.warnings(ctx, obj, old)
        assert old == before
        return obj

    def findings(self, **members: Any) -> list[str]:
        """Return what is wrong with a new object."""
        self.create(**members)
        return self.problems


@pytest.fixture
def kind_bench():
    """Return a function that makes a bench from a package, a plural and a version."""

    def make(package: str, plural: str, version: str = "v1") -> KindBench:
        versions = {one.version: one for one in load_group(package).versions}
        return KindBench(next(one for one in versions[version].resources if one.gvr.resource == plural))

    return make


@pytest.fixture
def built_group():
    """Return a function that gives the APIGroup of a package."""
    return load_group
