"""Speaks to etcd past the backend: through the JSON gateway."""

import json
import ssl
from base64 import b64encode
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection

from kapi.testing.etcd import EtcdServer


def post(server: EtcdServer, path: str, **body: object) -> dict[str, object]:
    """Call a method; values of bytes are sent as base64."""
    with closing(_connection(server)) as connection:
        return _post(connection, path, body)


def _connection(server: EtcdServer) -> HTTPConnection:
    if server.tls is None:
        return HTTPConnection("127.0.0.1", server.port, timeout=10)
    context = ssl.create_default_context(cafile=server.tls.authority)
    context.load_cert_chain(server.tls.certificate, server.tls.key)
    return HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)


def _post(connection: HTTPConnection, path: str, body: dict[str, object]) -> dict[str, object]:
    content = {name: b64encode(value).decode() if isinstance(value, bytes) else value for name, value in body.items()}
    connection.request("POST", f"/v3/{path}", json.dumps(content))
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 200, said
    return json.loads(said)


def put(server: EtcdServer, key: bytes, value: bytes = b"") -> int:
    """Write a key; return the revision."""
    return int(post(server, "kv/put", key=key, value=value)["header"]["revision"])


def wipe(server: EtcdServer, revisions: int) -> None:
    """Remove everything, and put some revisions between what follows and what was before; they leave one key."""
    with closing(_connection(server)) as connection:
        _post(connection, "kv/deleterange", {"key": b"\0", "range_end": b"\0"})
        for number in range(revisions):
            _post(connection, "kv/put", {"key": b"no slash, so nobody sees it", "value": b"%d" % number})
