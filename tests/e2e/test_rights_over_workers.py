"""Rights that are granted and revoked through one worker hold at once in another."""

import http.client
import json

import pytest

from kapi.testing.server import ServerProcess

MAPS = "/api/v1/namespaces/default/configmaps"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
BINDING = {
    "metadata": {"name": "jane"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
}


@pytest.fixture(scope="module")
def server():
    with ServerProcess("--workers=2", "--controllers=", users={"jane": []}) as server:
        yield server


class Talk:
    """A connection that stays open, and so stays with one worker."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._connection: http.client.HTTPSConnection = server.connect()

    def ask(self, user: str, method: str, path: str, body: object = None) -> int:
        head = {"Authorization": f"Bearer {self._server.tokens[user]}", "Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), head)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def test_a_right_holds_until_the_very_next_request(server):
    """Connections are shared out evenly, so that of four two are with each worker."""
    talks = [Talk(server) for _ in range(4)]
    for talk in talks:
        assert talk.ask("jane", "GET", MAPS) == 403
    for turn in range(40):
        admin, reader = talks[turn % 4], talks[(turn + turn // 4) % 4]
        assert admin.ask("admin", "POST", BINDINGS, BINDING) == 201
        assert reader.ask("jane", "GET", MAPS) == 200
        assert reader.ask("jane", "GET", f"{MAPS}/none") == 404
        assert admin.ask("admin", "DELETE", f"{BINDINGS}/jane") == 200
        assert reader.ask("jane", "GET", f"{MAPS}/none" if turn % 2 else MAPS) == 403
