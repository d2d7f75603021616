import pytest

from kapi_apigroups.events.strategy import EventStrategy, NewEventStrategy

_NEW = {
    "metadata": {"name": "e", "namespace": "ns"},
    "eventTime": "2024-01-01T00:00:00.000000Z",
    "reportingController": "k8s.io/c",
    "reportingInstance": "i",
    "action": "A",
    "reason": "R",
    "type": "Normal",
    "regarding": {"namespace": "ns"},
}


def fields(errors):
    return [error.field for error in errors]


@pytest.mark.parametrize(
    ("namespace", "involved", "valid"),
    [("ns", "ns", True), ("ns", "other", False), ("ns", "", False), ("default", "", True), ("default", "ns", False)],
)
def test_old_events_are_about_their_namespace(namespace, involved, valid):
    event = {"metadata": {"name": "e", "namespace": namespace}, "involvedObject": {"namespace": involved}}
    found = fields(EventStrategy().validate(None, event))
    assert found == ([] if valid else ["involvedObject.namespace"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"eventTime": None}, ["eventTime"]),
        ({"action": ""}, ["action"]),
        ({"reason": "r" * 129}, ["reason"]),
        ({"note": "n" * 1025}, ["message"]),
        ({"type": "Other"}, ["type"]),
        ({"deprecatedCount": 2}, ["count"]),
        ({"deprecatedSource": {"component": "x"}}, ["source"]),
        ({"series": {"count": 1}}, ["series.count", "series.lastObservedTime"]),
        ({"reportingController": ""}, ["reportingController"] * 3),
        ({"regarding": {"namespace": "other"}}, []),
    ],
)
def test_new_events_are_complete(change, expected):
    assert fields(NewEventStrategy().validate(None, {**_NEW, **change})) == expected


def test_only_the_series_of_a_new_event_changes():
    series = {"series": {"count": 2, "lastObservedTime": "2024-01-01T00:00:01.000000Z"}}
    assert NewEventStrategy().validate_update(None, {**_NEW, **series}, _NEW) == []
    changed = {**_NEW, "reason": "Other", "note": "n", "regarding": {"namespace": "ns", "name": "q"}}
    errors = NewEventStrategy().validate_update(None, changed, _NEW)
    assert fields(errors) == ["involvedObject", "reason", "message", "reason"]
    assert errors[0].message.startswith('Invalid value: {"Kind":"","Namespace":"ns","Name":"q",')
