import json

import pytest

from kapi.meta.schema.decode import DecodeError, decode_json, decode_value


def refusal(obj, struct):
    with pytest.raises(DecodeError) as caught:
        decode_json(json.dumps(obj).encode(), struct)
    return str(caught.value)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ([], "array into Go value of type v1.Thing"),
        ("x", "string into Go value of type v1.Thing"),
        ({"metadata": []}, "array into Go struct field Thing.metadata of type v1.ObjectMeta"),
        ({"metadata": {"name": 3}}, "number into Go struct field ObjectMeta.metadata.name of type string"),
        ({"metadata": {"labels": {"a": 1}}}, "number into Go struct field ObjectMeta.metadata.labels of type string"),
        ({"metadata": {"uid": 1.5}}, "number into Go struct field ObjectMeta.metadata.uid of type types.UID"),
        ({"data": {"k": True}}, "bool into Go struct field Thing.data of type string"),
        ({"data": "x"}, "string into Go struct field Thing.data of type map[string]string"),
        ({"rules": {}}, "object into Go struct field Thing.rules of type []string"),
        ({"rules": ["a", 1]}, "number into Go struct field Thing.rules of type string"),
        ({"spec": {"replicas": "3"}}, "string into Go struct field ThingSpec.spec.replicas of type int32"),
        ({"spec": {"replicas": 1.5}}, "number 1.5 into Go struct field ThingSpec.spec.replicas of type int32"),
        ({"spec": {"replicas": 2**31}}, "number 2147483648 into Go struct field ThingSpec.spec.replicas of type int32"),
        ({"spec": {"seconds": 2**63}}, f"number {2**63} into Go struct field ThingSpec.spec.seconds of type int64"),
        ({"spec": {"paused": 1}}, "number into Go struct field ThingSpec.spec.paused of type bool"),
        ({"spec": {"note": {}}}, "object into Go struct field ThingSpec.spec.note of type v1.Note"),
        ({"spec": {"limits": []}}, "array into Go struct field ThingSpec.spec.limits of type v1.ResourceList"),
        ({"spec": {"ports": {}}}, "object into Go struct field ThingSpec.spec.ports of type []v1.Port"),
        ({"spec": {"ports": [{"port": "x"}]}}, "string into Go struct field Port.spec.ports.port of type int32"),
        ({"spec": {"port": 1.5}}, "number 1.5 into Go struct field ThingSpec.spec.port of type int32"),
        ({"spec": {"since": 5}}, "number into Go struct field ThingSpec.spec.since of type string"),
        (
            {"spec": {"child": {"child": 1}}},
            "number into Go struct field ThingSpec.spec.child.child of type v1.ThingSpec",
        ),
    ],
)
def test_type_mismatches(obj, message, thing):
    assert refusal(obj, thing) == f"json: cannot unmarshal {message}"


@pytest.mark.parametrize(
    ("text", "byte"),
    [
        ("***", 0),
        ("not-base64!", 3),
        ("abc", 0),
        ("abcde", 4),
        ("ab=c", 2),
        ("a===", 1),
        ("abc=x", 4),
        ("ab==\nx", 5),
        ("ab=", 3),
    ],
)
def test_base64(text, byte, thing):
    assert refusal({"binary": {"k": text}}, thing) == f"illegal base64 data at input byte {byte}"


def test_quantities_and_times(thing):
    assert refusal({"spec": {"limits": {"cpu": "lots"}}}, thing).startswith(
        "quantities must match the regular expression"
    )
    assert refusal({"spec": {"limits": {"cpu": {}}}}, thing).startswith("quantities must match the regular expression")
    assert refusal({"spec": {"since": "x"}}, thing).startswith('parsing time "x" as ')


def test_the_first_mismatch_is_reported(thing):
    assert "spec.replicas" in refusal({"spec": {"replicas": "a", "paused": 1}, "rules": 3}, thing)


def test_errors_of_a_types_own_decoder_come_before_mismatches(thing):
    assert refusal({"rules": 3, "spec": {"since": "x"}}, thing).startswith("parsing time")


def test_mismatches_come_before_bad_base64_by_order(thing):
    assert refusal({"binary": {"k": "*"}, "rules": 3}, thing).startswith("illegal base64")
    assert refusal({"rules": 3, "binary": {"k": "*"}}, thing).startswith("json: cannot unmarshal number")


def test_errors_hide_problems(thing):
    with pytest.raises(DecodeError):
        decode_value({"x": 1, "rules": 3}, thing)
