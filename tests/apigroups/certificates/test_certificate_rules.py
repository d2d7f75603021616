import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kapi_apigroups.certificates.validation import pem_blocks


@pytest.fixture(scope="module")
def request_text():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.fixture
def requests(kind_bench):
    return kind_bench("certificates", "certificatesigningrequests")


@pytest.fixture
def spec(request_text):
    return {"request": request_text, "signerName": "x.io/s", "usages": ["client auth"]}


def condition(kind, **members):
    return {"type": kind, "status": "True", "reason": "R", "message": "m", **members}


def test_names_its_author(requests, spec):
    obj = requests.create(spec={**spec, "username": "fake", "groups": ["zz"], "extra": {"a": ["b"]}})
    assert obj["spec"] == {
        **spec,
        "username": "ann",
        "uid": "u-1",
        "groups": ["dev"],
        "extra": {"scopes": ["a", "b"]},
    }
    assert obj["status"] == {}
    assert requests.problems == []


def test_never_changes(requests, spec):
    old = requests.create(spec=spec)
    new = requests.update(old, spec={**spec, "signerName": "other.io/s"}, status={"certificate": "eA=="})
    assert new == old


def test_approval_sets_conditions_and_their_times(requests, spec):
    old = requests.create(spec=spec)
    new = requests.update(
        old, "approval", spec={}, status={"conditions": [condition("Approved")], "certificate": "eA=="}
    )
    assert requests.problems == []
    (found,) = new["status"]["conditions"]
    assert found["lastUpdateTime"] == found["lastTransitionTime"]
    assert "certificate" not in new["status"]
    assert new["spec"] == old["spec"]


def test_a_decision_is_final(requests, spec):
    old = requests.update(requests.create(spec=spec), "approval", status={"conditions": [condition("Approved")]})
    for conditions in ([], [condition("Denied")]):
        requests.update(old, "approval", status={"conditions": conditions})
        assert requests.problems == [
            'status.conditions: Forbidden: updates may not remove a condition of type "Approved"'
        ]


def test_a_signer_cannot_approve(requests, spec):
    new = requests.update(requests.create(spec=spec), "status", status={"conditions": [condition("Approved")]})
    assert new["status"] == {}


def test_a_signer_keeps_the_decision(requests, spec):
    old = requests.update(requests.create(spec=spec), "approval", status={"conditions": [condition("Approved")]})
    changed = [condition("Approved", reason="other"), condition("Failed")]
    new = requests.update(old, "status", status={"conditions": changed})
    assert new["status"]["conditions"][0] == old["status"]["conditions"][0]
    assert new["status"]["conditions"][1]["type"] == "Failed"
    assert requests.problems == []


def test_a_certificate_is_pem_and_final(requests, spec):
    old = requests.create(spec=spec)
    requests.update(old, "status", status={"certificate": base64.b64encode(b"no").decode()})
    assert requests.problems == [
        'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'
    ]
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()
    signed = requests.update(old, "status", status={"certificate": pem})
    assert requests.problems == []
    requests.update(signed, "status", status={})
    assert requests.problems == ["status.certificate: Forbidden: updates may not modify a set certificate"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([{"type": "", "status": "True"}], "status.conditions[0].type: Required value"),
        (
            [{"type": "Approved", "status": "False"}],
            'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
        ),
        (
            [condition("Approved"), condition("Denied")],
            'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
        ),
    ],
)
def test_invalid_conditions(requests, spec, conditions, expected):
    requests.update(requests.create(spec=spec), "approval", status={"conditions": conditions})
    assert requests.problems == [expected]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"request": "AAAA"}, "spec.request"),
        ({"request": None}, "spec.request"),
        ({"usages": []}, "spec.usages"),
        ({"usages": ["bogus"]}, "spec.usages[0]"),
        ({"usages": ["any", "any"]}, "spec.usages[1]"),
        ({"signerName": "noslash"}, "spec.signerName"),
        ({"signerName": "A.io/s/"}, "spec.signerName"),
        ({"signerName": "kubernetes.io/legacy-unknown"}, "spec.signerName"),
        ({"expirationSeconds": 5}, "spec.expirationSeconds"),
    ],
)
def test_invalid(requests, spec, change, field):
    assert [problem.partition(":")[0] for problem in requests.findings(spec={**spec, **change})] == [field]


def test_a_request_with_a_broken_signature_is_refused(requests, spec):
    der = bytearray(pem_blocks(base64.b64decode(spec["request"]))[0][1])
    der[-1] ^= 1
    pem = (
        b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE REQUEST-----"
    )
    assert len(requests.findings(spec={**spec, "request": base64.b64encode(pem).decode()})) == 1


def test_the_search_for_pem_blocks_is_linear():
    assert pem_blocks(b"-----BEGIN A-----\n" * 50_000 + b"a: b\n" * 100_000) == []
