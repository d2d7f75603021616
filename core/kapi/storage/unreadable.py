"""Stored values that cannot be read."""

from kapi.contracts.storage import StorageError
from kapi.meta.errors import StatusError, go_quote

ENCRYPTED = b"k8s:enc:"
"""What every encrypted value begins with."""

NOT_DECRYPTED = "identity transformer tried to read encrypted data"
"""Why a value that begins like that is not the value of an object."""


class TransformError(Exception):
    """A stored value cannot be turned into a plain one; the message says why, without any of the value."""


class UnreadableValue(StatusError, StorageError):
    """The value of a key cannot be read. It names the key, and holds nothing of the value.

    It is both: what asks a backend knows StorageError, and a client gets kube-apiserver's Status.
    """

    def __init__(self, key: str, reason: str) -> None:
        """Take the storage key, and what is wrong with its value."""
        message = f"unable to transform key {go_quote(key)}: {reason}"
        details = {"causes": [{"message": message}]}
        super().__init__(500, "InternalError", f"Internal error occurred: {message}", details)
