"""The protobuf form of the OpenAPI 2.0 document, read back by numbers."""

import struct

import orjson
from groups_for_documents import DEFINITION, group

from kapi.endpoints.openapi import OpenAPI
from kapi.endpoints.openapi_protobuf import MEDIA_TYPE, encode_document


def fields(data):
    """All fields of a message: number and value."""
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        found.append((key >> 3, value))
    return found


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def named(data, number):
    """A map of messages: each field is a message with a name and a value."""
    entries = [dict(fields(value)) for found, value in fields(data) if found == number]
    return {entry[1].decode(): entry[2] for entry in entries}


def one(data, *path):
    for number in path:
        data = dict(fields(data))[number]
    return data


def schema(**members):
    return named(one(encode_document({"definitions": {"it": members}}), 9), 1)["it"]


def test_a_document_of_groups():
    answer = OpenAPI([group()]).answer("/openapi/v2", {}, accept=MEDIA_TYPE)
    json = orjson.loads(OpenAPI([group()]).answer("/openapi/v2", {}).body)
    assert one(answer.body, 1) == b"2.0"
    assert one(answer.body, 2, 1) == json["info"]["title"].encode()
    assert named(one(answer.body, 9), 1).keys() == json["definitions"].keys()
    assert named(one(answer.body, 8), 2).keys() == json["paths"].keys()
    assert named(one(answer.body, 10), 1).keys() == json["parameters"].keys()
    widget = named(one(answer.body, 9), 1)[DEFINITION]
    assert named(one(widget, 25), 1).keys() == json["definitions"][DEFINITION]["properties"].keys()
    status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
    extensions = named(named(one(answer.body, 9), 1)[status], 31)
    kinds = orjson.loads(one(extensions["x-kubernetes-group-version-kind"], 2))
    assert kinds == json["definitions"][status]["x-kubernetes-group-version-kind"]


def test_operations_and_parameters():
    body = {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/it"}}
    query = {"name": "dryRun", "in": "query", "type": "string", "uniqueItems": True}
    post = {
        "operationId": "make",
        "consumes": ["*/*"],
        "parameters": [body, query, {"$ref": "#/parameters/p"}],
        "responses": {"200": {"description": "OK", "schema": {"type": "string"}}},
        "x-kubernetes-action": "post",
    }
    item = named(one(encode_document({"paths": {"/it": {"post": post}}}), 8), 2)["/it"]
    operation = one(item, 4)
    assert one(operation, 5) == b"make"
    first, second, third = (value for number, value in fields(operation) if number == 8)
    assert (one(first, 1, 1, 2), one(first, 1, 1, 4)) == (b"body", 1)
    assert one(first, 1, 1, 5, 1) == b"#/definitions/it"
    assert (one(second, 1, 2, 3, 4), one(second, 1, 2, 3, 20)) == (b"dryRun", 1)
    assert one(third, 2, 1) == b"#/parameters/p"
    response = named(one(operation, 9), 1)["200"]
    assert one(response, 1, 2, 1, 22, 1) == b"string"
    assert one(named(operation, 13)["x-kubernetes-action"], 2) == b'"post"\n'


def test_schemas():
    assert [value for number, value in fields(schema(required=["a", "b"])) if number == 19] == [b"a", b"b"]
    assert one(schema(type="array", items={"type": "string"}), 23, 1, 22, 1) == b"string"
    assert one(schema(additionalProperties={"type": "string"}), 21, 1, 22, 1) == b"string"
    assert one(schema(additionalProperties=True), 21, 2) == 1
    assert one(schema(enum=["a"]), 20, 2) == b'"a"\n'
    assert one(schema(maximum=1.5), 7) == 1.5
    assert one(schema(minLength=300), 12) == 300
    assert one(schema(allOf=[{"$ref": "x"}]), 24, 1) == b"x"
    assert schema(unheard="of") == b""


def test_security():
    document = {"security": [{"Token": []}], "securityDefinitions": {"Token": {"type": "apiKey", "in": "header"}}}
    data = encode_document(document)
    assert named(one(data, 12), 1) == {"Token": b""}
    assert one(named(one(data, 13), 1)["Token"], 2, 1) == b"apiKey"
