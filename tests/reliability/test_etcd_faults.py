"""etcd dies, freezes, loses its majority or runs full under kapi: clients get a Status soon, and nothing is lost."""

import json
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from server_processes import eventually, kill_all

from kapi.testing.deployments import deployed
from kapi.testing.etcd import EtcdCluster, EtcdServer, SilentServer
from kapi.testing.load import Load, WatchClient
from kapi.testing.server import ServerProcess, ServerThread

soak = pytest.mark.soak
MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name, size=10):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v" * size}}


def flags(*urls):
    return "--storage-backend=etcd3", f"--etcd-servers={','.join(urls)}"


def ask_etcd(etcd, path, **body):
    connection = HTTPConnection("127.0.0.1", etcd.port, timeout=10)
    content = {name: b64encode(v).decode() if isinstance(v, bytes) else v for name, v in body.items()}
    connection.request("POST", f"/v3/{path}", json.dumps(content))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def leader(cluster):
    """Return the member that leads."""
    for member in cluster.members:
        status = ask_etcd(member, "maintenance/status")
        if status["leader"] == status["header"]["member_id"]:
            return member
    raise AssertionError("no leader")


@contextmanager
def under_load(*servers):
    """Clients at work; afterwards all that was acknowledged is there, and watches have missed nothing."""
    load = Load(servers)
    watches = [WatchClient(*servers, after=load.begin) for _ in range(2)]
    load.start()
    load.wait(50)
    yield load
    load.wait(50)
    end = load.finish()
    history = load.check(servers[0])
    for watch in watches:
        watch.check(history, end)


@contextmanager
def cluster_under_load():
    """Three members, a server with two workers on them, clients at work."""
    with (
        EtcdCluster(3) as cluster,
        ServerProcess(*flags(*cluster.urls), "--workers=2") as server,
        under_load(server) as load,
    ):
        yield cluster, server, load


@pytest.mark.parametrize("rounds", [2, pytest.param(30, marks=soak)])
def test_etcd_is_killed_and_frozen_under_load(rounds):
    """The whole cluster at once."""
    with cluster_under_load() as (cluster, server, load):
        for number in range(rounds):
            if number % 2:
                for_all(cluster, EtcdServer.pause)
                time.sleep(0.5)
                for_all(cluster, EtcdServer.resume)
            else:
                restart(cluster)
            load.wait(50)
        assert "Traceback" not in server.log.read_text()


def for_all(cluster, action):
    for member in cluster.members:
        action(member)


def restart(cluster):
    """End all members, and start them again."""
    for action in (EtcdServer.crash, EtcdServer.start, EtcdServer.wait):
        for_all(cluster, action)


@pytest.mark.parametrize("rounds", [1, pytest.param(15, marks=soak)])
def test_a_leader_is_frozen_and_a_member_killed_under_load(rounds):
    """The other two elect another leader; the one that wakes up or comes back does not tell what it knew before."""
    with cluster_under_load() as (cluster, server, load):
        for number in range(rounds):
            frozen = leader(cluster)
            frozen.pause()
            load.wait(30)
            frozen.resume()
            load.wait(30)
            killed = cluster.members[number % 3]
            killed.crash()
            load.wait(30)
            killed.start()
            killed.wait()
            load.wait(30)
        assert "Traceback" not in server.log.read_text()


@soak
def test_kapi_and_etcd_are_killed_in_turn():
    with (
        EtcdCluster(3) as cluster,
        ServerProcess(*flags(*cluster.urls)) as first,
        ServerProcess(*flags(*cluster.urls)) as second,
        under_load(first, second) as load,
    ):
        for number in range(20):
            if number % 3 == 2:
                restart(cluster)
            else:
                server = (first, second)[number % 2]
                kill_all(server)
                server.start()
            load.wait(60)


def test_without_a_majority_clients_get_a_status_soon():
    with EtcdCluster(3) as cluster, ServerThread(*flags(*cluster.urls), "--controllers=") as server:
        assert server.request("POST", MAPS, config_map("before")).status == 201
        assert server.request("GET", f"{MAPS}/before").status == 200
        for member in cluster.members[:2]:
            member.kill()
        eventually(lambda: server.request("GET", f"{MAPS}/before", timeout=10).status == 503)
        began = time.monotonic()
        with ThreadPoolExecutor() as pool:
            reading = pool.submit(server.request, "GET", f"{MAPS}/before", timeout=10)
            asking = pool.submit(server.request, "GET", "/readyz", timeout=10)
            written = server.request("POST", MAPS, config_map("never"), timeout=10)
            read = reading.result()
            assert asking.result().status == 500
        assert time.monotonic() - began < 6
        for answer in (read, written):
            assert (answer.status, answer.json()["reason"]) == (503, "ServiceUnavailable")
            assert "storage is unavailable: etcd" in answer.json()["message"]
        assert read.headers["retry-after"] == "1"
        assert server.request("GET", f"{MAPS}/before?resourceVersion=0").status == 200
        cluster.members[0].start()
        cluster.members[0].wait()
        eventually(lambda: server.request("POST", MAPS, config_map("after"), timeout=10).status in (201, 409))
        assert server.request("GET", f"{MAPS}/before").status == 200


def test_a_full_etcd_refuses_writes_until_there_is_room_again():
    with EtcdServer(f"--quota-backend-bytes={4 << 20}") as etcd, ServerThread(*flags(etcd.url)) as server:
        answer, number = None, 0
        while answer is None or answer.status == 201:
            assert number < 100
            answer = server.request("POST", MAPS, config_map(f"m{number}", 200_000))
            number += 1
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "database space exceeded" in answer.json()["message"]
        assert server.request("GET", f"{MAPS}/m0").status == 200
        assert b"[-]etcd" in server.request("GET", "/readyz?verbose").body
        maps = b"/registry/configmaps/default/m"
        revision = int(ask_etcd(etcd, "kv/deleterange", key=maps, range_end=maps + b"\xff")["header"]["revision"])
        ask_etcd(etcd, "kv/compaction", revision=revision, physical=True)
        ask_etcd(etcd, "maintenance/defragment")
        [alarm] = ask_etcd(etcd, "maintenance/alarm", action="GET")["alarms"]
        ask_etcd(etcd, "maintenance/alarm", action="DEACTIVATE", **alarm)
        assert server.request("POST", MAPS, config_map("small")).status == 201
        eventually(lambda: server.request("GET", "/readyz").status == 200)


def test_a_server_of_the_list_that_never_answers_is_passed_over():
    with SilentServer() as silent, EtcdServer() as etcd:
        began = time.monotonic()
        with ServerThread(*flags(silent.url, etcd.url), "--controllers=") as server:
            assert time.monotonic() - began < 8
            assert server.request("POST", MAPS, config_map("a")).status == 201


@soak
def test_a_frozen_etcd_holds_nobody_up_for_long():
    """Requests end within the deadline of those to etcd, however many wait, and health says what is wrong."""
    with deployed("etcd3", "--controllers=") as deployment:
        server, etcd = deployment.server, deployment.etcd
        assert server.request("POST", MAPS, config_map("before")).status == 201
        assert server.request("GET", f"{MAPS}/before").status == 200
        etcd.pause()
        try:
            began = time.monotonic()
            paths = [f"{MAPS}/before", "/readyz", f"{MAPS}/before?resourceVersion=0", MAPS] * 5
            with ThreadPoolExecutor(len(paths)) as pool:
                answers = list(pool.map(lambda path: server.request("GET", path, timeout=20).status, paths))
            assert time.monotonic() - began < 12
            assert answers == [503, 500, 200, 503] * 5
        finally:
            etcd.resume()
        eventually(lambda: server.request("GET", MAPS).status == 200)
