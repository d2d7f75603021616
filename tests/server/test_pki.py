import json
import multiprocessing
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from fake_server import config_for

from kapi.server import pki
from kapi.server.kubeconfig import server_url

DAY = 86400


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_makes_everything_for_the_owner_only(tmp_path):
    config = config_for(tmp_path / "data")
    pki.ensure(config)
    assert (config.data_dir.stat().st_mode & 0o777, config.pki_dir.stat().st_mode & 0o777) == (0o700, 0o700)
    assert {path.stat().st_mode & 0o777 for path in config.pki_dir.iterdir()} == {0o600}
    assert set(contents(config.pki_dir)) == {
        "admin.crt", "admin.key", "apiserver.crt", "apiserver.key", "ca.crt", "ca.key", "client-ca.crt",
        "client-ca.key", "inventory.json", "sa.key", "sa.pub",
    }  # fmt: skip


def test_certificates_say_who_they_are_for(tmp_path):
    config = config_for(tmp_path, "--external-hostname=kapi.example.com", "--service-cluster-ip-range=10.9.0.0/16")
    pki.ensure(config)
    names = certificate(config.pki_dir, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    dns = names.value.get_values_for_type(x509.DNSName)
    assert {"localhost", "kubernetes", "kubernetes.default.svc.cluster.local", "kapi.example.com"} <= set(dns)
    assert {str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "10.9.0.1"}
    subject = certificate(config.pki_dir, "admin").subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "kubernetes-admin"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:masters"


def test_serving_and_client_authorities_do_not_vouch_for_each_other(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    certificate(config.pki_dir, "admin").verify_directly_issued_by(certificate(config.pki_dir, "client-ca"))
    with pytest.raises(ValueError, match=r"[Ii]ssuer"):
        certificate(config.pki_dir, "apiserver").verify_directly_issued_by(certificate(config.pki_dir, "client-ca"))


def test_the_next_start_changes_nothing_and_imports_no_cryptography(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    before = contents(config.pki_dir)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from fake_server import config_for;"
        "from kapi.server import pki; pki.ensure(config_for(Path(sys.argv[2])));"
        "sys.exit('cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path)], check=True)
    assert contents(config.pki_dir) == before


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in after if after[name] != before[name]} - {"inventory.json"}


def test_leaves_are_renewed_before_they_end(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    before = contents(config.pki_dir)
    pki.ensure(config, now=time.time() + 300 * DAY)
    assert contents(config.pki_dir) == before
    pki.ensure(config, now=time.time() + 340 * DAY)
    assert changed(before, contents(config.pki_dir)) == {"apiserver.crt", "apiserver.key", "admin.crt", "admin.key"}


def test_an_ending_authority_is_renewed_with_all_that_it_signed(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    before = contents(config.pki_dir)
    pki.ensure(config, now=time.time() + 3640 * DAY)
    assert changed(before, contents(config.pki_dir)) == set(before) - {"inventory.json", "sa.key", "sa.pub"}


def test_a_new_name_gets_a_new_serving_certificate(tmp_path):
    pki.ensure(config_for(tmp_path))
    config = config_for(tmp_path, "--external-hostname=new.example.com")
    before = contents(config.pki_dir)
    pki.ensure(config)
    assert changed(before, contents(config.pki_dir)) == {"apiserver.crt", "apiserver.key"}


def test_a_damaged_leaf_is_replaced(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    (config.pki_dir / "apiserver.crt").write_bytes(b"")
    pki.ensure(config)
    certificate(config.pki_dir, "apiserver").verify_directly_issued_by(certificate(config.pki_dir, "ca"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ca": 1}', "nonsense", '{"ca": {"digest": "x"}}'])
def test_an_unreadable_inventory_costs_only_time(tmp_path, text):
    config = config_for(tmp_path)
    pki.ensure(config)
    before = contents(config.pki_dir)
    (config.pki_dir / "inventory.json").write_text(text)
    pki.ensure(config)
    after = contents(config.pki_dir)
    assert (before["ca.crt"], before["sa.key"]) == (after["ca.crt"], after["sa.key"])
    assert set(json.loads(after["inventory.json"])) == {"ca", "client-ca", "apiserver", "admin", "sa"}


@pytest.mark.parametrize(
    ("missing", "text"),
    [("ca.key", "ca.key is missing"), ("sa.pub", "sa.pub is missing")],
)
def test_half_a_pair_is_never_replaced_silently(tmp_path, missing, text):
    config = config_for(tmp_path)
    pki.ensure(config)
    (config.pki_dir / missing).unlink()
    with pytest.raises(pki.PkiError, match=text):
        pki.ensure(config)


def test_an_authority_that_cannot_be_read_is_told(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    (config.pki_dir / "ca.crt").write_bytes(b"nonsense")
    with pytest.raises(pki.PkiError, match=r"ca\.crt cannot be used"):
        pki.ensure(config)


def test_a_pair_of_ones_own_is_adopted(tmp_path):
    mine = config_for(tmp_path / "mine")
    pki.ensure(mine)
    config = config_for(tmp_path / "data")
    config.pki_dir.mkdir(parents=True)
    for name in ("ca.crt", "ca.key"):
        (config.pki_dir / name).write_bytes((mine.pki_dir / name).read_bytes())
    pki.ensure(config)
    assert (config.pki_dir / "ca.crt").read_bytes() == (mine.pki_dir / "ca.crt").read_bytes()
    certificate(config.pki_dir, "apiserver").verify_directly_issued_by(certificate(mine.pki_dir, "ca"))


def start(folder: str) -> None:
    pki.ensure(config_for(Path(folder)))


def test_processes_that_start_at_once_agree(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(start, [str(tmp_path)] * 6)
    config = config_for(tmp_path)
    before = contents(config.pki_dir)
    pki.ensure(config)
    assert contents(config.pki_dir) == before


def test_the_admin_kubeconfig_is_private_and_only_rewritten_when_it_changes(tmp_path):
    config = config_for(tmp_path)
    pki.ensure(config)
    path = pki.write_admin_kubeconfig(config, "https://127.0.0.1:1")
    assert path == config.admin_kubeconfig
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.stat().st_mtime_ns
    os.utime(path, ns=(first - 10**9, first - 10**9))
    pki.write_admin_kubeconfig(config, "https://127.0.0.1:1")
    assert path.stat().st_mtime_ns == first - 10**9
    pki.write_admin_kubeconfig(config, "https://127.0.0.1:2")
    assert "https://127.0.0.1:2" in path.read_text()


def test_there_is_no_admin_kubeconfig_for_an_authority_of_others(tmp_path):
    config = config_for(tmp_path, "--client-ca-file=/ca.crt")
    pki.ensure(config)
    assert pki.write_admin_kubeconfig(config, "https://x") is None
    with pytest.raises(pki.PkiError, match="cannot sign for users"):
        pki.user_credentials(config, "https://x", "jane", (), timedelta(days=1))


def test_a_serving_certificate_of_ones_own_is_what_clients_trust(tmp_path):
    (tmp_path / "own.crt").write_text("mine")
    config = config_for(tmp_path / "d", f"--tls-cert-file={tmp_path}/own.crt", "--tls-private-key-file=/own.key")
    assert pki.trusted_authority(config) == b"mine"


@pytest.mark.parametrize(
    ("address", "url"),
    [("127.0.0.1", "https://127.0.0.1:1"), ("0.0.0.0", "https://127.0.0.1:1"), ("::", "https://[::1]:1")],
)
def test_urls(address, url):
    assert server_url(address, 1) == url
