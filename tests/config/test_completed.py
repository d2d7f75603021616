from pathlib import Path

import pytest

from kapi.config.completed import CertificatePair, CompletedConfig, ConfigError, Installed, Selection, complete
from kapi.config.flags import core_table
from kapi.config.parse import parse_flags

INSTALLED = Installed(["sqlite", "memory"], ["RBAC", "AlwaysAllow"], ["NamespaceLifecycle", "ServiceAccount"], ["ns"])


def config(*argv: str) -> CompletedConfig:
    return complete(parse_flags(["--data-dir=/data", *argv], core_table())[0], INSTALLED)


def errors(*argv: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(*argv)
    return list(caught.value.errors)


def test_without_flags_everything_is_answered():
    found = config()
    assert found.bind_address == "127.0.0.1"
    assert found.secure_port == 6443
    assert found.storage_backend == "sqlite"
    assert found.authorization_modes == ("RBAC",)
    assert found.serving_certificate == CertificatePair(
        Path("/data/pki/apiserver.crt"), Path("/data/pki/apiserver.key")
    )
    assert found.client_ca_file == Path("/data/pki/client-ca.crt")
    assert found.options["api-audiences"] == ("https://kubernetes.default.svc",)
    assert found.options["service-account-issuer"] == ("https://kubernetes.default.svc",)
    assert found.options["service-account-signing-key-file"] == Path("/data/pki/sa.key")
    assert found.options["service-account-key-file"] == ("/data/pki/sa.pub",)
    assert (found.generated.serving, found.generated.client_ca, found.generated.service_account_key) == (True,) * 3
    assert found.kubernetes_service_ip == "10.0.0.1"
    assert found.warnings == ()


def test_plugins_see_the_answers_as_options():
    found = config()
    assert found.options["client-ca-file"] == Path("/data/pki/client-ca.crt")
    assert found.options["data-dir"] == Path("/data")
    assert found.options["api-audiences"] == ("https://kubernetes.default.svc",)
    assert found.options.given == {"data-dir"}


def test_the_data_folder_is_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = complete(parse_flags([], core_table())[0], INSTALLED)
    assert found.data_dir.name == "kapi"
    assert found.data_dir.is_relative_to(tmp_path)


def test_given_files_are_not_generated():
    found = config(
        "--tls-cert-file=/a.crt", "--tls-private-key-file=/a.key", "--client-ca-file=/ca.crt",
        "--service-account-signing-key-file=/sa.key", "--service-account-key-file=/one.pub",
        "--service-account-key-file=/two.pub",
    )  # fmt: skip
    assert (found.generated.serving, found.generated.client_ca, found.generated.service_account_key) == (False,) * 3
    assert found.options["service-account-key-file"] == ("/one.pub", "/two.pub")


def test_the_generated_signing_key_verifies_beside_given_keys():
    found = config("--service-account-key-file=/old.pub")
    assert found.options["service-account-key-file"] == ("/old.pub", "/data/pki/sa.pub")


def test_sni_certificates_have_files_and_names():
    (found,) = config("--tls-sni-cert-key=/x.crt,/x.key:a.example.com,*.b.example.com").sni_certificates
    assert found.pair == CertificatePair(Path("/x.crt"), Path("/x.key"))
    assert found.names == ("a.example.com", "*.b.example.com")


def test_half_a_certificate_is_refused():
    assert errors("--tls-cert-file=/a.crt") == [
        "--tls-cert-file and --tls-private-key-file go together: give both or none"
    ]


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--storage-backend=etcd4", "--storage-backend: 'etcd4' is not among the installed plugins"),
        ("--authorization-mode=RBAC,Nope", "--authorization-mode: 'Nope' is not among the installed plugins"),
        ("--authorization-mode=Webhook", "--authorization-mode: 'Webhook' is not among the installed plugins"),
        ("--authorization-mode=RBAC,RBAC", "--authorization-mode names a mode twice"),
        ("--authorization-mode=", "--authorization-mode needs at least one mode that is installed"),
        ("--authorization-mode=Node", "--authorization-mode needs at least one mode that is installed"),
        ("--enable-admission-plugins=Nope", "--enable-admission-plugins: 'Nope' is not among the installed plugins"),
        ("--controllers=*,-nope", "--controllers: 'nope' is not among the installed plugins"),
    ],
)
def test_names_of_nothing_are_refused(flag, text):
    found = errors(flag)
    assert len(found) == 1
    assert found[0].startswith(text)


def test_plugins_that_kapi_does_not_have_yet_only_warn():
    found = config(
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=PodSecurity,ServiceAccount",
        "--controllers=*,-garbage-collector-controller",
    )  # fmt: skip
    assert found.authorization_modes == ("RBAC",)
    assert found.enabled_admission == {"ServiceAccount"}
    assert len(found.warnings) == 3
    assert all("has no effect yet" in warning for warning in found.warnings)


def test_all_errors_are_told_together():
    assert len(errors("--tls-cert-file=/a.crt", "--storage-backend=x", "--authorization-mode=RBAC,RBAC")) == 3


@pytest.mark.parametrize(
    ("words", "chosen", "left_out"),
    [
        (("*",), "ab", ""),
        (("*", "-a"), "b", "a"),
        (("a",), "a", "b"),
        (("a", "-a"), "", "ab"),
        ((), "", "ab"),
        (("",), "", "ab"),
        (("*", "-long-b"), "a", "b"),
        (("long-b",), "b", "a"),
    ],
)
def test_selections(words, chosen, left_out):
    selection = Selection.parse(words, {"long-b": "b"})
    assert all(name in selection for name in chosen)
    assert not any(name in selection for name in left_out)


def test_no_controllers():
    assert "ns" not in config("--controllers=").controllers
    assert "ns" in config().controllers


def test_controllers_have_further_names():
    installed = INSTALLED._replace(controller_aliases={"ns-controller": "ns"})
    options = parse_flags(["--data-dir=/data", "--controllers=*,-ns-controller"], core_table())[0]
    assert "ns" not in complete(options, installed).controllers


def test_a_wildcard_address_advertises_one_of_this_machine():
    assert config("--bind-address=0.0.0.0").advertise_address not in ("0.0.0.0", "")
