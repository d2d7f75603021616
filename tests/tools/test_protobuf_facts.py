import sys
from pathlib import Path

from kapi.meta.schema.types import Struct
from kapi_apigroups.facts import definitions, protobuf_numbers

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import protobuf_facts  # noqa: E402  the tools are no package

PROTO = """
package k8s.io.api.example.v1;

// message Comment {
message Widget {
  // A note: optional string not_a_field = 9;
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta metadata = 1;
  repeated string aPIGroups = 2;
  map<string, Part> parts = 3;
  optional Part part = 4;
  optional string xKubernetesListType = 5;
}

message Part {
  optional int32 size = 1;
  optional Nested nested = 2;
}

message Nested {
  optional string deep = 3;
}
"""


def test_messages_are_read_by_the_names_of_their_definitions():
    messages = dict(protobuf_facts.parse_proto(PROTO))
    assert set(messages) == {f"io.k8s.api.example.v1.{name}" for name in ("Widget", "Part", "Nested")}
    assert messages["io.k8s.api.example.v1.Widget"][0] == (
        "metadata",
        1,
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    )


def test_numbers_follow_names_and_embedded_messages():
    messages = dict(protobuf_facts.parse_proto(PROTO))
    members = ["metadata", "apiGroups", "parts", "size", "deep", "x-kubernetes-list-type", "unknown"]
    assert protobuf_facts.numbers_of("io.k8s.api.example.v1.Widget", members, messages) == {
        "metadata": "1",
        "apiGroups": "2",
        "parts": "3",
        "size": "4.1",
        "deep": "4.2.3",
        "x-kubernetes-list-type": "5",
    }


def test_nearly_all_members_of_the_built_in_kinds_have_numbers():
    types, numbers = definitions(), protobuf_numbers()
    missing = [
        f"{name}.{member}"
        for name in types.names()
        if isinstance(kind := types.type(name), Struct)
        for member in kind.fields
        if member not in ("kind", "apiVersion") and member not in numbers.get(name, "").split()[::2]
    ]
    assert len(missing) < 10, missing


def test_no_two_members_share_a_number():
    for name, text in protobuf_numbers().items():
        paths = text.split()[1::2]
        assert len(paths) == len(set(paths)), name
