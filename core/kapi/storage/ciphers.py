"""The ciphers of values in storage, byte for byte those of kube-apiserver, so that both can share a store.

Each is a :class:`~kapi.storage.encryption.Transformer` for one key. Only imported when encryption is configured.
"""

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kapi.config.completed import ConfigError
from kapi.storage.unreadable import TransformError

if TYPE_CHECKING:
    from nacl.secret import SecretBox

_GCM_NONCE, _GCM_TAG = 12, 16
_BLOCK = 16
_BOX_NONCE, _BOX_TAG = 24, 16
_TOO_SHORT = "the stored data was shorter than the required size"
_PADDING = "invalid padding on input"


class AesGcm:
    """A random nonce, the ciphertext and its tag; the storage key is authenticated, so values cannot change places."""

    def __init__(self, secret: bytes) -> None:
        """Take a key of 16, 24 or 32 bytes."""
        self._aead = AESGCM(secret)

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Encrypt a value."""
        nonce = os.urandom(_GCM_NONCE)
        return nonce + self._aead.encrypt(nonce, value, key.encode())

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Decrypt a value; raises TransformError."""
        if len(value) < _GCM_NONCE + _GCM_TAG:
            raise TransformError(_TOO_SHORT)
        try:
            return self._aead.decrypt(value[:_GCM_NONCE], value[_GCM_NONCE:], key.encode()), False
        except InvalidTag:
            raise TransformError("cipher: message authentication failed") from None


class AesCbc:
    """A random first block and the ciphertext, padded by PKCS #7; nothing is authenticated."""

    def __init__(self, secret: bytes) -> None:
        """Take a key of 16, 24 or 32 bytes."""
        self._algorithm = algorithms.AES(secret)

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Encrypt a value."""
        first = os.urandom(_BLOCK)
        missing = _BLOCK - len(value) % _BLOCK
        encryptor = Cipher(self._algorithm, modes.CBC(first)).encryptor()
        return first + encryptor.update(value + bytes((missing,)) * missing) + encryptor.finalize()

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Decrypt a value; raises TransformError."""
        if len(value) < 2 * _BLOCK:
            raise TransformError(_TOO_SHORT)
        if len(value) % _BLOCK:
            raise TransformError("the stored data is not a multiple of the block size")
        decryptor = Cipher(self._algorithm, modes.CBC(value[:_BLOCK])).decryptor()
        padded = decryptor.update(value[_BLOCK:]) + decryptor.finalize()
        added = padded[-1]
        if not 1 <= added <= _BLOCK or padded[-added:] != bytes((added,)) * added:
            raise TransformError(_PADDING)
        return padded[:-added], False


class XSalsaBox:
    """NaCl's secretbox (XSalsa20 and Poly1305): a random nonce, the tag and the ciphertext."""

    def __init__(self, secret: bytes) -> None:
        """Take a key of 32 bytes. Raises ConfigError without the library."""
        self._box = _secret_box(secret)

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Encrypt a value."""
        return bytes(self._box.encrypt(value, os.urandom(_BOX_NONCE)))

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Decrypt a value; raises TransformError."""
        from nacl.exceptions import CryptoError

        if len(value) < _BOX_NONCE + _BOX_TAG:
            raise TransformError(_TOO_SHORT)
        try:
            return self._box.decrypt(value), False
        except CryptoError:
            raise TransformError("value was not authentic: it cannot be decrypted with this key") from None


def _secret_box(secret: bytes) -> "SecretBox":
    try:
        from nacl.secret import SecretBox
    except ImportError as ex:
        raise ConfigError(
            ["--encryption-provider-config: secretbox needs PyNaCl (pip install kapi[secretbox])"]
        ) from ex
    return SecretBox(secret)
