"""Resources made of definitions, and the rules under which they are written."""

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi_apigroups.apiextensions.definition_rules import validate_definition_update
from kapi_apigroups.apiextensions.serving import CustomResource, groups_of

STRING = {"type": "string"}
CTX = RequestContext(UserInfo("jane"), "create", "", "a", "", False, None)


def schema(**members):
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": members}}}}


def version(name, *, storage=False, **facts):
    return {"name": name, "served": True, "storage": storage, "schema": schema(a=STRING), **facts}


def definition(*versions, plural="things", **facts):
    names = {"plural": plural, "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    spec = {"group": "x.io", "scope": "Cluster", "names": names, "versions": list(versions),
            "conversion": {"strategy": "None"}}  # fmt: skip
    status = {"acceptedNames": names, "storedVersions": [v["name"] for v in versions if v["storage"]],
              "conditions": [{"type": "Established", "status": "True"}]}  # fmt: skip
    return {"metadata": {"name": f"{plural}.x.io", "uid": "u", **facts}, "spec": spec, "status": status}


def custom(*versions, **facts):
    return CustomResource(definition(*versions, **facts))


def thing(name="v1", **spec):
    return {"kind": "Thing", "apiVersion": f"x.io/{name}", "metadata": {"name": "a"}, "spec": spec}


def test_versions_share_what_is_stored():
    made = custom(
        version("v1", storage=True, schema=schema(a=STRING, b=STRING)), version("v2", schema=schema(a=STRING))
    )
    first, second = made.resources["v1"], made.resources["v2"]
    assert (first.storage_prefix, first.from_storage) == ("x.io/things", None)
    assert second.from_storage(thing(a="1", b="2")) == thing("v2", a="1")
    assert second.to_storage(thing("v2", a="1")) == thing(a="1")


def test_what_is_stored_is_brought_up_to_date():
    now = version("v2", storage=True, schema=schema(a=STRING, d={"type": "string", "default": "D"}))
    made = custom(version("v1"), now)
    refresh = made.resources["v2"].refresh
    assert refresh(thing("v2", a="1", gone=1)) == thing("v2", a="1", d="D")
    assert refresh(thing("v1", a="1")) == thing("v2", a="1")  # defaults are those of the version it was written in
    settled = thing("v2", a="1", d="D")
    assert refresh(settled) is settled


def test_deprecated_versions_name_the_better_one():
    made = custom(version("v1beta1", deprecated=True), version("v1", storage=True), version("v2alpha1"))
    assert made.resources["v1beta1"].deprecation == "x.io/v1beta1 Thing is deprecated; use x.io/v1 Thing"
    own = custom(version("v1", storage=True, deprecated=True, deprecationWarning="mind!"))
    assert own.resources["v1"].deprecation == "mind!"


def test_groups_stay_the_same_objects_while_nothing_changes():
    one, other = custom(version("v1", storage=True)), custom(version("v1", storage=True), plural="others")
    (first,) = groups_of([one], [])
    assert groups_of([one], [first]) == [first]
    (both,) = groups_of([one, other], [first])
    assert both is not first
    assert [resource.gvr.resource for resource in both.versions[0].resources] == ["things", "others"]


def test_a_definition_that_is_deleted_lets_nothing_in():
    strategy = custom(version("v1", storage=True), deletionTimestamp="2026-01-01T00:00:00Z").resources["v1"].strategy
    with pytest.raises(StatusError, match="while custom resource definition is terminating"):
        strategy.prepare_for_create(CTX, thing())


def test_generations_count_everything_but_metadata_and_status():
    plain = custom(version("v1", storage=True)).resources["v1"].strategy
    with_status = custom(version("v1", storage=True, subresources={"status": {}})).resources["v1"].strategy
    for strategy, counted in ((plain, 2), (with_status, 1)):
        old = {**thing(), "metadata": {"generation": 1}, "status": {"x": 1}}
        new = {**thing(), "metadata": {"generation": 1, "labels": {}}, "status": {"x": 2}}
        strategy.prepare_for_update(CTX, new, old)
        assert new["metadata"]["generation"] == counted
        assert new["status"] == ({"x": 2} if strategy is plain else {"x": 1})


def test_objects_that_rules_should_check_are_not_written():
    ruled = version("v1", storage=True, schema=schema(a={**STRING, "x-kubernetes-validations": [{"rule": "true"}]}))
    strategy = custom(ruled).resources["v1"].strategy
    with pytest.raises(StatusError, match="does not evaluate yet"):
        strategy.prepare_for_create(CTX, thing())
    old, new = thing(a="1"), thing(a="2")
    with pytest.raises(StatusError, match="does not evaluate yet"):
        strategy.prepare_for_update(CTX, new, old)
    strategy.prepare_for_update(CTX, thing(a="1"), old)  # finalizers may go


def test_a_definition_that_nobody_here_would_accept_can_go():
    ruled = version("v1", storage=True, schema=schema(a={**STRING, "x-kubernetes-validations": [{"rule": "true"}]}))
    old = definition(ruled, finalizers=["a.io/b"])
    assert list(validate_definition_update(definition(ruled), old)) == []


def test_scale_shows_and_changes_what_the_definition_says():
    paths = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size", "labelSelectorPath": ".status.sel"}
    view = custom(version("v1", storage=True, subresources={"scale": paths})).resources["v1"].subresources[0].view
    parent = {**thing(), "status": {"size": 2, "sel": "a=b"}}
    with pytest.raises(StatusError, match="spec replicas field"):
        view.read(parent)
    view.apply(parent, {"spec": {"replicas": 3}})
    assert parent["spec"] == {"size": 3}
    scale = view.read(parent)
    assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 2, "selector": "a=b"})
    assert view.parent_path(("spec", "replicas")) == ("spec", "size")
