import pytest

from kapi_apigroups.apiextensions.definition_rules import (
    schema_findings,
    validate_definition,
    validate_definition_update,
)

SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
SCALE = {"specReplicasPath": ".x", "statusReplicasPath": ".status.r"}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": SCHEMA}


def definition(versions=(VERSION,), *, group="x.io", stored=("v1",), conversion=None, established=False, **names):
    named = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList", **names}
    spec = {"group": group, "scope": "Namespaced", "names": named, "versions": list(versions),
            "conversion": conversion or {"strategy": "None"}}  # fmt: skip
    conditions = [{"type": "Established", "status": "True"}] if established else None
    return {"metadata": {"name": f"{named['plural']}.{group}"}, "spec": spec,
            "status": {"storedVersions": list(stored), "conditions": conditions}}  # fmt: skip


def fields(findings):
    return [finding.field for finding in findings]


def test_a_sound_definition():
    assert fields(validate_definition(definition())) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"group": "nodots"}, "spec.group"),
        ({"kind": "a b"}, "spec.names.kind"),
        ({"listKind": "Thing"}, "spec.names.listKind"),
        ({"categories": ["No!"]}, "spec.names.categories[0]"),
        ({"conversion": {"strategy": "Foo"}}, "spec.conversion.strategy"),
        ({"conversion": {"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}}},
         "spec.conversion.conversionReviewVersions"),
        ({"versions": [{**VERSION, "subresources": {"scale": SCALE}}]},
         "spec.subresources.scale.specReplicasPath"),
        ({"versions": [VERSION, {**VERSION, "name": "v2", "storage": False, "additionalPrinterColumns": [{"name": "a",
          "type": "string", "jsonPath": "bad"}]}]}, "spec.versions[1].additionalPrinterColumns[0].JSONPath"),
        ({"group": "x.k8s.io"}, "metadata.annotations[api-approved.kubernetes.io]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(changes, path):
    assert fields(validate_definition(definition(**changes))) == [path]


def test_what_is_established_keeps_its_nature():
    old, new = definition(established=True), definition(established=True)
    new["spec"]["scope"] = "Cluster"
    new["spec"]["names"]["kind"] = "Other"
    assert fields(validate_definition_update(new, old)) == ["spec.scope", "spec.names.kind"]
    assert fields(validate_definition_update(new, definition())) == []


def test_versions_that_objects_are_stored_in_must_stay():
    new = definition([{**VERSION, "name": "v2"}], stored=["v1", "v2"])
    assert fields(validate_definition_update(new, definition())) == ["status.storedVersions[0]"]


def schema(**members):
    return {"type": "object", "properties": {"a": members}}


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({}, "s.properties[a].type"),
        ({"type": "array"}, "s.properties[a].items"),
        ({"type": "string", "default": 1}, "s.properties[a].default"),
        ({"type": "object", "properties": {"k": {"type": "string"}}, "default": {"x": 1}}, "s.properties[a].default"),
        ({"type": "string", "pattern": "("}, "s.properties[a].pattern"),
        ({"type": "string", "anyOf": [{"type": "string"}]}, "s.properties[a].anyOf[0].type"),
        ({"type": "string", "x-kubernetes-list-type": "set"}, "s.properties[a].type"),
        ({"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True},
         "s.properties[a].x-kubernetes-preserve-unknown-fields"),
        ({"type": "object", "x-kubernetes-map-type": "odd"}, "s.properties[a].x-kubernetes-map-type"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "true"}]},
         "s.properties[a].x-kubernetes-validations[0]"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
         "s.properties[a].items.x-kubernetes-map-type"),
    ],
)  # fmt: skip
def test_schemas_that_cannot_be_served(members, path):
    assert path in fields(schema_findings(schema(**members), "s"))


def test_integers_or_strings_may_be_spelled_out():
    either = [{"type": "integer"}, {"type": "string"}]
    assert fields(schema_findings(schema(**{"x-kubernetes-int-or-string": True, "anyOf": either}), "s")) == []
    nested = {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": either}, {"pattern": "^[0-9]+$"}]}
    assert fields(schema_findings(schema(**nested), "s")) == []
