import copy
import json

import pytest
from apply_kinds import CONFIG, LATER, STATUS_ONLY, WORKLOAD, applied, config, entries, owned, tracked, workload

from kapi.meta.apply.managed import check_object_type
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind


def refusal(live, wanted, manager="m", **options):
    with pytest.raises(StatusError) as caught:
        applied(live, wanted, manager, **options)
    return caught.value


def test_applying_creates():
    result = applied(None, config({"a": "1"}, labels={"l": "x"}), "one")
    assert owned(result) == {"one": {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}}
    assert entries(result)[0]["operation"] == "Apply"


def test_what_is_no_longer_applied_goes():
    live = applied(None, config({"a": "1", "b": "2"}, labels={"l": "x"}))
    result = applied(live, config({"b": "2"}))
    assert result["data"] == {"b": "2"}
    assert "labels" not in result["metadata"]
    assert owned(result) == {"m": {"f:data": {"f:b": {}}}}
    assert entries(applied(result, config())) == []


def test_what_another_owns_too_stays():
    live = applied(applied(None, config({"a": "1", "b": "2"})), config({"a": "1"}), "other")
    result = applied(live, config({"b": "2"}))
    assert result["data"] == {"a": "1", "b": "2"}
    assert owned(result) == {"m": {"f:data": {"f:b": {}}}, "other": {"f:data": {"f:a": {}}}}


def test_what_an_update_set_stays():
    live = applied(None, config({"a": "1"}))
    live = tracked(live, config({"a": "1", "u": "1"}, uid="u"), "updater", now=LATER)
    assert applied(live, config({}))["data"] == {"u": "1"}


def test_the_same_again_changes_nothing():
    live = applied(None, config({"a": "1"}))
    assert applied(live, config({"a": "1"}), now=LATER) == live


def test_joining_in_without_a_change_has_no_time():
    live = applied(None, config({"a": "1"}))
    result = applied(live, config({"a": "1"}), "other", now=LATER)
    assert [(entry["manager"], "time" in entry) for entry in entries(result)] == [("other", False), ("m", True)]


def test_a_conflict():
    live = applied(None, config({"a": "1"}), "aa")
    error = refusal(live, config({"a": "2"}))
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == 'Apply failed with 1 conflict: conflict with "aa": .data.a'
    assert error.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "aa"', "field": ".data.a"}]
    }


def test_conflicts_are_listed_by_manager():
    live = applied(None, config({"a": "1", "b": "2"}, labels={"l": "1"}), "aa")
    live = tracked(live, config({"a": "1", "b": "2", "c": "3"}, labels={"l": "1"}, uid="u"), "up", now=LATER)
    error = refusal(live, config({"a": "x", "b": "x", "c": "x"}, labels={"l": "x"}))
    assert error.message == (
        'Apply failed with 4 conflicts: conflicts with "aa":\n- .data.a\n- .data.b\n- .metadata.labels.l\n'
        'conflicts with "up" using v1:\n- .data.c'
    )
    assert [cause["field"] for cause in error.details["causes"]] == [
        ".data.a",
        ".data.b",
        ".metadata.labels.l",
        ".data.c",
    ]


def test_conflicts_with_subresources():
    live = tracked(None, workload(spec={"replicas": 1}), "hpa", kind=WORKLOAD, subresource="scale")
    error = refusal(live, workload(spec={"replicas": 2}), kind=WORKLOAD)
    assert error.message.endswith('conflict with "hpa" with subresource "scale" using v1: .spec.replicas')


def test_force_takes_the_fields():
    live = applied(None, config({"a": "1", "b": "2"}), "aa")
    result = applied(live, config({"a": "x"}), force=True)
    assert result["data"] == {"a": "x", "b": "2"}
    assert owned(result) == {"aa": {"f:data": {"f:b": {}}}, "m": {"f:data": {"f:a": {}}}}


def test_the_first_apply_finds_all_owned_by_somebody():
    live = config({"a": "1", "b": "2"}, uid="u")
    error = refusal(live, config({"a": "2"}))
    assert error.message.endswith('conflict with "before-first-apply" using v1: .data.a')
    result = applied(live, config({"a": "1"}))
    assert owned(result) == {
        "m": {"f:data": {"f:a": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:a": {}, "f:b": {}}},
    }


def test_ignored_fields_are_not_owned_and_do_not_conflict():
    live = tracked(None, workload(status={"replicas": 1}), "st", kind=WORKLOAD, subresource="status")
    wanted = workload(spec={"replicas": 3}, status={"replicas": 9})
    result = applied(live, wanted, kind=WORKLOAD, ignored=STATUS_ONLY)
    assert owned(result)["m"] == {"f:spec": {"f:replicas": {}}}
    assert owned(result)["st"] == {"f:status": {"f:replicas": {}}}


def containers(*items):
    return workload(spec={"containers": list(items)})


def test_items_of_lists_are_merged_by_key():
    live = applied(None, containers({"name": "a", "image": "1"}, {"name": "b"}), "aa", kind=WORKLOAD)
    result = applied(live, containers({"name": "a", "args": ["x"]}, {"name": "c"}), kind=WORKLOAD)
    assert result["spec"]["containers"] == [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}, {"name": "c"}]
    result = applied(result, containers({"name": "b"}), "aa", kind=WORKLOAD)
    assert result["spec"]["containers"] == [{"name": "a", "args": ["x"]}, {"name": "b"}, {"name": "c"}]


def test_lists_that_are_replaced_whole_conflict_whole():
    live = applied(None, containers({"name": "a", "args": ["x"]}), "aa", kind=WORKLOAD)
    error = refusal(live, containers({"name": "a", "args": ["y"]}), kind=WORKLOAD)
    assert error.details["causes"][0]["field"] == '.spec.containers[name="a"].args'


def test_keys_have_defaults():
    live = applied(None, containers({"name": "a", "ports": [{"port": 80}]}), "aa", kind=WORKLOAD)
    key = 'k:{"port":80,"protocol":"TCP"}'
    assert owned(live)["aa"]["f:spec"]["f:containers"]['k:{"name":"a"}']["f:ports"] == {key: {".": {}, "f:port": {}}}
    wanted = containers({"name": "a", "ports": [{"port": 80, "protocol": "TCP", "name": "http"}]})
    assert applied(live, wanted, kind=WORKLOAD)["spec"]["containers"][0]["ports"] == [
        {"port": 80, "protocol": "TCP", "name": "http"}
    ]


def test_an_empty_list_owns_nothing_and_an_empty_map_itself():
    live = applied(None, config({}, labels={}, finalizers=[]))
    assert owned(live) == {"m": {"f:data": {}, "f:metadata": {"f:labels": {}}}}


def test_null_is_a_value_for_leaves_and_nothing_for_maps():
    live = applied(None, config({"a": "1"}, labels={"l": "x"}), "aa")
    result = applied(live, config({"b": None}, labels=None))
    assert owned(result)["m"] == {"f:data": {"f:b": {}}, "f:metadata": {"f:labels": {}}}
    assert result["metadata"]["labels"] == {"l": "x"}


def test_values_without_a_schema():
    live = applied(None, workload(spec={"free": {"a": 1, "l": [1], "m": {"k": 1}}}), "aa", kind=WORKLOAD)
    assert owned(live)["aa"]["f:spec"]["f:free"] == {"f:a": {}, "f:l": {}, "f:m": {".": {}, "f:k": {}}}
    result = applied(live, workload(spec={"free": {"b": 1, "m": {"j": 2}}}), kind=WORKLOAD)
    assert result["spec"]["free"] == {"a": 1, "b": 1, "l": [1], "m": {"k": 1, "j": 2}}
    assert applied(result, workload(spec={"free": {"a": 1}}), "aa", kind=WORKLOAD)["spec"]["free"] == {
        "a": 1,
        "b": 1,
        "m": {"j": 2},
    }


def test_unknown_members_where_they_are_allowed():
    live = applied(None, workload(spec={"open": {"known": "x", "other": {"a": 1}}}), kind=WORKLOAD)
    assert owned(live)["m"]["f:spec"]["f:open"] == {"f:known": {}, "f:other": {".": {}, "f:a": {}}}


def test_whoever_owned_parts_of_what_is_replaced_whole_by_now_owns_it_whole():
    fields = {
        "f:spec": {"f:nodeSelector": {".": {}, "f:a": {}}, "f:containers": {'k:{"name":"c"}': {"f:args": {"f:x": {}}}}}
    }
    live = workload(spec={"nodeSelector": {"a": "1"}})
    live["metadata"]["managedFields"] = [
        {"manager": "aa", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
    ]
    error = refusal(live, workload(spec={"nodeSelector": {"b": "1"}}), kind=WORKLOAD)
    assert error.details["causes"][0]["field"] == ".spec.nodeSelector"


ILL_TYPED = [
    (config(5), ".data: expected map, got &{5}"),
    (config("x"), ".data: expected map, got &{x}"),
    (config({"a": 1}), ".data.a: expected string, got &value.valueUnstructured{Value:1}"),
    (
        config({"a": {"b": "c"}}),
        '.data.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":"c"}}',
    ),
    ({**config(), "immutable": "yes"}, ".immutable: expected boolean, got &{yes}"),
    ({**config(), "bogus": 1}, ".bogus: field not declared in schema"),
    (config(finalizers={"a": 1}), ".metadata.finalizers: expected list, got &{map[a:1]}"),
    (config(finalizers=["d", "d"]), '.metadata.finalizers: duplicate entries for key [="d"]'),
    (config(generation="1"), ".metadata.generation: expected numeric (int or float), got string"),
    (config(creationTimestamp=[]), ".metadata.creationTimestamp: expected any scalar, got &{[]}"),
    (
        config({"a": 1}, labels={"l": True}),
        "errors:\n  .metadata.labels.l: expected string, got &value.valueUnstructured{Value:true}\n"
        "  .data.a: expected string, got &value.valueUnstructured{Value:1}",
    ),
    (
        config(ownerReferences=[{"name": "x"}]),
        ".metadata.ownerReferences: element 0: associative list with keys has an element that omits all key fields"
        ' ["uid"] (and doesn\'t have default values for any key fields)',
    ),
]


@pytest.mark.parametrize(("wanted", "message"), ILL_TYPED)
def test_configurations_of_the_wrong_type(wanted, message):
    error = refusal(None, wanted)
    assert (error.code, error.reason, error.details) == (500, "", None)
    assert error.message == f"failed to create typed patch object (/c; /v1, Kind=ConfigMap): {message}"


def test_duplicate_items_are_named_by_their_keys():
    ports = [{"port": 8080000}, {"port": 8080000, "protocol": "TCP"}]
    error = refusal(None, containers({"name": "c", "ports": ports}), kind=WORKLOAD)
    assert error.message.endswith(
        '.spec.containers[name="c"].ports: duplicate entries for key [port=8080000,protocol="TCP"]'
    )


@pytest.mark.parametrize("sent", [[], [{}]])
def test_managed_fields_cannot_be_applied(sent):
    error = refusal(None, config(managedFields=sent))
    assert (error.code, error.message) == (400, "metadata.managedFields must be nil")


def test_configurations_that_are_nested_too_deeply():
    deep = {}
    for _ in range(3000):
        deep = {"a": deep}
    assert refusal(None, workload(spec={"free": deep}), kind=WORKLOAD).code == 400


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({}, "/, Kind="),
        ({"apiVersion": "v1"}, "/v1, Kind="),
        ({"apiVersion": "apps/v1", "kind": "ConfigMap"}, "apps/v1, Kind=ConfigMap"),
        ({"apiVersion": "a/b/c", "kind": "X"}, "/, Kind=X"),
        ({"apiVersion": 5, "kind": []}, "/, Kind="),
    ],
)
def test_configurations_of_the_wrong_kind(sent, shown):
    expected = GroupVersionKind("", "v1", "ConfigMap")
    with pytest.raises(StatusError) as caught:
        check_object_type(sent, expected)
    assert (caught.value.code, caught.value.message) == (400, f"invalid object type: {shown}")
    check_object_type(config(), expected)


ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def client_side(data, recorded):
    annotations = {ANNOTATION: json.dumps(recorded) if isinstance(recorded, dict) else recorded}
    obj = config(data, uid="u", annotations=annotations)
    return tracked(None, obj, "kubectl-client-side-apply")


def test_kubectl_takes_over_what_it_applied_client_side():
    live = client_side({"a": "1"}, config({"a": "1"}))
    result = applied(live, config({"a": "2"}), "kubectl", now=LATER)
    assert result["data"] == {"a": "2"}
    assert owned(result)["kubectl"] == {"f:data": {"f:a": {}}}
    recorded = result["metadata"]["annotations"][ANNOTATION]
    assert recorded == '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'


def test_but_not_what_has_changed_since_and_not_as_another_manager():
    live = client_side({"a": "1", "b": "9"}, config({"a": "1", "b": "2"}))
    error = refusal(live, config({"a": "2", "b": "3"}), "kubectl")
    assert [cause["field"] for cause in error.details["causes"]] == [".data.b"]
    assert len(refusal(live, config({"a": "2", "b": "3"}), "other").details["causes"]) == 2


@pytest.mark.parametrize("recorded", ["", "{", "[]", config({"a": 1}), {**config({"a": "1"}), "apiVersion": "v0"}])
def test_an_annotation_that_says_nothing_useful(recorded):
    live = client_side({"a": "1"}, recorded)
    assert refusal(live, config({"a": "2"}), "kubectl").code == 409


def test_the_recorded_configuration_is_escaped_and_has_no_annotation_of_its_own():
    live = client_side({"a": "<"}, config({"a": "<"}))
    wanted = config({"a": "<&>"}, annotations={ANNOTATION: "x", "b": "c"})
    recorded = applied(live, wanted, "kubectl", force=True)["metadata"]["annotations"][ANNOTATION]
    assert '"\\u003c\\u0026\\u003e"' in recorded
    assert json.loads(recorded)["metadata"]["annotations"] == {"b": "c"}


def test_an_annotation_that_gets_too_large_goes():
    live = client_side({"a": "1"}, config({"a": "1"}))
    result = applied(live, config({"a": "x" * 300_000}), "kubectl")
    assert ANNOTATION not in result["metadata"]["annotations"]


def test_nothing_that_is_passed_in_changes():
    live = applied(applied(None, config({"a": "1"}), "aa"), config({"b": "1"}))
    wanted = config({"a": "2", "c": "3"}, labels={"l": "x"})
    arguments = copy.deepcopy((live, wanted))
    result = applied(live, wanted, force=True)
    assert (live, wanted) == arguments
    assert result["data"] == {"a": "2", "c": "3"}


def in_version(obj, version):
    """The keys of data carry the version as a prefix; there is no v9."""
    if version == "v9":
        return None
    data = {f"{version}-{key.partition('-')[2]}": value for key, value in (obj.get("data") or {}).items()}
    return {**obj, "apiVersion": version, "data": data}, CONFIG


def applied_before(version, *keys):
    live = config({"v1-a": "1", "v1-b": "2"}, uid="u")
    fields = {"f:data": {f"f:{version}-{key}": {} for key in keys}}
    entry = {"manager": "m", "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields}
    live["metadata"]["managedFields"] = [entry]
    return live


def test_what_was_applied_in_another_version_is_pruned_in_its_terms():
    result = applied(applied_before("v2", "a", "b"), config({"v1-a": "1"}), convert=in_version)
    assert result["data"] == {"v1-a": "1"}
    assert result["apiVersion"] == "v1"
    assert entries(result)[0]["apiVersion"] == "v1"


def test_conflicts_with_another_version_are_named_in_its_terms():
    error = refusal(applied_before("v2", "a"), config({"v1-a": "x"}), "other", convert=in_version)
    assert error.details["causes"][0]["field"] == ".data.v2-a"


def test_what_was_applied_in_a_version_that_is_gone_stays_and_is_nobodys():
    live = applied_before("v9", "a", "b")
    result = applied(live, config({"v1-a": "1"}), convert=in_version)
    assert result["data"] == {"v1-a": "1", "v1-b": "2"}
    assert owned(applied(live, config({"v1-a": "x"}), "other", convert=in_version)) == {
        "other": {"f:data": {"f:v1-a": {}}}
    }
