import pytest


@pytest.fixture
def classes(kind_bench):
    return kind_bench("node", "runtimeclasses")


def test_the_handler_is_immutable(classes):
    old = classes.create(handler="h")
    classes.update(old, handler="i", scheduling={"nodeSelector": {"a": "b"}})
    assert classes.problems == ['handler: Invalid value: "i": field is immutable']


@pytest.mark.parametrize(
    ("members", "fields"),
    [
        ({}, ["handler"]),
        ({"handler": "A_"}, ["handler"]),
        ({"handler": "h", "overhead": {"podFixed": {"cpu": "-1"}}}, ["overhead.limits[cpu]"]),
        ({"handler": "h", "overhead": {"podFixed": {"foo": "1"}}}, ["overhead.limits[foo]"] * 2),
        ({"handler": "h", "overhead": {"podFixed": {"hugepages-2Mi": "4Mi", "x.io/y": "1"}}}, []),
        ({"handler": "h", "scheduling": {"nodeSelector": {"a b": "c"}}}, ["scheduling.nodeSelector"]),
        (
            {"handler": "h", "scheduling": {"tolerations": [{"key": "a", "operator": "Exists"}] * 2}},
            ["scheduling.tolerations[1]"],
        ),
        ({"handler": "h", "scheduling": {"tolerations": [{"value": "v"}]}}, ["scheduling.tolerations[0].operator"]),
    ],
)
def test_findings(classes, members, fields):
    assert [problem.partition(":")[0] for problem in classes.findings(**members)] == fields
