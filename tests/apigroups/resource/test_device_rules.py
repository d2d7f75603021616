import pytest


@pytest.fixture
def claims(kind_bench):
    return kind_bench("resource", "resourceclaims")


@pytest.fixture
def slices(kind_bench):
    return kind_bench("resource", "resourceslices")


SLICE = {"driver": "d.io", "pool": {"name": "p", "resourceSliceCount": 1}, "allNodes": True}


def requests(*listed):
    return {"devices": {"requests": list(listed)}}


def test_amounts(claims):
    spec = requests(
        {"name": "r", "exactly": {"deviceClassName": "c"}},
        {"name": "s", "firstAvailable": [{"name": "t", "deviceClassName": "c", "allocationMode": "All"}]},
    )
    found = claims.create(spec=spec)["spec"]["devices"]["requests"]
    assert found[0]["exactly"] == {"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1}
    assert found[1]["firstAvailable"][0] == {"name": "t", "deviceClassName": "c", "allocationMode": "All"}
    assert claims.problems == []


def test_claims_never_change(claims):
    old = claims.create(spec={})
    claims.update(old, spec=requests({"name": "z", "exactly": {"deviceClassName": "c"}}))
    assert claims.problems == [
        'spec: Invalid value: {"Devices":{"Requests":[{"Name":"z","Exactly":{"DeviceClassName":"c","Selectors":null,'
        '"AllocationMode":"ExactCount","Count":1,"AdminAccess":null,"Tolerations":null,"Capacity":null},'
        '"FirstAvailable":null}],"Constraints":null,"Config":null}}: field is immutable'
    ]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (requests({"name": "r"}), "spec.devices.requests[0]"),
        (requests({"name": "r", "exactly": {}}), "spec.devices.requests[0].exactly.deviceClassName"),
        (
            requests({"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All", "count": 2}}),
            "spec.devices.requests[0].exactly.count",
        ),
        (requests(*[{"name": "r", "exactly": {"deviceClassName": "c"}}] * 2), "spec.devices.requests[1]"),
        (
            {"devices": {"constraints": [{"requests": ["z"], "matchAttribute": "d/a"}]}},
            "spec.devices.constraints[0].requests[0]",
        ),
        ({"devices": {"config": [{}]}}, "spec.devices.config[0].opaque"),
    ],
)
def test_invalid_claims(claims, spec, field):
    assert [problem.partition(":")[0] for problem in claims.findings(spec=spec)] == [field]


def test_only_allocated_claims_are_reserved(claims):
    old = claims.create(spec={})
    reserved = [{"resource": "pods", "name": "p", "uid": "u"}]
    claims.update(old, "status", status={"reservedFor": reserved})
    assert [problem.partition(":")[0] for problem in claims.problems] == ["status.reservedFor"]
    claims.update(old, "status", status={"allocation": {"devices": {}}, "reservedFor": reserved})
    assert claims.problems == []


def test_templates_hold_whole_claims(kind_bench):
    templates = kind_bench("resource", "resourceclaimtemplates")
    spec = {"spec": requests({"name": "r", "exactly": {"deviceClassName": "c"}})}
    obj = templates.create(spec=spec)
    assert obj["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1
    assert templates.problems == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"allNodes": None}, "spec"),
        ({"nodeName": "n"}, "spec"),
        ({"driver": "A b"}, "spec.driver"),
        ({"pool": {"name": "a//b", "resourceSliceCount": 1}}, "spec.pool.name"),
        ({"devices": [{"name": "a"}, {"name": "a"}]}, "spec.devices[1]"),
    ],
)
def test_invalid_slices(slices, change, field):
    assert slices.findings(spec=SLICE) == []
    assert [problem.partition(":")[0] for problem in slices.findings(spec={**SLICE, **change})] == [field]


def test_slices_stay_where_they_are(slices):
    old = slices.create(spec=SLICE)
    slices.update(old, spec={**SLICE, "driver": "e.io"})
    assert slices.problems == ['spec.driver: Invalid value: "e.io": field is immutable']


def test_slices_can_be_selected(slices):
    fields = slices.resource.selectable_fields
    assert {name: read({"spec": {"driver": "d", "nodeName": "n"}}) for name, read in fields.items()} == {
        "spec.driver": "d",
        "spec.nodeName": "n",
    }
