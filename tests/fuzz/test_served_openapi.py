"""Requests made from the OpenAPI documents that the server itself serves: none may be an accident of the server."""

import json
import random
import time
from urllib.parse import urlencode

import pytest
import schemathesis
from effort import EFFORT
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case
from schemathesis.core import NOT_SET
from wire import Wire, check

GROUPS = ["api/v1", "apis/apps/v1", "apis/batch/v1", "apis/networking.k8s.io/v1"]
EXAMPLES, SECONDS, AT_LEAST = 2, 3.0, 10
"""Examples of each operation, and how long the operations of a group are gone through, in an order that mixes them."""


def operations(victim, group: str) -> list[APIOperation]:
    """The operations of a group but for the old way to watch, whose answers do not end."""
    document = victim.request("GET", f"/openapi/v3/{group}").json()
    schema = schemathesis.openapi.from_dict(document).exclude(path_regex="/watch/")
    found = [each.ok() for each in schema.get_all_operations()]
    random.Random(0).shuffle(found)
    return found


def send(wire: Wire, case: Case) -> None:
    """Send a request as schemathesis means it, but into a namespace that is there."""
    if "namespace" in case.path_parameters:
        case.path_parameters["namespace"] = "default"
    target = f"{case.formatted_path}?{urlencode(case.query or {}, doseq=True, errors='replace')}"
    fields = [(name.encode(), str(value).encode("utf-8", "replace")) for name, value in (case.headers or {}).items()]
    if case.media_type:
        fields.append((b"Content-Type", case.media_type.encode()))
    body = None if case.body is NOT_SET else json.dumps(case.body).encode()
    check(wire(case.method.encode(), target.encode("utf-8", "replace"), fields, body))


def try_out(wire: Wire, operation: APIOperation) -> None:
    @given(operation.as_strategy())
    @settings(
        max_examples=EXAMPLES * max(EFFORT, 1), derandomize=EFFORT == 0, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def run(case: Case) -> None:
        send(wire, case)

    run()


@pytest.mark.parametrize("group", GROUPS)
def test_requests_made_from_the_document(victim, wire, group):
    end = time.monotonic() + SECONDS * max(EFFORT, 1)
    for number, operation in enumerate(operations(victim, group)):
        if number >= AT_LEAST and time.monotonic() > end:
            break
        try_out(wire, operation)
