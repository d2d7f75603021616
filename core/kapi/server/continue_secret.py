"""What signs the continue tokens of paged lists."""

import hmac
import secrets
from pathlib import Path

_PURPOSE = b"kapi continue tokens"


class ContinueSecret:
    """A secret that all servers with the same service account key share, so that a list may go on through any of them.

    It is derived from the signing key of service account tokens when the first list needs it. Without such a key there
    is a random one, for this process alone.
    """

    def __init__(self, signing_key: Path | None) -> None:
        """Take the file of the signing key."""
        self._file = signing_key
        self._secret = b""

    def __call__(self) -> bytes:
        """Return the secret, 32 bytes. Raises OSError if the key cannot be read."""
        if not self._secret:
            key = self._file.read_bytes() if self._file is not None else secrets.token_bytes(32)
            self._secret = hmac.digest(key, _PURPOSE, "sha256")
        return self._secret
