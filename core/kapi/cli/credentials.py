"""``kapi kubeconfig``: credentials for the server in a data folder."""

import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kapi.config.completed import CompletedConfig
from kapi.config.parse import HelpRequested
from kapi.server.assembly import START_ERRORS, assemble, complaint
from kapi.server.files import write_atomically
from kapi.server.kubeconfig import Credentials, kubeconfig, server_url
from kapi.server.pki import PkiError, admin_credentials, user_credentials

_SERVER = re.compile(r'^ *server: "(https://[^"]+)"$', re.MULTILINE)


class Wanted(NamedTuple):
    """What the command line asks for; an empty user is the administrator."""

    user: str
    groups: tuple[str, ...]
    days: int
    server: str
    write: Path | None


def show_kubeconfig(argv: Sequence[str], wanted: Wanted) -> int:
    """Print or write a kubeconfig; ``argv`` has flags of ``kapi serve``. Return the exit code."""
    try:
        text = kubeconfig(_credentials(assemble(argv).config, wanted))
        if wanted.write is None:
            sys.stdout.write(text.decode())
        else:
            write_atomically(wanted.write, text)
    except HelpRequested:
        return 0
    except FileNotFoundError as ex:
        sys.stderr.write(f"kapi: {ex.filename} is not there: start kapi serve once with this --data-dir\n")
        return 1
    except START_ERRORS as ex:
        sys.stderr.writelines(f"kapi: {line}\n" for line in complaint(ex))
        return 1
    return 0


def _credentials(config: CompletedConfig, wanted: Wanted) -> Credentials:
    server = wanted.server or _known_server(config)
    if wanted.user:
        return user_credentials(config, server, wanted.user, wanted.groups, timedelta(days=wanted.days))
    admin = admin_credentials(config, server)
    if admin is None:
        raise PkiError("--client-ca-file names an authority that kapi has no key of: there is no admin kubeconfig")
    return admin


def _known_server(config: CompletedConfig) -> str:
    """Return the URL in the admin kubeconfig, where the server wrote it; else what the flags say."""
    if config.admin_kubeconfig.exists() and not {"bind-address", "secure-port"} & config.options.given:
        found = _SERVER.search(config.admin_kubeconfig.read_text())
        if found:
            return found[1]
    return server_url(config.bind_address, config.secure_port)
