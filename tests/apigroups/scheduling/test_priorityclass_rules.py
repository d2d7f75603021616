import pytest


@pytest.fixture
def classes(kind_bench):
    return kind_bench("scheduling", "priorityclasses")


def test_defaults(classes):
    obj = classes.create(value=5)
    assert obj["preemptionPolicy"] == "PreemptLowerPriority"
    assert obj["metadata"]["generation"] == 1
    assert classes.problems == []


def test_the_generation_stays(classes):
    assert classes.update(classes.create(value=5), value=5, description="other")["metadata"]["generation"] == 1


def test_value_and_policy_never_change(classes):
    classes.update(classes.create(value=5), value=6, preemptionPolicy="Never")
    assert classes.problems == [
        "value: Forbidden: may not be changed in an update.",
        'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]


def test_policies(classes):
    assert [one.partition(":")[0] for one in classes.findings(value=1, preemptionPolicy="X")] == ["preemptionPolicy"]


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [("a", 1_000_000_001, "value"), ("system-mine", 5, "metadata.name"), ("system-node-critical", 5, "metadata.name")],
)
def test_the_heights_are_the_systems(classes, name, value, field):
    assert [one.partition(":")[0] for one in classes.findings(metadata={"name": name}, value=value)] == [field]


def test_the_systems_own_classes_are_valid(classes, built_group):
    objects = built_group("scheduling").bootstrap(None)
    assert [obj["metadata"]["name"] for _, obj in objects] == ["system-cluster-critical", "system-node-critical"]
    for _, obj in objects:
        assert classes.findings(**{key: obj[key] for key in ("metadata", "value", "preemptionPolicy")}) == []
