"""Who may do what, seen with kubectl."""

import json


def test_whoami(kubectl):
    found = json.loads(kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    assert found["username"] == "kubernetes-admin"
    assert set(found["groups"]) == {"system:masters", "system:authenticated"}
    jane = kubectl.of("jane")("auth", "whoami")
    assert "[dev system:authenticated]" in jane


def test_can_i(kubectl):
    jane = kubectl.of("jane")
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert jane.run("auth", "can-i", "create", "pods").stdout == "no\n"
    kubectl("create", "rolebinding", "jane", "--clusterrole=edit", "--user=jane")
    assert jane("auth", "can-i", "create", "pods") == "yes\n"
    assert jane.run("auth", "can-i", "create", "pods", "-n", "kube-system").stdout == "no\n"
    assert jane("auth", "can-i", "update", "deployments.apps", "--subresource=scale") == "yes\n"


def test_can_i_list(kubectl):
    everything = [line.split() for line in kubectl.lines("auth", "can-i", "--list")]
    assert ["*.*", "[]", "[]", "[*]"] in everything
    kubectl("create", "role", "reader", "--verb=get", "--resource=configmaps", "--resource-name=one")
    kubectl("create", "rolebinding", "jane", "--role=reader", "--group=dev")
    jane = [line.split() for line in kubectl.of("jane").lines("auth", "can-i", "--list")]
    assert ["configmaps", "[]", "[one]", "[get]"] in jane
    assert ["*.*", "[]", "[]", "[*]"] not in jane


def test_roles_take_effect_at_once(kubectl):
    jane = kubectl.of("jane")
    kubectl("create", "configmap", "one")
    assert "Forbidden" in jane.refused("get", "cm/one")
    kubectl("create", "role", "reader", "--verb=get", "--resource=configmaps", "--resource-name=one")
    kubectl("create", "rolebinding", "jane", "--role=reader", "--user=jane")
    assert jane("get", "cm/one", "-o", "name") == "configmap/one\n"
    assert "Forbidden" in jane.refused("get", "cm/kube-root-ca.crt")
    kubectl("delete", "rolebinding", "jane")
    assert "Forbidden" in jane.refused("get", "cm/one")


def test_nobody_gives_more_than_they_have(kubectl):
    kubectl("create", "rolebinding", "jane", "--clusterrole=admin", "--user=jane")
    jane = kubectl.of("jane")
    jane("create", "role", "fine", "--verb=get", "--resource=pods")
    complaint = jane.refused("create", "role", "more", "--verb=*", "--resource=nodes")
    assert "is attempting to grant RBAC permissions not currently held" in complaint


def test_a_token_of_a_service_account_is_good_for_what_its_roles_allow(kubectl, server):
    kubectl("create", "serviceaccount", "robot")
    token = kubectl("create", "token", "robot", "--duration=10m").strip()
    assert token.count(".") == 2
    kubectl("create", "rolebinding", "robot", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:robot")
    bearer = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/namespaces/{kubectl.namespace}"
    assert server.request("GET", f"{path}/configmaps", headers=bearer, user=None).status == 200
    assert server.request("GET", f"{path}/secrets", headers=bearer, user=None).status == 403
    kubectl("delete", "serviceaccount", "robot")
    assert server.request("GET", f"{path}/configmaps", headers=bearer, user=None).status == 401


def test_impersonation(kubectl):
    assert "jane" in kubectl("auth", "whoami", "--as=jane")
    assert "Forbidden" in kubectl.refused("get", "secrets", "--as=jane", "--as-group=dev")
    refused = kubectl.server.request("GET", "/api/v1/pods", user="jane", headers={"Impersonate-User": "bob"})
    assert refused.status == 403
    assert 'User "jane" cannot impersonate' in refused.json()["message"]


def test_without_credentials(kubectl, server):
    answer = server.request("GET", "/api/v1/secrets", user=None)
    assert answer.status == 403
    assert answer.json()["message"].startswith('secrets is forbidden: User "system:anonymous" cannot list')
    wrong = server.request("GET", "/api/v1/secrets", user=None, headers={"Authorization": "Bearer wrong"})
    assert wrong.status == 401
    assert wrong.json()["reason"] == "Unauthorized"
