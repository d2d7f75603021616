"""Speaks to etcd past the backend: through the JSON gateway."""

import json
from base64 import b64encode
from http.client import HTTPConnection

from kapi.testing.etcd import EtcdServer


def post(server: EtcdServer, path: str, **body: object) -> dict[str, object]:
    """Call a method; values of bytes are sent as base64."""
    content = {name: b64encode(value).decode() if isinstance(value, bytes) else value for name, value in body.items()}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("POST", f"/v3/{path}", json.dumps(content))
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, said
    return json.loads(said)


def put(server: EtcdServer, key: bytes, value: bytes = b"") -> int:
    """Write a key; return the revision."""
    return int(post(server, "kv/put", key=key, value=value)["header"]["revision"])


def wipe(server: EtcdServer, revisions: int) -> None:
    """Remove everything, and put some revisions between what follows and what was before."""
    for number in range(revisions):
        put(server, b"wiped", b"%d" % number)
    post(server, "kv/deleterange", key=b"\0", range_end=b"\0")
