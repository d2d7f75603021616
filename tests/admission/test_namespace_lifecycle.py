from typing import Any

import pytest

from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.authn import UserInfo
from kapi.contracts.client import Object
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission.namespace_lifecycle import NAMESPACES, NamespaceLifecycle

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
REVIEWS = GroupVersionResource("authorization.k8s.io", "v1", "localsubjectaccessreviews")


def write(operation: Operation, resource: GroupVersionResource = CONFIG_MAPS, **members: Any) -> AdmissionAttributes:
    return AdmissionAttributes(
        **{
            "operation": operation,
            "kind": GroupVersionKind(resource.group, resource.version, "X"),
            "resource": resource,
            "subresource": "",
            "namespace": "ns",
            "name": "a",
            "object": {"metadata": {"name": "a"}},
            "load_old": None,
            "user": UserInfo("u"),
            "dry_run": False,
            **members,
        }
    )


async def client_with(phase: str | None, **options: Any) -> MemoryClient:
    client = MemoryClient(**options)
    if phase is not None:
        await client.create(NAMESPACES, {"metadata": {"name": "ns"}, "status": {"phase": phase}})
    return client


async def outcome(client: MemoryClient, attributes: AdmissionAttributes) -> StatusError | None:
    try:
        await NamespaceLifecycle(client).admit(attributes)
    except StatusError as ex:
        return ex
    return None


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
async def test_nothing_is_written_where_there_is_no_namespace(operation: Operation) -> None:
    error = await outcome(await client_with(None), write(operation))
    assert error is not None
    assert (error.code, error.message) == (404, 'namespaces "ns" not found')


async def test_nothing_is_created_where_the_namespace_ends() -> None:
    error = await outcome(await client_with("Terminating"), write("CREATE", DEPLOYMENTS))
    assert error is not None
    assert error.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "a" is forbidden: '
        "unable to create new content in namespace ns because it is being terminated",
        "reason": "Forbidden",
        "details": {
            "name": "a",
            "group": "apps",
            "kind": "deployments",
            "causes": [
                {
                    "reason": "NamespaceTerminating",
                    "message": "namespace ns is being terminated",
                    "field": "metadata.namespace",
                }
            ],
        },
        "code": 403,
    }


@pytest.mark.parametrize(
    ("phase", "attributes"),
    [
        ("Active", write("CREATE")),
        ("Terminating", write("UPDATE")),
        ("Terminating", write("DELETE")),
        (None, write("DELETE")),
        (None, write("CREATE", namespace="")),
        (None, write("CREATE", REVIEWS)),
        (None, write("CREATE", NAMESPACES, namespace="ns", name="ns")),
        (None, write("DELETE", NAMESPACES, name="kube-node-lease")),
        (None, write("DELETE", CONFIG_MAPS, name="default")),
    ],
)
async def test_what_is_let_through(phase: str | None, attributes: AdmissionAttributes) -> None:
    assert await outcome(await client_with(phase), attributes) is None


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_vital_namespaces_stay(name: str, dry_run: bool) -> None:
    attributes = write("DELETE", NAMESPACES, namespace=name, name=name, object=None, dry_run=dry_run)
    error = await outcome(await client_with("Active"), attributes)
    assert error is not None
    assert (error.code, error.message) == (
        403,
        f'namespaces "{name}" is forbidden: this namespace may not be deleted',
    )


async def test_a_view_that_lags_behind_is_no_reason_to_refuse() -> None:
    assert await outcome(await client_with("Active", lagging=[NAMESPACES]), write("CREATE")) is None
    assert await outcome(await client_with("Terminating", lagging=[NAMESPACES]), write("CREATE")) is not None


async def test_a_store_that_fails_refuses() -> None:
    class Failing(MemoryClient):
        async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
            raise StatusError(503, "ServiceUnavailable", "no store")

    error = await outcome(Failing(), write("CREATE"))
    assert error is not None
    assert error.code == 500


def test_connections_are_no_concern() -> None:
    controller = NamespaceLifecycle(MemoryClient())
    assert [controller.handles(op) for op in ("CREATE", "UPDATE", "DELETE", "CONNECT")] == [True, True, True, False]
