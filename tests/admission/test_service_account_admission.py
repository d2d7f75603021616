import re
from copy import deepcopy
from typing import Any

import pytest

from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.authn import UserInfo
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission.service_account import ACCOUNTS, MOUNT_PATH, ServiceAccountAdmission, token_volume

PODS = GroupVersionResource("", "v1", "pods")
MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}
ENFORCE = {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}


def pod(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", **metadata},
        "spec": {"containers": [{"name": "c", "image": "i"}], **(spec or {})},
    }


def write(obj: dict[str, Any], operation: Operation = "CREATE", subresource: str = "") -> AdmissionAttributes:
    kind = GroupVersionKind("", "v1", "Pod")
    return AdmissionAttributes(operation, kind, PODS, subresource, "ns", "p", obj, None, UserInfo("u"), False)


async def admitted(obj: dict[str, Any], *, lagging: bool = False, **account: Any) -> dict[str, Any]:
    client = MemoryClient(lagging=[ACCOUNTS] if lagging else [])
    for name in ("default", "other"):
        await client.create(ACCOUNTS, {**account, "metadata": {"name": name, **account.get("metadata", {})}}, "ns")
    controller = ServiceAccountAdmission(client)
    await controller.admit(write(obj))
    await controller.validate(write(obj))
    return obj


async def refused(obj: dict[str, Any], **account: Any) -> str:
    with pytest.raises(StatusError) as caught:
        await admitted(obj, **account)
    assert caught.value.code == 403
    return caught.value.message.removeprefix('pods "p" is forbidden: ')


async def test_a_pod_gets_the_default_account_and_its_token() -> None:
    spec = (await admitted(pod({"initContainers": [{"name": "i"}]})))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    (volume,) = spec["volumes"]
    assert re.fullmatch("kube-api-access-[a-z0-9]{5}", volume["name"])
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert spec["containers"][0]["volumeMounts"] == spec["initContainers"][0]["volumeMounts"] == [mount]
    assert volume["projected"] == {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
        "defaultMode": 420,
    }


async def test_a_named_account_is_kept_and_mirrored() -> None:
    spec = (await admitted(pod({"serviceAccountName": "other", "serviceAccount": "stale"})))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "other"


@pytest.mark.parametrize(
    ("pods_wish", "accounts_wish", "mounted"),
    [(None, None, True), (None, False, False), (True, False, True), (False, True, False), (None, True, True)],
)
async def test_the_pods_wish_counts_more_than_its_accounts(
    pods_wish: bool | None, accounts_wish: bool | None, mounted: bool
) -> None:
    spec = {} if pods_wish is None else {"automountServiceAccountToken": pods_wish}
    account = {} if accounts_wish is None else {"automountServiceAccountToken": accounts_wish}
    assert ("volumes" in (await admitted(pod(spec), **account))["spec"]) is mounted


async def test_containers_with_something_at_its_place_get_no_token() -> None:
    own = {"name": "v", "mountPath": MOUNT_PATH}
    spec = {"containers": [{"name": "c", "volumeMounts": [own]}], "volumes": [{"name": "v", "emptyDir": {}}]}
    assert (await admitted(pod(deepcopy(spec))))["spec"]["volumes"] == spec["volumes"]


async def test_a_second_pass_adds_nothing() -> None:
    once = await admitted(pod())
    assert await admitted(deepcopy(once)) == once


async def test_a_token_volume_that_is_there_is_used() -> None:
    spec = (await admitted(pod({"volumes": [token_volume("kube-api-access-mine")]})))["spec"]
    assert len(spec["volumes"]) == 1
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-mine"


async def test_pull_secrets_come_from_the_account_unless_the_pod_has_its_own() -> None:
    secrets = [{"name": "pull"}]
    assert (await admitted(pod(), imagePullSecrets=secrets))["spec"]["imagePullSecrets"] == secrets
    own = pod({"imagePullSecrets": [{"name": "own"}]})
    assert (await admitted(own, imagePullSecrets=secrets))["spec"]["imagePullSecrets"] == [{"name": "own"}]


async def test_a_missing_account_is_refused() -> None:
    message = await refused(pod({"serviceAccountName": "missing"}))
    assert message == 'error looking up service account ns/missing: serviceaccount "missing" not found'


async def test_a_view_that_lags_behind_is_no_reason_to_refuse() -> None:
    assert (await admitted(pod(), lagging=True))["spec"]["serviceAccountName"] == "default"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"serviceAccountName": "default"}, "a mirror pod may not reference service accounts"),
        ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, "a mirror pod may not reference secrets"),
        ({"imagePullSecrets": [{"name": "s"}]}, "a mirror pod may not reference secrets"),
        (
            {"initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "s"}}]}]},
            "a mirror pod may not reference secrets",
        ),
        (
            {
                "ephemeralContainers": [
                    {"name": "e", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}
                ]
            },
            "a mirror pod may not reference secrets",
        ),
        ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, "a mirror pod may not reference configmaps"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ],
)
async def test_mirror_pods_ask_for_nothing(spec: dict[str, Any], message: str) -> None:
    assert await refused(pod(spec, **MIRROR)) == message


async def test_a_mirror_pod_stays_as_it_is() -> None:
    mirror = pod({"nodeName": "n"}, **MIRROR)
    assert await admitted(deepcopy(mirror)) == mirror


REFERENCES: list[tuple[dict[str, Any], str]] = [
    ({"volumes": [{"name": "v", "secret": {"secretName": "x"}}]}, 'volume with secret.secretName="x"'),
    (
        {"containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "x"}}}]}]},
        'container c with envVar E referencing secret.secretName="x"',
    ),
    (
        {"initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "x"}}]}]},
        'init container i with envFrom referencing secret.secretName="x"',
    ),
    (
        {"ephemeralContainers": [{"name": "e", "envFrom": [{"secretRef": {"name": "x"}}]}]},
        'ephemeral container e with envFrom referencing secret.secretName="x"',
    ),
]


@pytest.mark.parametrize(("spec", "what"), REFERENCES)
async def test_where_accounts_list_their_secrets_pods_use_no_others(spec: dict[str, Any], what: str) -> None:
    message = await refused(pod(deepcopy(spec)), metadata=ENFORCE, secrets=[{"name": "y"}])
    assert message == f"{what} is not allowed because service account default does not reference that secret"
    assert await admitted(pod(deepcopy(spec)), metadata=ENFORCE, secrets=[{"name": "x"}])
    assert await admitted(pod(deepcopy(spec)), secrets=[{"name": "y"}])


async def test_the_same_holds_for_pull_secrets() -> None:
    message = await refused(pod({"imagePullSecrets": [{"name": "x"}]}), metadata=ENFORCE)
    assert message.startswith('imagePullSecrets[0].name="x" is not allowed')


async def test_new_ephemeral_containers_are_checked_too() -> None:
    client = MemoryClient()
    await client.create(ACCOUNTS, {"metadata": {"name": "default", **ENFORCE}}, "ns")
    controller = ServiceAccountAdmission(client)
    changed = pod({**REFERENCES[3][0], "serviceAccountName": "default"})
    with pytest.raises(StatusError):
        await controller.validate(write(changed, "UPDATE", "ephemeralcontainers"))
    await controller.validate(write(changed, "UPDATE"))


@pytest.mark.parametrize(("operation", "subresource"), [("UPDATE", ""), ("CREATE", "binding"), ("UPDATE", "status")])
async def test_other_writes_are_left_alone(operation: Operation, subresource: str) -> None:
    obj = pod()
    controller = ServiceAccountAdmission(MemoryClient())
    await controller.admit(write(obj, operation, subresource))
    await controller.validate(write(obj, operation, subresource))
    assert obj == pod()
