"""Reading the file of --encryption-provider-config."""

import base64
import json

import pytest

from kapi.config.completed import ConfigError
from kapi.config.encryption_file import EncryptionKey, EncryptionRule, Provider, parse_encryption, read_encryption_file
from kapi.meta.gvk import GroupResource

HEAD = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
SECRET = base64.b64encode(bytes(range(32))).decode()


def text(*rules: object) -> bytes:
    return json.dumps({**HEAD, "resources": list(rules)}).encode()


def rule(resources: list[str], *providers: object) -> dict[str, object]:
    return {"resources": resources, "providers": list(providers)}


def findings(document: bytes) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        parse_encryption(document)
    return list(refusal.value.errors)


def test_a_file_as_the_documentation_shows_it(tmp_path):
    path = tmp_path / "encryption.yaml"
    path.write_text(f"""
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, configmaps, pandas.awesome.bears.example]
    providers:
      - aescbc:
          keys:
            - {{name: key1, secret: {SECRET}}}
            - {{name: key2, secret: c2VjcmV0IGlzIHNlY3VyZQ==}}
      - identity: {{}}
  - resources: ['*.apps']
    providers:
      - aesgcm: {{keys: [{{name: a, secret: c2VjcmV0IGlzIHNlY3VyZQ==}}]}}
  - resources: ['*.']
    providers: [{{secretbox: {{keys: [{{name: b, secret: {SECRET}}}]}}}}]
  - resources: ['*.*']
    providers: [identity: {{}}]
""")
    plain = Provider("identity")
    first = Provider("aescbc", (EncryptionKey("key1", bytes(range(32))), EncryptionKey("key2", b"secret is secure")))
    assert read_encryption_file(path) == (
        EncryptionRule(
            (GroupResource("", "secrets"), GroupResource("", "configmaps"),
             GroupResource("awesome.bears.example", "pandas")),
            (first, plain),
        ),
        EncryptionRule(
            (GroupResource("apps", "*"),), (Provider("aesgcm", (EncryptionKey("a", b"secret is secure"),)),)
        ),
        EncryptionRule(
            (GroupResource("", "*"),), (Provider("secretbox", (EncryptionKey("b", bytes(range(32))),)),)
        ),
        EncryptionRule((GroupResource("*", "*"),), (plain,)),
    )  # fmt: skip


def test_keys_are_not_shown():
    (found,) = parse_encryption(text(rule(["secrets"], {"aesgcm": {"keys": [{"name": "a", "secret": SECRET}]}})))
    assert repr(bytes(range(32)))[2:-1] not in repr(found)
    assert "secret=" not in repr(found)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"", "not an object of kind EncryptionConfiguration"),
        (b"[", "yaml: line 1: did not find expected node content"),
        (b"apiVersion: v1\nkind: Pod\n", "no kind 'Pod' of 'v1'"),
        (b"kind: EncryptionConfiguration\n", "apiVersion: Missing data for required field."),
        (json.dumps(HEAD).encode(), "resources: Required value: at least one resources is required"),
        (text({"resources": ["secrets"], "provider": []}), "resources[0].provider: Unknown field."),
        (text(rule([], {"identity": {}})), "resources[0].resources: Required value"),
        (text(rule(["secrets"])), "resources[0].providers: Required value"),
        (text(rule([7], {"identity": {}})), "resources[0].resources[0]: Not a valid string."),  # type: ignore[list-item]  # the point
    ],
)
def test_what_does_not_fit_is_told_with_its_place(document, expected):
    assert findings(document)[0].startswith(expected)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (["Secrets"], 'resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital'),
        (["*"], "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"),
        (["secrets", "secrets"], "the same resource cannot be specified multiple times"),
        (["secrets", "*."], "using overlapping resources such as 'secrets' and '*.'"),
        (["*.*", "deployments.apps"], "using overlapping resources"),
        (["serviceipallocations"], "resources which do not have REST API/s cannot be encrypted"),
        (["events.events.k8s.io"], "Use 'events' instead"),
        (["ingresses.extensions"], "'extensions' group has been removed"),
        (["secrets.*"], "encrypting the same resource across groups is not supported"),
    ],
)
def test_resources_that_cannot_be_meant(resources, expected):
    (finding,) = findings(text(rule(resources, {"identity": {}})))
    assert expected in finding


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ({}, "does not contain any of the expected providers"),
        ({"identity": None}, "does not contain any of the expected providers"),
        ({"identity": {}, "aesgcm": {"keys": []}}, "more than one provider specified in a single element"),
        ({"kms": {"name": "vault"}}, "kapi has no kms provider"),
        ({"aesgcm": {"keys": []}}, "aesgcm.keys: Required value: at least one keys is required"),
        ({"aesgcm": {"keys": [{"secret": SECRET}]}}, "keys[0].name: Required value"),
        ({"aesgcm": {"keys": [{"name": "a"}]}}, "keys[0].secret: Required value"),
        ({"aesgcm": {"keys": [{"name": "a", "secret": "%"}]}}, "secrets must be base64 encoded"),
        ({"aescbc": {"keys": [{"name": "a", "secret": "c2hvcnQ="}]}}, "got 5, expected one of [16 24 32]"),
        (
            {"secretbox": {"keys": [{"name": "a", "secret": "c2VjcmV0IGlzIHNlY3VyZQ=="}]}},
            "got 16, expected one of [32]",
        ),
    ],
)
def test_providers_that_cannot_work(provider, expected):
    (finding,) = findings(text(rule(["secrets"], provider)))
    assert finding.startswith("resources[0].providers[0]")
    assert expected in finding
    assert "c2hvcnQ=" not in finding
    assert "c2VjcmV0" not in finding


@pytest.mark.parametrize(
    ("first", "second"), [("*.", "secrets"), ("*.*", "*.apps"), ("*.*", "*.*"), ("*.apps", "*.apps")]
)
def test_a_rule_behind_one_that_covers_it_is_refused(first, second):
    (finding,) = findings(text(rule([first], {"identity": {}}), rule([second], {"identity": {}})))
    assert finding == f'resource "{second}" is masked by earlier rule "{first}"'


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigError, match="larger than"):
        read_encryption_file(path)
