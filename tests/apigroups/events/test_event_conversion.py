from hypothesis import given
from hypothesis import strategies as st

from kapi_apigroups.events.conversion import from_core, to_core
from kapi_apigroups.events.selection import CORE_FIELDS, NEW_FIELDS

_TEXT = st.text(max_size=5)
_CORE = st.fixed_dictionaries(
    {
        "kind": st.just("Event"),
        "apiVersion": st.just("v1"),
        "metadata": st.fixed_dictionaries({"name": _TEXT}),
        "involvedObject": st.dictionaries(st.sampled_from(["kind", "name", "namespace"]), _TEXT),
        "source": st.just({}),
        "firstTimestamp": st.none(),
        "lastTimestamp": st.none(),
        "eventTime": st.none(),
        "reportingComponent": _TEXT,
        "reportingInstance": _TEXT,
    },
    optional={"message": _TEXT, "reason": _TEXT, "count": st.integers(1, 5), "type": _TEXT},
)


@given(_CORE)
def test_the_forms_hold_the_same(event):
    assert to_core(from_core(event)) == event


def test_members_have_their_names_in_each_form():
    event = from_core(
        {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": "a"},
            "involvedObject": {"kind": "Pod"},
            "message": "m",
            "source": {"component": "kubelet"},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "count": 2,
            "eventTime": None,
            "reportingComponent": "",
            "reportingInstance": "",
        }
    )
    assert event == {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "a"},
        "regarding": {"kind": "Pod"},
        "note": "m",
        "deprecatedSource": {"component": "kubelet"},
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
        "deprecatedCount": 2,
        "eventTime": None,
    }


def test_selectors_of_both_groups_read_the_stored_form():
    stored = {"involvedObject": {"kind": "Pod"}, "reportingComponent": "c", "source": {}}
    assert CORE_FIELDS["involvedObject.kind"](stored) == NEW_FIELDS["regarding.kind"](stored) == "Pod"
    assert CORE_FIELDS["source"](stored) == NEW_FIELDS["reportingController"](stored) == "c"
    assert CORE_FIELDS["reason"]({}) == ""
