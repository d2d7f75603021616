import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.gvk import GroupVersionKind
from kapi.storage import entry as entry_module
from kapi.storage.entry import Codec, Entry

KIND = GroupVersionKind("example.com", "v1", "Widget")
CODEC = Codec(KIND, {"spec.color": lambda obj: obj.get("spec", {}).get("color", "")})
TYPE_META = {"kind": "Widget", "apiVersion": "example.com/v1"}

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.builds(
    lambda meta, rest: {**TYPE_META, "metadata": {"name": "a", **meta}, **rest},
    st.fixed_dictionaries({}, optional={"namespace": TEXT, "labels": st.dictionaries(TEXT, TEXT, max_size=2)}),
    st.dictionaries(TEXT.filter(lambda name: name not in ("kind", "apiVersion", "metadata")), JSON, max_size=3),
)
REVISIONS = st.integers(1, 2**63 - 1)


def with_version(obj: dict, revision: int) -> dict:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}


@given(OBJECTS, REVISIONS)
def test_what_is_stored_comes_back_with_its_revision(obj: dict, revision: int) -> None:
    value = CODEC.encode(obj)
    assert orjson.loads(value) == obj
    assert CODEC.decode(CODEC.entry("/k/a", value, revision)) == with_version(obj, revision)
    assert orjson.loads(CODEC.wire(value, revision)) == with_version(obj, revision)
    assert CODEC.wire(value, 0) == value


@given(OBJECTS, REVISIONS)
def test_a_resource_version_is_never_stored(obj: dict, revision: int) -> None:
    assert CODEC.encode(with_version(obj, revision)) == CODEC.encode(obj)


@given(OBJECTS, REVISIONS)
def test_values_of_other_writers_are_understood(obj: dict, revision: int) -> None:
    """Another server that shares the store may order the members in another way, or store a resourceVersion."""
    shuffled = dict(reversed(list(with_version(obj, 1).items())))
    entry = CODEC.entry("/k/a", orjson.dumps(shuffled), revision)
    assert CODEC.decode(entry) == with_version(obj, revision)
    spaced = orjson.dumps(obj, option=orjson.OPT_INDENT_2)
    assert CODEC.decode(CODEC.entry("/k/a", spaced, revision)) == with_version(obj, revision)


@given(OBJECTS, REVISIONS, REVISIONS)
def test_a_moved_entry_differs_in_its_revision_only(obj: dict, first: int, second: int) -> None:
    value = CODEC.encode(obj)
    moved = Codec.moved(CODEC.entry("/k/a", value, first), second)
    direct = CODEC.entry("/k/a", value, second)
    assert all(getattr(moved, slot) == getattr(direct, slot) for slot in moved.__slots__)


def test_what_selectors_read_is_extracted_once() -> None:
    obj = {**TYPE_META, "metadata": {"name": "a", "namespace": "ns", "labels": {"x": "y"}}, "spec": {"color": "red"}}
    entry = CODEC.entry("/k/ns/a", CODEC.encode(obj), 7)
    assert (entry.key, entry.revision, entry.namespace, entry.name) == ("/k/ns/a", 7, "ns", "a")
    assert entry.labels == {"x": "y"}
    assert entry.fields == {"metadata.name": "a", "metadata.namespace": "ns", "spec.color": "red"}

    assert [entry.field(path) for path in entry.fields] == list(entry.fields.values())
    assert entry.field("spec.none") == ""


def test_entries_share_what_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_module, "SHARED", 2)
    codec = Codec(KIND, {"spec.color": lambda obj: obj["spec"]["color"]})

    def made(name: str, label: str) -> Entry:
        meta = {"name": name, "namespace": "ns", "labels": {"x": label}}
        return codec.entry(f"/k/ns/{name}", codec.encode({**TYPE_META, "metadata": meta, "spec": {"color": label}}), 7)

    one, two, three = made("a", "1"), made("b", "1"), made("c", "2")
    assert one.labels is two.labels
    assert one.selected is two.selected
    assert one.namespace is two.namespace
    assert three.labels == {"x": "2"}
    for number in range(10):
        assert made("d", str(number)).labels == {"x": str(number)}


def test_null_labels_are_no_labels() -> None:
    value = orjson.dumps({**TYPE_META, "metadata": {"name": "a", "labels": None}})
    assert CODEC.entry("/k/a", value, 7).labels == {}


def test_decoded_objects_are_not_shared() -> None:
    entry = CODEC.entry("/k/a", CODEC.encode({**TYPE_META, "metadata": {"name": "a"}}), 7)
    CODEC.decode(entry)["metadata"]["name"] = "b"
    assert CODEC.decode(entry)["metadata"]["name"] == "a"
