from apply_kinds import LATER, NOW

from kapi.meta.apply.scale import entries_for_scale, entries_from_scale

PATHS = {"v1": ("f:spec", "f:replicas"), "v1beta1": ("f:spec", "f:count")}
SCALE_FIELDS = {"f:spec": {"f:replicas": {}}}


def entry(manager, fields, version="v1", operation="Apply", **members):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **members,
    }


OLD = [
    entry("aa", {"f:spec": {"f:replicas": {}, "f:x": {}}}, time=NOW),
    entry("bb", {"f:spec": {"f:count": {}}}, "v1beta1", "Update"),
    entry("cc", {"f:spec": {"f:x": {}}}),
    entry("dd", {"f:spec": {"f:replicas": {}}}, "v9"),
]


def test_a_scale_shows_the_owners_of_the_replicas():
    assert entries_for_scale(OLD, PATHS) == [
        entry("aa", SCALE_FIELDS, "autoscaling/v1", time=NOW),
        entry("bb", SCALE_FIELDS, "autoscaling/v1", "Update"),
    ]


def test_nothing_changes_when_the_owners_stay():
    kept = entries_from_scale(OLD, entries_for_scale(OLD, PATHS), api_version="v1", paths=PATHS)
    assert kept == [OLD[2], OLD[0], OLD[1]]


def test_a_new_owner_takes_the_replicas_from_the_others():
    taken = [entry("hpa", SCALE_FIELDS, "autoscaling/v1", subresource="scale", time=LATER)]
    assert entries_from_scale(OLD, taken, api_version="v1", paths=PATHS) == [
        entry("cc", {"f:spec": {"f:x": {}}}),
        entry("hpa", SCALE_FIELDS, subresource="scale"),
        entry("aa", {"f:spec": {"f:x": {}}}, time=NOW),
    ]


def test_entries_without_the_replicas_are_no_owners():
    assert entries_from_scale([], [entry("hpa", {"f:spec": {}}, "autoscaling/v1")], api_version="v1", paths=PATHS) == []
