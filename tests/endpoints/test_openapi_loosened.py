from kapi.endpoints.openapi_schemas import loosened, to_v2


def test_old_clients_are_not_told_more_than_they_can_check():
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "string", "default": "a", "oneOf": [{"minLength": 1}], "allOf": [{"maxLength": 3}]},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {}}},
            "null": {"type": "object", "nullable": True, "properties": {"a": {}}},
            "either": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "list": {"type": "array", "items": {"type": "string", "not": {"enum": ["b"]}}},
            "metadata": {"description": "d", "allOf": [{"$ref": "#/components/schemas/M"}]},
        },
    }
    assert to_v2(loosened(schema)) == {
        "type": "object",
        "properties": {
            "default": {"type": "string"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "null": {},
            "either": {"x-kubernetes-int-or-string": True},
            "list": {"type": "array", "items": {"type": "string"}},
            "metadata": {"description": "d", "$ref": "#/definitions/M"},
        },
    }
