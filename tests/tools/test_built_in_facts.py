"""Invariants of the generated tables, and the groups that are built from them."""

import asyncio

import pytest

from kapi.contracts.resources import StatusStrategy, Strategy
from kapi.meta.errors import StatusError
from kapi.meta.schema.check import check
from kapi.meta.schema.decode import decode_value
from kapi.meta.schema.defaulting import apply_defaults
from kapi.meta.schema.types import List, Map, Struct, Variant
from kapi_apigroups.build import KindRules, build_group, facts_columns
from kapi_apigroups.facts import definitions, group_facts, group_names

GROUPS = group_names()


def all_types():
    seen, waiting = {}, [definitions().type(name) for name in definitions().names()]
    while waiting:
        type_ = waiting.pop()
        if id(type_) in seen:
            continue
        seen[id(type_)] = type_
        if isinstance(type_, Struct):
            waiting += [field.type for field in type_.fields.values()]
        elif isinstance(type_, List):
            waiting.append(type_.items)
        elif isinstance(type_, Map):
            waiting.append(type_.values)
        elif isinstance(type_, Variant):
            waiting.append(type_.object)
    return list(seen.values())


def test_all_types_resolve():
    assert len(all_types()) > 1000


def test_map_lists_have_keys_that_their_items_know():
    for type_ in all_types():
        if isinstance(type_, List) and type_.list_type == "map":
            assert type_.keys
            assert set(type_.keys) <= type_.items.fields.keys()


def test_merge_keys_are_members_of_the_items():
    for type_ in all_types():
        for field in type_.fields.values() if isinstance(type_, Struct) else ():
            if field.merge_key:
                assert field.merge_key in field.type.items.fields


def test_no_kind_has_an_empty_object_that_is_not_in_normal_form():
    for name in definitions().names():
        if definitions().kinds(name) and isinstance(definitions().type(name), Struct):
            struct = definitions().struct(name)
            empty = decode_value({}, struct).object
            assert decode_value(empty, struct) == (empty, [])
            apply_defaults(struct, empty)
            assert check(struct, empty) == []


@pytest.mark.parametrize("group", GROUPS)
def test_groups_are_complete(group):
    built = build_group(group, {})
    assert built.versions
    for version in built.versions:
        for resource in version.resources:
            assert {"kind", "metadata"} & resource.schema().fields.keys()
            assert resource.storage_prefix or resource.handler
            for sub in resource.subresources:
                assert (sub.strategy, sub.view, sub.handler).count(None) == 2
                assert sub.verbs


def test_priorities_give_the_order_of_discovery():
    ranked = sorted(GROUPS[1:], key=lambda name: (-group_facts(name)["priority"][0], name))
    assert ranked == GROUPS[1:]


def test_storage_keys():
    core = {resource.gvr.resource: resource for resource in build_group("", {}).versions[0].resources}
    assert core["services"].storage_prefix == "services/specs"
    assert core["pods"].storage_prefix == "pods"
    assert core["bindings"].storage_prefix == ""
    rules = {("v1", "pods"): KindRules(storage_prefix="elsewhere")}
    pods = next(r for r in build_group("", rules).versions[0].resources if r.gvr.resource == "pods")
    assert pods.storage_prefix == "elsewhere"


def test_rules_of_subresources():
    class ScaleView:
        def project(self, parent):
            return parent

    class Log:
        async def get(self, ctx):
            return {}

    other = Strategy()
    rules = KindRules(subresources={"resize": other, "ephemeralcontainers": ScaleView(), "log": Log()})
    pods = next(r for r in build_group("", {("v1", "pods"): rules}).versions[0].resources if r.gvr.resource == "pods")
    by_name = {sub.name: sub for sub in pods.subresources}
    assert by_name["resize"].strategy is other
    assert isinstance(by_name["ephemeralcontainers"].view, ScaleView)
    assert isinstance(by_name["log"].handler, Log)
    assert isinstance(by_name["status"].strategy, StatusStrategy)
    assert by_name["eviction"].kind.api_version == "policy/v1"


def test_rules_must_name_what_exists():
    with pytest.raises(KeyError, match="no resource widgets in apps/v1"):
        build_group("apps", {("v1", "widgets"): KindRules()})
    with pytest.raises(KeyError, match="no subresource shrink of deployments"):
        build_group("apps", {("v1", "deployments"): KindRules(subresources={"shrink": Strategy()})})
    with pytest.raises(KeyError):
        build_group("nope", {})


def test_what_needs_nodes_answers_a_clear_refusal():
    pods = next(r for r in build_group("", {}).versions[0].resources if r.gvr.resource == "pods")
    exec_ = next(sub for sub in pods.subresources if sub.name == "exec")

    class Context:
        verb = "create"

    with pytest.raises(StatusError) as caught:
        asyncio.run(exec_.handler.connect(Context()))
    assert caught.value.code == 405
    assert caught.value.message == 'create is not supported on resources of kind "pods/exec"'


def test_columns():
    columns = facts_columns("apps", "v1", "deployments")
    assert [column.name for column in columns][:3] == ["Name", "Ready", "Up-to-date"]
    assert columns[0].format == "name"
    with pytest.raises(KeyError):
        facts_columns("apps", "v1", "nope")


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        (
            "core.v1.PodSpec",
            {"hostNetwork": False, "activeDeadlineSeconds": 0},
            {"containers": None, "activeDeadlineSeconds": 0},
        ),
        ("core.v1.LocalObjectReference", {"name": ""}, {}),
        ("core.v1.PodCondition", {}, {"type": "", "status": "", "lastProbeTime": None, "lastTransitionTime": None}),
        ("core.v1.ServicePort", {"port": 80}, {"port": 80, "targetPort": 0}),
        ("rbac.v1.Role", {"rules": []}, {"metadata": {}, "rules": None}),
        ("apps.v1.ControllerRevision", {"data": {}}, {"metadata": {}, "revision": 0, "data": {}}),
        ("apps.v1.DeploymentSpec", {"replicas": 0, "minReadySeconds": 0}, None),
        ("core.v1.ReplicationControllerSpec", {"minReadySeconds": 0}, {}),
        ("core.v1.ResourceRequirements", {"limits": {"cpu": "1u"}}, {"limits": {"cpu": "1m"}}),
        ("core.v1.EmptyDirVolumeSource", {"sizeLimit": "1u"}, {"sizeLimit": "1u"}),
        ("core.v1.ResourceFieldSelector", {"resource": "cpu"}, {"resource": "cpu", "divisor": "0"}),
    ],
)
def test_zero_values_as_the_reference_writes_them(definition, value, expected):
    struct = definitions().struct("io.k8s.api." + definition)
    found = decode_value(value, struct).object
    if expected is None:
        assert found == {
            "replicas": 0,
            "selector": None,
            "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": None}},
        }
    else:
        assert found == expected


def test_schemas_of_schemas():
    name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
    struct = definitions().struct(name)
    value = {
        "items": {"type": "object", "nope": 1, "minLength": 0},
        "additionalProperties": False,
        "enum": [None, 1],
        "dependencies": {"a": ["b"], "c": {"type": "string", "nope": 1}},
        "allOf": [{"nope": 1}],
    }
    found = decode_value(value, struct)
    assert found.object["items"] == {"type": "object", "minLength": 0}
    assert found.object["additionalProperties"] is False
    assert found.object["enum"] == [None, 1]
    assert found.object["dependencies"] == {"a": ["b"], "c": {"type": "string"}}
    assert found.problems == ['unknown field "allOf[0].nope"']
