"""An API group: ``greetings.example.com/v1`` with the kind Greeting."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup, APIVersion, Column, RequestContext, Resource, Strategy
from kapi.hookspecs import hookimpl
from kapi.meta.errors import FieldError, field_invalid
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.schema.tables import Definitions
from kapi.meta.schema.types import Struct

GROUP, VERSION = "greetings.example.com", "v1"
KIND = GroupVersionKind(GROUP, VERSION, "Greeting")
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
DEFINITION = "com.example.greetings.v1.Greeting"
LONGEST = 280

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SCHEMAS: dict[str, Any] = {
    DEFINITION: {
        "description": "A greeting to somebody.",
        "type": "object",
        "required": ["spec"],
        "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Greeting"}],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}ObjectMeta"}]},
            "spec": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "message": {"type": "string", "description": "What to say."},
                    "to": {"type": "string", "description": "Whom to say it to.", "default": "world"},
                },
            },
        },
    },
    f"{DEFINITION}List": {
        "description": "Greetings.",
        "type": "object",
        "required": ["items"],
        "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "GreetingList"}],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}ListMeta"}]},
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{DEFINITION}"}},
        },
    },
}
"""The kind as OpenAPI v3: types, defaults and required members are checked by it."""


@cache
def definitions() -> Definitions:
    """Return the types, read when the first request needs them."""
    return Definitions.from_openapi({"components": {"schemas": SCHEMAS}})


def schema() -> Struct:
    """Return the type of a Greeting."""
    return definitions().struct(DEFINITION)


class GreetingStrategy(Strategy):
    """What a schema cannot say about greetings."""

    generation = ("spec",)

    def validate(self, ctx: RequestContext, obj: dict[str, Any]) -> list[FieldError]:
        """Return what is wrong with a greeting."""
        message = obj["spec"]["message"]
        if not message.strip():
            return [field_invalid("spec.message", message, "must say something")]
        if len(message) > LONGEST:
            return [field_invalid("spec.message", message, f"must not be longer than {LONGEST} characters")]
        return []


class GreetingTable:
    """What ``kubectl get greetings`` shows."""

    columns = (
        Column("Name", "string", "name"),
        Column("To", "string"),
        Column("Message", "string"),
        Column("Age", "string"),
    )

    def cells(self, obj: dict[str, Any]) -> list[Any]:
        """Return one value for each column."""
        spec = obj["spec"]
        return [obj["metadata"]["name"], spec["to"], spec["message"], _age(obj["metadata"]["creationTimestamp"])]

    def conditions(self, obj: dict[str, Any]) -> list[dict[str, Any]]:
        """Return no conditions."""
        return []


def _age(created: str) -> str:
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> Sequence[APIGroup]:
    """Contribute the group."""
    greetings = Resource(
        GroupVersionResource(GROUP, VERSION, "greetings"),
        KIND,
        singular="greeting",
        namespaced=True,
        verbs=VERBS,
        schema=schema,
        strategy=GreetingStrategy(),
        short_names=("hi",),
        categories=("all",),
        table=GreetingTable(),
        selectable_fields={"spec.to": lambda obj: str(obj["spec"]["to"])},
        storage_prefix="greetings.example.com/greetings",
    )
    return [APIGroup(GROUP, (APIVersion(VERSION, (greetings,)),), definitions=definitions)]
