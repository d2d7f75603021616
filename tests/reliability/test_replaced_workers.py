"""A worker that takes the place of another may fail to start, for a while: the others go on."""

import os
import signal
import time

from server_processes import alive, eventually, one_client_for_each_process, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import MAPS


def test_a_worker_that_cannot_be_replaced_yet_does_not_end_the_others():
    with deployed("etcd3", "--storage-initialization-timeout=1s", workers=2) as deployment:
        server, etcd = deployment.server, deployment.etcd
        assert len(one_client_for_each_process(deployment)) == 2
        killed, spared = workers(server)
        etcd.kill()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: "storage-initialization-timeout" in server.log.read_text())
        time.sleep(0.5)
        assert alive(spared)
        assert server.process.poll() is None
        etcd.start()
        etcd.wait()
        eventually(lambda: len(one_client_for_each_process(deployment)) == 2)
        assert spared in workers(server)
        assert server.request("GET", MAPS).status == 200
