"""Which etcd servers there are: the URLs of ``--etcd-servers``."""

from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORT = 2379


class Server(NamedTuple):
    """Where a server listens, and whether it speaks TLS."""

    host: str
    port: int
    tls: bool

    @property
    def target(self) -> str:
        """Return the address as it is written in URLs."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(url: str) -> Server:
    """Read ``http://HOST:PORT``, ``https://HOST:PORT`` or ``HOST:PORT`` (without TLS). Raises ValueError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is not the URL of an etcd server: {error}") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or _more(parts.path):
        raise ValueError(f"{url!r} is not the URL of an etcd server: http://HOST:PORT or https://HOST:PORT")
    if parts.query or parts.fragment:
        raise ValueError(f"{url!r} is not the URL of an etcd server: it ends after the port")
    return Server(host, port or DEFAULT_PORT, parts.scheme == "https")


def _more(path: str) -> bool:
    return path not in ("", "/")
