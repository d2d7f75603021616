"""Whatever decodes is judged, not crashed on: objects are made at random from the kinds' own types."""

import random

import pytest

from kapi.meta.errors import StatusError
from kapi.meta.schema.decode import DecodeError
from kapi.meta.schema.types import List, Map, Scalar, Struct

PACKAGES = [
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "apps",
    "autoscaling",
    "batch",
    "certificates",
    "coordination",
    "discovery",
    "flowcontrol",
    "networking",
    "node",
    "resource",
    "scheduling",
    "storage",
]
TEXTS = [
    "",
    "a",
    "x.io/y",
    "10.0.0.0/8",
    "RollingUpdate",
    "Limited",
    "Queue",
    "Resource",
    "Object",
    "Pods",
    "Indexed",
    "Always",
    "Never",
    "Exempt",
    "-1",
    "50%",
    "Prefix",
    "IPv4",
    "In",
    "ServiceAccount",
    "FailIndex",
]
LEAVES = {
    "int32": [0, 1, -1, 2**31 - 1],
    "int64": [0, 1, -1],
    "number": [0, 1.5],
    "boolean": [True, False],
    "bytes": ["", "AAAA"],
    "quantity": ["0", "1", "-1", "500m"],
    "milli-quantity": ["0", "1", "-1", "500m"],
    "int-or-string": [0, 1, -1, "50%", "x"],
    "time": ["2024-01-01T00:00:00Z"],
    "micro-time": ["2024-01-01T00:00:00.000000Z"],
    "duration": ["1s"],
    "any": [None, {}, [], 1, "x"],
}


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def make(self, type_, depth=0):
        if isinstance(type_, Struct):
            return self.struct(type_, depth)
        if isinstance(type_, List):
            return [self.make(type_.items, depth + 1) for _ in range(self.random.choice((0, 1, 1, 2)))]
        if isinstance(type_, Map):
            return {self.random.choice(TEXTS): self.make(type_.values, depth + 1)}
        assert isinstance(type_, Scalar)
        if type_.kind == "string":
            return self.random.choice([*TEXTS, *type_.enum])
        return self.random.choice(LEAVES[type_.kind])

    def struct(self, type_, depth):
        if depth > 9 or type_.name.endswith("ObjectMeta"):
            return {}
        chance = 0.75 if depth < 3 else 0.35
        return {
            field.name: self.make(field.type, depth + 1)
            for field in type_.fields.values()
            if field.name not in ("kind", "apiVersion", "metadata") and self.random.random() < chance
        }


def bodies(bench, maker):
    """Yield objects that decode."""
    schema = bench.resource.schema()
    for _ in range(40):
        body = maker.make(schema)
        try:
            bench.decoded(body)
        except DecodeError:
            continue
        yield body


@pytest.mark.parametrize("package", PACKAGES)
def test_judges_whatever_decodes(package, built_group, kind_bench):
    for version in built_group(package).versions:
        for resource in version.resources:
            bench, maker = kind_bench(package, resource.gvr.resource, version.version), Maker(package)
            judged = 0
            for body in bodies(bench, maker):
                try:
                    old = bench.create(**body)
                except StatusError:
                    continue
                for subresource in ("", *(one.name for one in resource.subresources if one.strategy)):
                    try:
                        bench.update(old, subresource, **body)
                    except StatusError:
                        continue
                    judged += 1
            assert judged > 0
