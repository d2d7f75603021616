"""Static tokens from a CSV file: ``token,user,uid,"group1,group2"``, as kube-apiserver reads it."""

import csv
import hashlib
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kapi.contracts.authn import AuthenticatorPlugin, AuthnResponse, UserInfo
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl

_log = logging.getLogger(__name__)


class TokenFileError(ValueError):
    """The token file cannot be used. The message names the line, never the token."""


class TokenFileAuthenticator:
    """Knows a fixed set of tokens, by their digests under a key that only this process has.

    Looking up a keyed digest takes no time that a sender could learn anything from.
    """

    def __init__(self, users: Mapping[str, UserInfo]) -> None:
        """Take the users by token."""
        self._secret = secrets.token_bytes(32)
        self._users = {self._digest(token): AuthnResponse(user) for token, user in users.items()}

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Return the user of the token, good for whatever the server itself is good for; None if it is unknown."""
        return self._users.get(self._digest(token))

    def _digest(self, token: str) -> bytes:
        text = token.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._secret, digest_size=32).digest()


def read_token_file(path: Path) -> dict[str, UserInfo]:
    """Return the users of a token file by token; raises TokenFileError, or OSError if it cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return parse_tokens(csv.reader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as ex:
        raise TokenFileError(f"{path}: {ex}") from None


def parse_tokens(rows: Iterable[Sequence[str]]) -> dict[str, UserInfo]:
    """Return the users of the rows by token. Blank rows are passed over; of two rows with one token the later counts.

    Raises TokenFileError for a row without token, user name and uid columns.
    """
    users: dict[str, UserInfo] = {}
    for number, row in enumerate(rows, 1):
        if not any(row):
            continue
        if len(row) < 3:
            raise TokenFileError(f"token file: row {number} needs at least 3 columns: token, user name, uid")
        token, name, uid = row[:3]
        if not token:
            _log.warning("token file: row %d has an empty token and is ignored", number)
            continue
        if token in users:
            _log.warning("token file: row %d repeats a token: it counts, not the earlier row", number)
        groups = tuple(row[3].split(",")) if len(row) > 3 else ()
        users[token] = UserInfo(name, uid, groups)
    return users


def build(context: BuildContext) -> TokenFileAuthenticator | None:
    """Return the authenticator if ``--token-auth-file`` is given."""
    path = context.options["token-auth-file"]
    return TokenFileAuthenticator(read_token_file(path)) if path else None


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the token file authenticator."""
    option = Option(
        "token-auth-file",
        "path",
        None,
        'CSV file with static tokens: token,user,uid,"group,group".',
        "Authentication",
    )
    return [AuthenticatorPlugin("token_file", "static tokens from a CSV file", "token", build, (option,))]
