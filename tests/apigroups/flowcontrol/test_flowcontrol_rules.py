import pytest

LIMITED = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}


@pytest.fixture
def levels(kind_bench):
    return kind_bench("flowcontrol", "prioritylevelconfigurations")


@pytest.fixture
def schemas(kind_bench):
    return kind_bench("flowcontrol", "flowschemas")


def queuing(**members):
    response = {"type": "Queue", "queuing": members}
    return {"type": "Limited", "limited": {"limitResponse": response}}


def test_shares_and_queues(levels):
    assert levels.create(spec=LIMITED)["spec"]["limited"] == {
        "limitResponse": {"type": "Reject"},
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
    }
    found = levels.create(spec=queuing())["spec"]["limited"]["limitResponse"]["queuing"]
    assert found == {"queues": 64, "handSize": 8, "queueLengthLimit": 50}
    assert levels.problems == []


def test_no_shares_at_all_are_allowed(levels):
    limited = {**LIMITED["limited"], "nominalConcurrencyShares": 0}
    assert levels.create(spec={**LIMITED, "limited": limited})["spec"]["limited"]["nominalConcurrencyShares"] == 0


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.type"),
        ({"type": "Exempt"}, "spec.type"),
        ({"type": "Limited"}, "spec.limited"),
        (queuing(queues=4, handSize=8), "spec.limited.limitResponse.queuing.handSize"),
        (queuing(queues=10_000_000, handSize=15), "spec.limited.limitResponse.queuing.handSize"),
        (queuing(queues=20_000_000, handSize=1), "spec.limited.limitResponse.queuing.queues"),
    ],
)
def test_invalid_levels(levels, spec, field):
    assert [problem.partition(":")[0] for problem in levels.findings(spec=spec)] == [field]


def test_precedence(schemas):
    spec = {"priorityLevelConfiguration": {"name": "p"}}
    assert schemas.create(spec=spec)["spec"]["matchingPrecedence"] == 1000
    assert schemas.problems == []
    assert schemas.findings(spec={**spec, "matchingPrecedence": 20_000})


def test_subjects(schemas):
    subjects = [{"kind": "User", "group": {"name": "g"}}, {"kind": "Robot"}]
    rule = {"subjects": subjects, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["x", "/a*", "/ok"]}]}
    found = schemas.findings(spec={"priorityLevelConfiguration": {"name": "p"}, "rules": [rule]})
    assert [problem.partition(":")[0].removeprefix("spec.rules[0].") for problem in found] == [
        "subjects[0].user",
        "subjects[0].group",
        "subjects[1].kind",
        "nonResourceRules[0].nonResourceURLs[0]",
        "nonResourceRules[0].nonResourceURLs[1]",
    ]


@pytest.mark.parametrize("plural", ["flowschemas", "prioritylevelconfigurations"])
def test_the_objects_of_every_cluster_are_valid(kind_bench, built_group, plural):
    bench = kind_bench("flowcontrol", plural)
    found = [obj for resource, obj in built_group("flowcontrol").bootstrap(None) if resource.resource == plural]
    assert len(found) > 5
    for obj in found:
        stored = bench.create(metadata=obj["metadata"], spec=obj["spec"])
        assert bench.problems == []
        assert stored["spec"] == obj["spec"]


def test_mandatory_schemas_never_change(schemas, built_group):
    objects = {obj["metadata"]["name"]: obj for _, obj in built_group("flowcontrol").bootstrap(None)}
    spec = {**objects["exempt"]["spec"], "matchingPrecedence": 5}
    found = schemas.findings(metadata={"name": "exempt"}, spec=spec)
    assert [problem.partition(":")[0] for problem in found][0] == "spec"


def test_levels_come_before_the_schemas_that_name_them(built_group):
    order = [resource.resource for resource, _ in built_group("flowcontrol").bootstrap(None)]
    assert order == sorted(order, reverse=True)
