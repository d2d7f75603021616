import copy

import pytest
from apply_kinds import CONFIG, LATER, NOW, STATUS_ONLY, WORKLOAD, config, entries, owned, tracked, workload

from kapi.meta.apply.managed import keep_times_if_unchanged, restore_if_invalid, served_versions

LIVE = tracked(None, config({"a": "1"}, uid="u"), "creator")


def updated(data, manager="m", **metadata):
    return tracked(LIVE, config(data, uid="u", **metadata), manager, now=LATER)


def test_a_creator_owns_all_it_sets_but_what_nobody_owns():
    metadata = {"labels": {"l": "1"}, "uid": "u", "generation": 1, "finalizers": ["f"], "creationTimestamp": NOW}
    created = tracked(None, config({"b": "2", "a": "1"}, **metadata))
    assert entries(created) == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": "v1",
            "time": NOW,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:a": {}, "f:b": {}},
                "f:metadata": {"f:finalizers": {".": {}, 'v:"f"': {}}, "f:labels": {".": {}, "f:l": {}}},
            },
        }
    ]
    assert list(entries(created)[0]["fieldsV1"]["f:data"]) == [".", "f:a", "f:b"]


def test_a_creator_who_sets_nothing_owns_nothing():
    assert entries(tracked(None, config())) == []


def test_the_manager_without_a_name():
    assert list(owned(tracked(None, config({"a": "1"}), ""))) == ["unknown"]


def test_what_is_always_on_the_wire_is_not_new_itself():
    containers = [{"name": "c", "ports": [{"port": 80, "protocol": "TCP"}], "resources": {}}]
    spec = {"containers": containers, "selector": {"app": "x"}, "strategy": {"type": "T", "tree": {"a": {"b": "c"}}}}
    created = tracked(None, workload(spec=spec, status={}), kind=WORKLOAD)
    container = {
        ".": {},
        "f:name": {},
        "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}}},
        "f:resources": {},
    }
    assert owned(created)["m"] == {
        "f:spec": {
            "f:containers": {'k:{"name":"c"}': container},
            "f:selector": {},
            "f:strategy": {".": {}, "f:tree": {".": {}, "f:a": {".": {}, "f:b": {}}}, "f:type": {}},
        }
    }


def test_ignored_fields_are_nobodys():
    created = tracked(None, workload(spec={"replicas": 1}, status={"phase": "x"}), kind=WORKLOAD, ignored=STATUS_ONLY)
    assert owned(created)["m"] == {"f:spec": {"f:replicas": {}}}


def test_who_changes_a_field_takes_it():
    assert owned(updated({"a": "2", "b": "1"}))["m"] == {"f:data": {"f:a": {}, "f:b": {}}}


def test_the_set_of_a_map_without_its_members_is_a_leaf():
    assert owned(updated({"a": "2"}))["creator"] == {"f:data": {}}


def test_who_removes_a_field_takes_it_from_its_owner_only():
    two = tracked(LIVE, config({"a": "1", "b": "2"}, uid="u"), "second", now=LATER)
    three = tracked(two, config({"b": "2"}, uid="u"), "third", now="2026-01-01T00:00:02Z")
    assert owned(three) == {"creator": {"f:data": {}}, "second": {"f:data": {"f:b": {}}}}
    assert [entry["time"] for entry in entries(three)] == [NOW, LATER]


def test_the_same_manager_adds_to_its_entry():
    again = tracked(LIVE, config({"a": "1", "b": "1"}, uid="u"), "creator", now=LATER)
    assert entries(again)[0]["time"] == LATER
    assert owned(again) == {"creator": {"f:data": {".": {}, "f:a": {}, "f:b": {}}}}


def test_a_subresource_has_an_entry_of_its_own():
    through_status = tracked(LIVE, config({"a": "1", "b": "1"}, uid="u"), "creator", now=LATER, subresource="status")
    assert [entry.get("subresource") for entry in entries(through_status)] == [None, "status"]


def test_changing_nothing_changes_no_entry():
    before = copy.deepcopy(LIVE)
    again = updated({"a": "1"})
    assert entries(again) == entries(LIVE)
    assert before == LIVE


def test_a_client_that_knows_nothing_of_entries_does_not_lose_them():
    assert owned(updated({"a": "1", "b": "2"})) == {
        "creator": {"f:data": {".": {}, "f:a": {}}},
        "m": {"f:data": {"f:b": {}}},
    }


SENT = {
    "manager": "x",
    "operation": "Update",
    "apiVersion": "v1",
    "time": "2020-01-01T00:00:00Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {"f:a": {}}},
}


def test_a_client_may_rewrite_the_entries():
    assert owned(updated({"a": "1", "b": "2"}, managedFields=[SENT])) == {
        "x": {"f:data": {"f:a": {}}},
        "m": {"f:data": {"f:b": {}}},
    }


def test_but_not_through_a_subresource():
    new = config({"a": "1"}, uid="u", managedFields=[SENT])
    assert owned(tracked(LIVE, new, subresource="status")) == owned(LIVE)


@pytest.mark.parametrize(
    "broken",
    [
        {"operation": "Bogus"},
        {"fieldsType": "FieldsV2"},
        {"fieldsType": ""},
        {"apiVersion": ""},
        {"fieldsV1": {"f:a": 1}},
        {"fieldsV1": "x"},
        {"manager": {"deep": 1}},
    ],
)
def test_entries_that_are_invalid_do_not_count(broken):
    assert owned(updated({"a": "1"}, managedFields=[SENT, {**SENT, **broken}])) == owned(LIVE)


def test_entries_that_hold_nothing_known_go():
    assert entries(updated({"a": "1"}, managedFields=[{**SENT, "fieldsV1": {"x:bad": {}}}])) == []


@pytest.mark.parametrize("reset", [[], [{}]])
def test_entries_can_be_reset_and_stay_so_until_an_apply(reset):
    cleared = updated({"a": "1", "b": "2"}, managedFields=reset)
    assert entries(cleared) == []
    assert entries(tracked(cleared, config({"z": "1"}, uid="u"))) == []


def test_a_view_begins_with_owners_whoever_had_them_before():
    changed = tracked(config({"a": "1"}, uid="u"), config({"a": "2"}, uid="u"), begin=True)
    assert owned(changed) == {"m": {"f:data": {"f:a": {}}}}


def test_the_entries_of_a_create_request_only_matter_where_they_say_too_much():
    assert owned(tracked(None, config({"a": "1"}, managedFields=[SENT]))) == {"m": {"f:data": {".": {}, "f:a": {}}}}


def test_old_updates_are_merged_beyond_ten():
    obj = tracked(None, config({"k00": "x"}, uid="u"), "m00")
    for number in range(1, 12):
        data = {**obj["data"], f"k{number:02}": "x"}
        obj = tracked(obj, config(data, uid="u"), f"m{number:02}", now=f"2026-01-01T00:00:{number:02}Z")
    assert [entry["manager"] for entry in entries(obj)] == ["ancient-changes", *(f"m{n:02}" for n in range(3, 12))]
    assert owned(obj)["ancient-changes"] == {"f:data": {".": {}, "f:k00": {}, "f:k01": {}, "f:k02": {}}}
    assert entries(obj)[0]["time"] == "2026-01-01T00:00:02Z"


def test_entries_are_in_the_order_of_the_wire():
    names = [("Update", "b", LATER), ("Update", "a", LATER), ("Apply", "z", LATER), ("Update", "c", NOW)]
    sent = [
        {**SENT, "operation": operation, "manager": name, "time": time, "fieldsV1": {"f:data": {"f:a": {}}}}
        for operation, name, time in names
    ]
    result = updated({"a": "1", "b": "2"}, "d", managedFields=sent)
    assert [entry["manager"] for entry in entries(result)] == ["z", "c", "a", "b", "d"]


def test_entries_of_versions_that_are_gone_are_dropped():
    sent = [{**SENT, "apiVersion": "v9"}, SENT]
    new = config({"a": "1"}, uid="u", managedFields=sent)
    kept = tracked(LIVE, new, convert=served_versions(CONFIG, {"v1", "v2"}))
    assert [entry["apiVersion"] for entry in entries(kept)] == ["v1"]
    assert len(entries(tracked(LIVE, new))) == 2


def test_entries_of_other_versions_see_the_change_in_their_own_terms():
    def convert(obj, version):
        return ({**obj, "data": {f"old-{key}": value for key, value in obj.get("data", {}).items()}}, CONFIG)

    sent = [{**SENT, "apiVersion": "v0", "fieldsV1": {"f:data": {"f:old-a": {}, "f:a": {}}}}]
    new = config({"a": "2"}, uid="u", managedFields=sent)
    assert owned(tracked(LIVE, new, convert=convert))["x"] == {"f:data": {"f:a": {}}}


def test_entries_that_own_parts_of_what_is_replaced_whole_own_it_whole():
    live = workload(spec={"nodeSelector": {"a": "1"}})
    live["metadata"]["uid"] = "u"
    fields = {"f:spec": {"f:nodeSelector": {".": {}, "f:a": {}}}}
    new = {**live, "metadata": {**live["metadata"], "managedFields": [{**SENT, "fieldsV1": fields}]}}
    assert owned(tracked(live, new, kind=WORKLOAD))["x"] == {"f:spec": {"f:nodeSelector": {}}}


def test_what_the_endpoint_resets_is_nobodys_loss_in_another_version_either():
    live = workload(spec={"replicas": 1}, status={"phase": "x"})
    fields = {"f:status": {"f:phase": {}}}
    live["metadata"] |= {"uid": "u", "managedFields": [{**SENT, "apiVersion": "v2", "fieldsV1": fields}]}
    new = workload(spec={"replicas": 2}, status={"phase": "y"})
    options = {"convert": served_versions(WORKLOAD, {"v1", "v2"}), "ignored": STATUS_ONLY}
    assert owned(tracked(live, new, kind=WORKLOAD, **options))["x"] == fields


def items(*names):
    return workload(spec={"containers": [{"name": name} for name in names]})


def test_items_that_occur_twice_are_owned_as_a_whole():
    one = tracked(None, items("a"), kind=WORKLOAD)
    assert owned(tracked(None, items("a", "a"), kind=WORKLOAD))["m"]["f:spec"] == {
        "f:containers": {'k:{"name":"a"}': {}}
    }
    two = tracked(one, items("a", "a"), "two", kind=WORKLOAD)
    assert owned(two) == {"two": {"f:spec": {"f:containers": {'k:{"name":"a"}': {}}}}}
    again = tracked(two, items("a"), "three", kind=WORKLOAD)
    assert owned(again)["three"] == {"f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}}}}}


def test_an_object_that_cannot_be_compared_keeps_its_entries():
    live = tracked(None, items("a"), kind=WORKLOAD)
    broken = workload(spec={"containers": [None]})
    assert entries(tracked(live, broken, kind=WORKLOAD)) == entries(live)


def free(value):
    return workload(spec={"free": value})


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ({"a": 1}, {"a": 1, "b": {"c": [1]}}, {"f:b": {".": {}, "f:c": {}}}),
        (1, {"a": 1}, {".": {}, "f:a": {}}),
        ({"a": 1}, 1, {}),
        ([1], [2], {}),
        (None, {"a": 1}, {"f:a": {}}),
        ({}, None, {}),
    ],
)
def test_values_without_a_schema(old, new, fields):
    live = tracked(None, free(old), "creator", kind=WORKLOAD)
    result = owned(tracked(live, free(new), kind=WORKLOAD))
    assert result["m"] == {"f:spec": {"f:free": fields}}


def test_deep_objects_are_no_danger():
    deep = {}
    for _ in range(245):
        deep = {"a": deep}
    live = tracked(None, free(deep), kind=WORKLOAD)
    other = {}
    for _ in range(244):
        other = {"a": other, "b": 1}
    assert entries(tracked(live, free({"a": other}), kind=WORKLOAD))


def test_times_alone_are_no_change():
    new = copy.deepcopy(LIVE)
    entries(new)[0]["time"] = LATER
    keep_times_if_unchanged(LIVE, new)
    assert new == LIVE
    new["data"] = {"a": "2"}
    entries(new)[0]["time"] = LATER
    keep_times_if_unchanged(LIVE, new)
    assert entries(new)[0]["time"] == LATER


def test_admission_cannot_leave_broken_entries():
    obj = copy.deepcopy(LIVE)
    assert restore_if_invalid(obj, entries(LIVE)) == ""
    obj["metadata"]["managedFields"] = [{**SENT, "fieldsType": ""}]
    warning = restore_if_invalid(obj, entries(LIVE))
    assert warning.endswith("please fix your requests: missing fieldsType in managed fields entry 0")
    assert obj == LIVE
