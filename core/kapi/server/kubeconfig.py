"""Writes kubeconfig files (v1 Config) with everything embedded."""

import json
from base64 import b64encode
from typing import NamedTuple


class Credentials(NamedTuple):
    """What a client needs: the server's URL, whom to trust (PEM), and its certificate and key (PEM)."""

    server: str
    authority: bytes
    user: str
    certificate: bytes
    key: bytes


def kubeconfig(credentials: Credentials) -> bytes:
    """Return the text of a kubeconfig file with one cluster, one user and one context, all in use."""
    user = json.dumps(credentials.user)
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: kapi
  cluster:
    server: {json.dumps(credentials.server)}
    certificate-authority-data: {_data(credentials.authority)}
users:
- name: {user}
  user:
    client-certificate-data: {_data(credentials.certificate)}
    client-key-data: {_data(credentials.key)}
contexts:
- name: kapi
  context:
    cluster: kapi
    user: {user}
current-context: kapi
preferences: {{}}
""".encode()


def _data(pem: bytes) -> str:
    return b64encode(pem).decode()


def server_url(address: str, port: int) -> str:
    """Return the URL of a server that listens at ``address``; a wildcard address becomes the loopback's."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
