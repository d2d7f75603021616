"""Bindings of roles and requests for certificates."""

from collections.abc import Iterable, Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.times import human_duration
from kapi_apigroups.printing.cells import NONE, age_of, name_of, part
from kapi_apigroups.printing.descriptions import Description, Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer


def _subjects(subjects: Iterable[Mapping[str, Any]], kind: str) -> str:
    return ", ".join(subject.get("name", "") for subject in subjects if subject.get("kind") == kind)


def _binding(obj: Object) -> list[Any]:
    role, subjects = part(obj, "roleRef"), obj.get("subjects") or ()
    accounts = (subject for subject in subjects if subject.get("kind") == "ServiceAccount")
    return [
        name_of(obj),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age_of(obj),
        _subjects(subjects, "User"),
        _subjects(subjects, "Group"),
        ", ".join(f"{account.get('namespace', '')}/{account.get('name', '')}" for account in accounts),
    ]


def _request_status(status: Mapping[str, Any]) -> str:
    noted = {condition.get("type") for condition in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in noted else "Approved" if "Approved" in noted else "Pending"]
    if "Failed" in noted:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    return ",".join(words)


def _signing_request(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    seconds = spec.get("expirationSeconds")
    return [
        name_of(obj),
        age_of(obj),
        spec.get("signerName", ""),
        spec.get("username", ""),
        NONE if seconds is None else human_duration(seconds),
        _request_status(part(obj, "status")),
    ]


def _binding_descriptions(kind: str, shown: str) -> tuple[Description, ...]:
    subjects = (f"{what} in the {shown}" for what in ("Users", "Groups", "ServiceAccounts"))
    return (NAME, Field(f"rbac_v1.{kind}.roleRef", sentences=2), AGE, *subjects)


PRINTERS = {
    ("rbac.authorization.k8s.io", "clusterrolebindings"): Printer(
        _binding, _binding_descriptions("ClusterRoleBinding", "clusterRoleBinding")
    ),
    ("rbac.authorization.k8s.io", "rolebindings"): Printer(
        _binding, _binding_descriptions("RoleBinding", "roleBinding")
    ),
    ("certificates.k8s.io", "certificatesigningrequests"): Printer(
        _signing_request,
        (
            NAME,
            AGE,
            Field("certificates_v1.CertificateSigningRequestSpec.signerName"),
            "Base64-encoded PKCS#10 CSR data",
            Field("certificates_v1.CertificateSigningRequestSpec.expirationSeconds"),
            "Conditions applied to the request, such as approval or denial.",
        ),
    ),
}
