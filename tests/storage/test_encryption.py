"""Values in storage: ciphers, prefixes, and which resource has which."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from kapi.config.encryption_file import EncryptionKey, EncryptionRule, Provider
from kapi.meta.gvk import GroupResource
from kapi.storage.ciphers import AesCbc, AesGcm, XSalsaBox
from kapi.storage.encryption import Encryption, Identity, Transformer, build_transformers
from kapi.storage.unreadable import TransformError

KEY = "/registry/secrets/default/a"
SECRETS = GroupResource("", "secrets")
ONE, TWO = EncryptionKey("one", b"1" * 32), EncryptionKey("two", b"2" * 32)
CIPHERS = [AesGcm, AesCbc, XSalsaBox]
KINDS = ["aesgcm", "aescbc", "secretbox"]

any_cipher = pytest.mark.parametrize("cipher", CIPHERS)
any_kind = pytest.mark.parametrize("kind", KINDS)


def transformer(*providers: Provider) -> Transformer:
    return build_transformers([EncryptionRule((SECRETS,), providers)])[SECRETS]


def reason(reader: Transformer, stored: bytes, key: str = KEY) -> str:
    with pytest.raises(TransformError) as problem:
        reader.from_storage(stored, key)
    return str(problem.value)


@given(value=st.binary(max_size=100), key=st.text(max_size=20), secret=st.binary(min_size=32, max_size=32))
@any_cipher
def test_what_was_encrypted_is_decrypted(cipher, value, key, secret):
    stored = cipher(secret).to_storage(value, key)
    assert cipher(secret).from_storage(stored, key) == (value, False)


@given(value=st.binary(min_size=16, max_size=60), at=st.integers(0, 10_000), flip=st.integers(1, 255))
@pytest.mark.parametrize("cipher", [AesGcm, XSalsaBox])
def test_a_changed_value_is_noticed(cipher, value, at, flip):
    stored = bytearray(cipher(b"1" * 32).to_storage(value, KEY))
    stored[at % len(stored)] ^= flip
    with pytest.raises(TransformError):
        cipher(b"1" * 32).from_storage(bytes(stored), KEY)


@given(stored=st.binary(max_size=80))
@any_cipher
def test_no_bytes_are_too_odd(cipher, stored):
    try:
        plain, stale = cipher(b"1" * 32).from_storage(stored, KEY)
    except TransformError:
        return
    assert cipher is AesCbc  # which authenticates nothing, so that padding may fit by chance
    assert len(plain) < len(stored)
    assert not stale


@any_cipher
def test_equal_values_do_not_look_equal(cipher):
    assert cipher(b"1" * 32).to_storage(b"x", KEY) != cipher(b"1" * 32).to_storage(b"x", KEY)


def test_a_value_cannot_be_put_in_the_place_of_another():
    stored = AesGcm(b"1" * 32).to_storage(b"x", KEY)
    assert reason(AesGcm(b"1" * 32), stored, KEY + "b") == "cipher: message authentication failed"


def test_gcm_is_laid_out_as_kube_apiserver_does():
    """A nonce of 12 bytes, ciphertext, tag; the storage key is authenticated."""
    stored = transformer(Provider("aesgcm", (ONE,))).to_storage(b"value", KEY)
    prefix = b"k8s:enc:aesgcm:v1:one:"
    assert stored.startswith(prefix)
    body = stored[len(prefix) :]
    assert AESGCM(ONE.secret).decrypt(body[:12], body[12:], KEY.encode()) == b"value"


def test_cbc_is_laid_out_as_kube_apiserver_does():
    stored = transformer(Provider("aescbc", (ONE,))).to_storage(b"value", KEY)
    prefix = b"k8s:enc:aescbc:v1:one:"
    assert stored.startswith(prefix)
    body = stored[len(prefix) :]
    decryptor = Cipher(algorithms.AES(ONE.secret), modes.CBC(body[:16])).decryptor()
    assert decryptor.update(body[16:]) + decryptor.finalize() == b"value" + b"\x0b" * 11


def test_secretbox_reads_the_example_of_nacl():
    """The test vector in NaCl's documentation, as nonce, tag and ciphertext."""
    secret = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    tag = bytes.fromhex("f3ffc7703f9400e52a7dfb4b3d3305d9")
    start = bytes.fromhex("8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a")
    rest = bytes.fromhex(
        "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfea"
        "bd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    )
    plain, _ = XSalsaBox(secret).from_storage(nonce + tag + start + rest, KEY)
    assert plain.startswith(bytes.fromhex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"))


@any_kind
def test_the_first_key_writes_and_all_read(kind):
    old = transformer(Provider(kind, (ONE,)))
    new = transformer(Provider(kind, (TWO, ONE)))
    assert new.to_storage(b"x", KEY).startswith(f"k8s:enc:{kind}:v1:two:".encode())
    assert new.from_storage(new.to_storage(b"x", KEY), KEY) == (b"x", False)
    assert new.from_storage(old.to_storage(b"x", KEY), KEY) == (b"x", True)


@any_kind
def test_a_provider_may_be_there_twice_with_other_keys(kind):
    old = transformer(Provider(kind, (ONE,)))
    new = transformer(Provider(kind, (TWO,)), Provider(kind, (ONE,)))
    assert new.from_storage(old.to_storage(b"x", KEY), KEY) == (b"x", True)


@any_kind
def test_encryption_is_turned_on_and_off_by_order(kind):
    encrypted, plain = Provider(kind, (ONE,)), Provider("identity")
    turned_on, turned_off = transformer(encrypted, plain), transformer(plain, encrypted)
    stored = turned_on.to_storage(b'{"a":1}', KEY)
    assert turned_on.from_storage(b'{"a":1}', KEY) == (b'{"a":1}', True)
    assert turned_off.from_storage(stored, KEY) == (b'{"a":1}', True)
    assert turned_off.from_storage(turned_off.to_storage(b"{}", KEY), KEY) == (b"{}", False)


def test_what_is_wrong_is_said_without_the_value():
    stored = transformer(Provider("aesgcm", (ONE,))).to_storage(b"value", KEY)
    renamed = Provider("aesgcm", (TWO,))
    wrong = Provider("aesgcm", (EncryptionKey("one", b"9" * 32),))
    assert reason(transformer(renamed), stored) == "no matching key was found for the provided AES transformer"
    assert reason(transformer(wrong), stored) == "cipher: message authentication failed"
    assert reason(transformer(Provider("aescbc", (ONE,))), stored) == "no matching prefix found"
    assert reason(Identity(), stored) == "identity transformer tried to read encrypted data"
    assert reason(transformer(wrong, renamed), stored) == (
        "[cipher: message authentication failed, no matching key was found for the provided AES transformer]"
    )
    box = transformer(Provider("secretbox", (ONE,))).to_storage(b"value", KEY)
    assert "Secretbox transformer" in reason(transformer(Provider("secretbox", (TWO,))), box)


PREFIXES = [
    ("secrets", SECRETS), ("services/specs", GroupResource("", "services")),
    ("services/endpoints", GroupResource("", "endpoints")), ("deployments", GroupResource("apps", "deployments")),
    ("events", GroupResource("", "events")), ("events", GroupResource("events.k8s.io", "events")),
]  # fmt: skip


def where(*covered: str) -> dict[str, bool]:
    """Return which of some keys are encrypted if some resources are."""
    rules = [
        EncryptionRule((GroupResource(group, resource),), (Provider("aesgcm", (ONE,)),))
        for resource, _, group in (text.partition(".") for text in covered)
    ]
    encryption = Encryption(build_transformers(rules), "/registry/", lambda: PREFIXES)
    keys = [
        "/registry/secrets/default/a", "/registry/services/specs/default/a", "/registry/services/endpoints/default/a",
        "/registry/deployments/default/a", "/registry/events/default/a", "/registry/example.com/widgets/default/a",
        "/registry/other.com/widgets/a", "/registry/ranges/serviceips", "/registry/kapi/leader", "/elsewhere/secrets/a",
    ]  # fmt: skip
    first = {key: not isinstance(encryption.of(key), Identity) for key in keys}
    assert first == {key: not isinstance(encryption.of(key), Identity) for key in keys}
    return first


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        (["secrets"], {"secrets"}),
        (["services"], {"services/specs"}),
        (["endpoints"], {"services/endpoints"}),
        (["*."], {"secrets", "services/specs", "services/endpoints", "events"}),
        (["*.apps"], {"deployments"}),
        (["deployments"], set()),
        (["widgets.example.com"], {"example.com/widgets"}),
        (["*.example.com", "secrets"], {"example.com/widgets", "secrets"}),
    ],
)
def test_resources_are_known_by_their_keys(covered, expected):
    assert {key for key, yes in where(*covered).items() if yes} == {
        key for key in where() if any(key.startswith(f"/registry/{prefix}/") for prefix in expected)
    }


def test_everything_is_every_resource_and_nothing_else():
    assert [key for key, yes in where("*.*").items() if not yes] == [
        "/registry/ranges/serviceips", "/registry/kapi/leader", "/elsewhere/secrets/a",
    ]  # fmt: skip


def test_the_nearest_rule_counts():
    rules = [
        EncryptionRule((SECRETS,), (Provider("aescbc", (ONE,)),)),
        EncryptionRule((GroupResource("", "*"),), (Provider("identity"),)),
        EncryptionRule((GroupResource("*", "*"),), (Provider("aesgcm", (ONE,)),)),
    ]
    of = Encryption(build_transformers(rules), "/registry/", lambda: PREFIXES).of
    stored = {key: of(key).to_storage(b"x", key)[:15] for key in ("/registry/secrets/a", "/registry/events/a")}
    assert stored == {"/registry/secrets/a": b"k8s:enc:aescbc:", "/registry/events/a": b"x"}
    assert of("/registry/deployments/a").to_storage(b"x", KEY).startswith(b"k8s:enc:aesgcm:")
