"""What ``kubectl get pods`` says about pods in every state."""

from datetime import UTC, datetime, timedelta

import pytest

from kapi_apigroups.printing.registry import find_printer

PODS = find_printer("", "pods")
NAME, READY, STATUS, RESTARTS, AGE, IP, NODE, NOMINATED, GATES = range(9)
RUNNING = {"running": {"startedAt": "2024-01-01T00:00:00Z"}}


def ago(**delta):
    return (datetime.now(UTC) - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def container(name="c", state=RUNNING, ready=False, restarts=0, **more):
    return {"name": name, "state": state, "ready": ready, "restartCount": restarts, **more}


def terminated(code, reason="", signal=0):
    end = {"exitCode": code, "startedAt": None, "finishedAt": None}
    return {"terminated": {**end, **({"reason": reason} if reason else {}), **({"signal": signal} if signal else {})}}


def waiting(reason):
    return {"waiting": {"reason": reason}}


def pod(containers=("c",), inits=(), spec=None, metadata=None, **status):
    return {
        "metadata": {"name": "p", "creationTimestamp": ago(minutes=5, seconds=1), **(metadata or {})},
        "spec": {
            "containers": [{"name": name} for name in containers],
            **(
                {"initContainers": [each if isinstance(each, dict) else {"name": each} for each in inits]}
                if inits
                else {}
            ),
            **(spec or {}),
        },
        "status": {"phase": "Pending", **status},
    }


def cells(obj):
    return PODS.cells(obj)


def test_pod_that_waits_for_a_node():
    row = cells(pod())
    assert row == ["p", "0/1", "Pending", "0", row[AGE], "<none>", "<none>", "<none>", "<none>"]
    assert row[AGE].startswith("5m")


def test_pod_that_runs():
    statuses = [container("c", ready=True, restarts=2), container("d", restarts=5)]
    addresses = [{"ip": "10.1.1.1"}, {"ip": "fd00::1"}]
    running = pod(("c", "d"), phase="Running", containerStatuses=statuses, podIPs=addresses, nominatedNodeName="m")
    running["spec"]["nodeName"] = "n"
    row = cells(running)
    assert row[READY:AGE] == ["1/2", "Running", "7"]
    assert row[IP:GATES] == ["10.1.1.1", "n", "m"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (waiting("CrashLoopBackOff"), "CrashLoopBackOff"),
        (terminated(0, "Completed"), "Completed"),
        (terminated(1, "Error"), "Error"),
        (terminated(4), "ExitCode:4"),
        (terminated(0), "ExitCode:0"),
        (terminated(137, signal=9), "Signal:9"),
        ({}, "Running"),
        ({"waiting": {}}, "Running"),
    ],
)
def test_reason_of_a_container_that_does_not_run(state, expected):
    assert cells(pod(phase="Running", containerStatuses=[container(state=state)]))[STATUS] == expected


def test_the_first_container_gives_the_reason():
    statuses = [container("c", waiting("First")), container("d", waiting("Second"))]
    assert cells(pod(("c", "d"), containerStatuses=statuses))[STATUS] == "First"


@pytest.mark.parametrize(("ready", "expected"), [("True", "Running"), ("False", "NotReady")])
def test_pod_that_is_completed_in_part(ready, expected):
    statuses = [container("c", terminated(0, "Completed")), container("d", ready=True)]
    conditions = [{"type": "Ready", "status": ready}]
    row = cells(pod(("c", "d"), phase="Running", containerStatuses=statuses, conditions=conditions))
    assert row[READY : STATUS + 1] == ["1/2", expected]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (waiting("PodInitializing"), "Init:0/2"),
        (waiting("ImagePullBackOff"), "Init:ImagePullBackOff"),
        (RUNNING, "Init:0/2"),
        (terminated(2), "Init:ExitCode:2"),
        (terminated(2, "OOMKilled"), "Init:OOMKilled"),
        (terminated(143, signal=15), "Init:Signal:15"),
    ],
)
def test_pod_held_up_by_its_first_init_container(state, expected):
    statuses = [container("i", state, restarts=3), container("j", waiting("Later"), restarts=4)]
    row = cells(pod(inits=("i", "j"), initContainerStatuses=statuses, containerStatuses=[container(restarts=9)]))
    assert row[READY:AGE] == ["0/1", expected, "3"]


def test_pod_held_up_by_its_second_init_container():
    statuses = [container("i", terminated(0)), container("j", RUNNING)]
    assert cells(pod(inits=("i", "j"), initContainerStatuses=statuses))[STATUS] == "Init:1/2"


def test_restarts_of_init_containers_do_not_count_once_they_are_done():
    row = cells(
        pod(
            inits=("i",),
            phase="Running",
            initContainerStatuses=[container("i", terminated(0), restarts=5)],
            containerStatuses=[container(ready=True, restarts=2)],
        )
    )
    assert row[READY:AGE] == ["1/1", "Running", "2"]


def test_sidecars_count_as_containers():
    sidecar = {"name": "s", "restartPolicy": "Always"}
    statuses = [container("s", ready=True, restarts=1, started=True)]
    running = pod(
        inits=(sidecar,),
        phase="Running",
        initContainerStatuses=statuses,
        containerStatuses=[container(ready=True, restarts=2)],
    )
    assert cells(running)[READY:AGE] == ["2/2", "Running", "3"]


def test_sidecar_that_has_not_started_holds_the_pod_up():
    sidecar = {"name": "s", "restartPolicy": "Always"}
    held_up = pod(inits=(sidecar, "i"), initContainerStatuses=[container("s", ready=True)])
    assert cells(held_up)[READY : STATUS + 1] == ["0/2", "Init:0/2"]


def test_initialized_pod_shows_its_containers_whatever_its_init_containers_do():
    row = cells(
        pod(
            inits=("i",),
            phase="Running",
            conditions=[{"type": "Initialized", "status": "True"}],
            initContainerStatuses=[container("i", RUNNING)],
            containerStatuses=[container(ready=True)],
        )
    )
    assert row[READY : STATUS + 1] == ["1/1", "Init:0/1"]


def test_time_of_the_last_restart():
    ends = [{"terminated": {"exitCode": 1, "finishedAt": ago(hours=hours, seconds=1)}} for hours in (60, 50)]
    statuses = [container(name, restarts=1, lastState=end) for name, end in zip("cd", ends, strict=True)]
    assert cells(pod(("c", "d"), containerStatuses=statuses))[RESTARTS] == "2 (2d2h ago)"


def test_reason_of_the_pod_goes_before_its_phase():
    assert cells(pod(phase="Failed", reason="Evicted"))[STATUS] == "Evicted"


def test_gated_pod():
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    assert cells(pod(conditions=conditions))[STATUS] == "SchedulingGated"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Running"}, "Terminating"),
        ({"phase": "Succeeded"}, "Succeeded"),
        ({"phase": "Running", "reason": "NodeLost"}, "Unknown"),
    ],
)
def test_pod_that_is_being_deleted(status, expected):
    assert cells(pod(metadata={"deletionTimestamp": ago(seconds=1)}, **status))[STATUS] == expected


def test_readiness_gates():
    gates = [{"conditionType": "a"}, {"conditionType": "b"}, {"conditionType": "c"}]
    conditions = [{"type": "a", "status": "True"}, {"type": "b", "status": "False"}]
    assert cells(pod(spec={"readinessGates": gates}, conditions=conditions))[GATES] == "1/3"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_finished_pods_are_marked(phase):
    (condition,) = PODS.conditions(pod(phase=phase))
    assert condition["type"] == "Completed"
    assert condition["reason"] == phase


def test_running_pods_are_not_marked():
    assert PODS.conditions(pod(phase="Running")) == []
