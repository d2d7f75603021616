"""ServiceAccount: gives every pod a service account, and the token of that account a place in its containers."""

import secrets
from collections.abc import Iterator, Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError, go_quote, internal_error
from kapi.meta.gvk import GroupResource, GroupVersionResource
from kapi_admission.pod_references import config_maps, has_token_projection, mountable_problem, secret_names

ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_PODS = GroupResource("", "pods")
_VOLUME = "kube-api-access-"
_MIRROR = "kubernetes.io/config.mirror"
_ENFORCE = "kubernetes.io/enforce-mountable-secrets"
_EXPIRATION = 60 * 60 + 7  # a moment more than an hour, so that these tokens can be told from others
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


class ServiceAccountAdmission:
    """Sets and checks the service account of pods."""

    resources = (_PODS,)

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the service accounts."""
        self._client = client

    def handles(self, operation: Operation) -> bool:
        """Look at creations, and at updates for ephemeral containers."""
        return operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Complete the spec of a new pod; raises 403 when its service account is not there."""
        pod = _new_pod(attributes)
        if pod is None or _is_mirror(pod):
            return
        spec = pod["spec"]
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = "default"
        spec["serviceAccount"] = spec["serviceAccountName"]
        account = await self._account(attributes, spec["serviceAccountName"])
        if _automount(account, spec):
            _mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [{"name": item.get("name", "")} for item in account["imagePullSecrets"]]

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse mirror pods that ask for anything, and secrets that the account may not mount."""
        pod = _new_pod(attributes) or _with_new_ephemeral_containers(attributes)
        if pod is None:
            return
        if _is_mirror(pod):
            self._check_mirror(attributes, pod)
            return
        name = pod["spec"].get("serviceAccountName", "")
        if not name:
            shown = f"{attributes.namespace}/{pod['metadata'].get('name', '')}"
            raise refusal(attributes, f"no service account specified for pod {shown}")
        account = await self._account(attributes, name)
        if (account["metadata"].get("annotations") or {}).get(_ENFORCE) in ("true", "True", "TRUE", "1", "t", "T"):
            problem = mountable_problem(account, pod["spec"])
            if problem:
                raise refusal(attributes, problem)

    def _check_mirror(self, attributes: AdmissionAttributes, pod: Object) -> None:
        spec = pod["spec"]
        if spec.get("serviceAccountName"):
            raise refusal(attributes, "a mirror pod may not reference service accounts")
        if next(secret_names(spec), None) is not None:
            raise refusal(attributes, "a mirror pod may not reference secrets")
        if next(config_maps(spec), None) is not None:
            raise refusal(attributes, "a mirror pod may not reference configmaps")
        if has_token_projection(spec):
            raise refusal(attributes, "a mirror pod may not use ServiceAccountToken volume projections")

    async def _account(self, attributes: AdmissionAttributes, name: str) -> Object:
        """Return a service account; one that the shared view does not have may be new, so the store is asked too."""
        namespace = attributes.namespace
        found = self._client.informer(ACCOUNTS).get(name, namespace)
        if found is not None:
            return found
        try:
            return await self._client.get(ACCOUNTS, name, namespace)
        except StatusError as ex:
            if ex.code != 404:
                raise internal_error(ex.message) from ex
            raise refusal(
                attributes,
                f"error looking up service account {namespace}/{name}: serviceaccount {go_quote(name)} not found",
            ) from None


def _new_pod(attributes: AdmissionAttributes) -> Object | None:
    if attributes.operation != "CREATE" or attributes.subresource or attributes.resource.group_resource != _PODS:
        return None
    return attributes.object


def _with_new_ephemeral_containers(attributes: AdmissionAttributes) -> Object | None:
    """Return the pod of a write that adds ephemeral containers; they may refer to secrets as well."""
    if attributes.operation != "UPDATE" or attributes.resource.group_resource != _PODS:
        return None
    return attributes.object if attributes.subresource == "ephemeralcontainers" else None


def _is_mirror(pod: Object) -> bool:
    return _MIRROR in (pod["metadata"].get("annotations") or {})


def _automount(account: Object, spec: Object) -> bool:
    """Tell whether the pod wants the token: its own word counts more than its account's."""
    for wish in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if wish is not None:
            return bool(wish)
    return True


def _mount_token(spec: Object) -> None:
    """Mount the token into all containers that have nothing at its place."""
    volumes = spec.get("volumes") or []
    present = next((v["name"] for v in volumes if v.get("name", "").startswith(_VOLUME)), None)
    name = present or _VOLUME + "".join(secrets.choice(_SUFFIX) for _ in range(5))
    needed = False
    for container in _containers(spec):
        mounts = container.get("volumeMounts") or []
        if all(mount.get("mountPath") != MOUNT_PATH for mount in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
            needed = True
    if needed and present is None:
        spec["volumes"] = [*volumes, token_volume(name)]


def _containers(spec: Object) -> Iterator[Object]:
    for member in ("initContainers", "containers"):
        yield from spec.get(member) or ()


def token_volume(name: str) -> Object:
    """Return the volume with the account's token, the cluster's CA and the namespace."""
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": _EXPIRATION, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [
                            {
                                "path": "namespace",
                                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                            }
                        ]
                    }
                },
            ],
            "defaultMode": 420,
        },
    }


def build(context: BuildContext) -> ServiceAccountAdmission:
    """Return the controller; raises ValueError without a client."""
    if context.client is None:
        raise ValueError("ServiceAccount needs access to the server's objects")
    return ServiceAccountAdmission(context.client)


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute ServiceAccount."""
    return [AdmissionPlugin("ServiceAccount", "gives pods a service account and its token", build)]
