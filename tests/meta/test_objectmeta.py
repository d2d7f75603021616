from kapi.meta.names import name_is_subdomain
from kapi.meta.objectmeta import (
    dedup_owner_references,
    keep_server_fields,
    validate_object_meta,
    validate_object_meta_update,
)

OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}


def check(meta, *, namespaced=True, **options):
    meta = {"name": "x", "namespace": "n", **meta}
    return [
        str(e) for e in validate_object_meta(meta, namespaced=namespaced, name_validator=name_is_subdomain, **options)
    ]


def test_a_plain_object_is_valid():
    assert (
        check({"labels": {"a": "b"}, "annotations": {"A/b": "any thing €"}, "finalizers": ["x.io/f", "kubernetes"]})
        == []
    )


def test_a_name_is_required():
    assert check({"name": ""}) == ["metadata.name: Required value: name or generateName is required"]


def test_bad_prefixes_are_reported_beside_the_name():
    errors = check({"generateName": "Bad_"})
    assert len(errors) == 1
    assert errors[0].startswith('metadata.generateName: Invalid value: "Bad_": a lowercase RFC 1123 subdomain')


def test_namespaces():
    assert check({"namespace": ""}) == ["metadata.namespace: Required value"]
    assert check({"namespace": "n"}, namespaced=False) == ["metadata.namespace: Forbidden: not allowed on this type"]
    assert check({"namespace": ".."})[0].startswith(
        'metadata.namespace: Invalid value: "..": a lowercase RFC 1123 label'
    )


def test_generation_is_not_negative():
    assert check({"generation": -1}) == ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]


def test_label_keys_and_values_are_checked_at_the_map():
    errors = check({"labels": {"bad key": "x", "ok": "bad value!"}})
    assert [e.split(":")[0] for e in errors] == ["metadata.labels", "metadata.labels"]


def test_annotations_are_limited_together():
    assert check({"annotations": {"a": "x" * 262143}}) == []
    assert check({"annotations": {"a": "x" * 131072, "b": "é" * 65536}}) == [
        "metadata.annotations: Too long: may not be more than 262144 bytes"
    ]


def test_owner_references_need_all_their_parts():
    assert check({"ownerReferences": [{}]}) == [
        'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ]
    assert check({"ownerReferences": [{**OWNER, "apiVersion": "a/b/c"}]}) == [
        'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty'
    ]


def test_events_own_nothing():
    assert check({"ownerReferences": [{**OWNER, "kind": "Event"}]}) == [
        'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"p","uid":"u"}: '
        "/v1, Kind=Event is disallowed from being an owner"
    ]
    assert check({"ownerReferences": [{**OWNER, "kind": "Event", "apiVersion": "example.com/v1"}]}) == []


def test_only_one_owner_controls():
    owners = [{**OWNER, "controller": True}, {**OWNER, "name": "q", "uid": "w", "controller": True}]
    assert check({"ownerReferences": owners}) == [
        "metadata.ownerReferences: Invalid value: "
        '[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":true},'
        '{"apiVersion":"v1","kind":"Pod","name":"q","uid":"w","controller":true}]: '
        'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q'
    ]


def test_finalizers():
    assert check({"finalizers": ["nodomain"]}) == [
        'metadata.finalizers[0]: Invalid value: "nodomain": '
        "name is neither a standard finalizer name nor is it fully qualified"
    ]
    assert check({"finalizers": ["nodomain"]}, fully_qualified_finalizers=False) == []
    assert check({"finalizers": ["foregroundDeletion", "orphan"]}) == [
        'metadata.finalizers: Invalid value: ["foregroundDeletion","orphan"]: '
        "finalizer orphan and foregroundDeletion cannot be both set"
    ]
    assert check({"finalizers": ["x.io/ok", "Bad/"]})[0].startswith(
        'metadata.finalizers: Invalid value: "Bad/": prefix part'
    )


STORED = {
    "name": "x",
    "namespace": "n",
    "uid": "1",
    "resourceVersion": "5",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "generation": 3,
}


def update(change, old=STORED):
    new = {**STORED, **change}
    keep_server_fields(new, old)
    return [str(e) for e in validate_object_meta_update(new, old)]


def test_unchanged_metadata_is_valid():
    assert update({}) == []


def test_what_a_client_leaves_out_is_kept():
    new = {"name": "x", "creationTimestamp": "2001-01-01T00:00:00Z"}
    keep_server_fields(new, {**STORED, "deletionTimestamp": "2026-02-01T00:00:00Z", "deletionGracePeriodSeconds": 0})
    assert new["uid"] == "1"
    assert new["creationTimestamp"] == STORED["creationTimestamp"]
    assert new["deletionTimestamp"] == "2026-02-01T00:00:00Z"
    assert new["deletionGracePeriodSeconds"] == 0


def test_identity_and_deletion_are_immutable():
    assert update({"uid": "2"}) == ['metadata.uid: Invalid value: "2": field is immutable']
    assert update({"namespace": "m"}) == ['metadata.namespace: Invalid value: "m": field is immutable']
    assert update({"deletionGracePeriodSeconds": 3}) == [
        "metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable"
    ]
    assert update({"deletionTimestamp": "2030-01-01T00:00:00Z"}) == [
        'metadata.deletionTimestamp: Invalid value: "2030-01-01T00:00:00Z": field is immutable'
    ]


def test_versions_only_grow():
    assert update({"resourceVersion": ""}) == [
        'metadata.resourceVersion: Invalid value: "": must be specified for an update'
    ]
    assert update({"generation": 2}) == ["metadata.generation: Invalid value: 2: must not be decremented"]


def test_no_finalizers_are_added_while_deleting():
    old = {**STORED, "deletionTimestamp": "2026-02-01T00:00:00Z", "finalizers": ["x.io/a"]}
    assert update({"finalizers": ["x.io/a", "x.io/a"]}, old) == []
    assert update({"finalizers": ["x.io/r", "x.io/a", "x.io/q"]}, old) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"x.io/q", "x.io/r"}'
    ]


def test_repeated_owners_are_dropped_with_a_warning():
    meta = {"ownerReferences": [dict(OWNER), {**OWNER, "uid": "w"}, dict(OWNER)]}
    warning = dedup_owner_references(meta)
    assert [o["uid"] for o in meta["ownerReferences"]] == ["u", "w"]
    assert warning.startswith(".metadata.ownerReferences contains duplicate entries; API server dedups")
    assert warning.endswith("duplicate UID(s) observed: u")
    assert dedup_owner_references(meta) == ""


def test_what_was_checked_is_not_checked_again():
    good = {**STORED, "labels": {"a": "b"}, "finalizers": ["example.com/x"], "resourceVersion": "1"}
    bad = {**good, "labels": {"-": ""}, "finalizers": ["x"], "generation": 1}
    assert validate_object_meta_update(good, good, checked=True) == validate_object_meta_update(good, good) == []
    changed = [error.field for error in validate_object_meta_update(bad, {**bad, "generation": 2}, checked=True)]
    assert changed == ["metadata.generation"]
