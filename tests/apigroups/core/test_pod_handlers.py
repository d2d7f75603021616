import pytest

from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi_apigroups.core.bindings import BindingHandler
from kapi_apigroups.core.evictions import EvictionHandler
from kapi_apigroups.core.pod_connections import LogHandler, PodProxyHandler, StreamHandler
from kapi_apigroups.core.resources import DISRUPTION_BUDGETS, NODES, PODS
from kapi_apigroups.core.service_connections import ServiceProxyHandler


@pytest.fixture
async def pod(client):
    async def make(name="p", phase="Pending", **spec):
        body = {
            "metadata": {"name": name, "namespace": "ns", "labels": {"app": "x"}},
            "spec": {"containers": [{"name": "c"}], **spec},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}]},
        }
        return await client.create(PODS, body, "ns")

    return make


def binding(name="p", target=None, **metadata):
    return {"metadata": {"name": name, **metadata}, "target": {"name": "n1"} if target is None else target}


async def refusal(awaitable) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await awaitable
    return caught.value


async def test_binding_assigns_the_node_and_says_so(client, make_context, pod):
    await pod()
    answer = await BindingHandler().create(make_context("p"), binding(annotations={"a": "b"}))
    assert (answer["status"], answer["code"]) == ("Success", 201)
    stored = await client.get(PODS, "p", "ns")
    assert stored["spec"]["nodeName"] == "n1"
    assert stored["metadata"]["annotations"] == {"a": "b"}
    assert stored["status"]["conditions"][-1]["type"] == "PodScheduled"


async def test_a_pod_is_bound_once(make_context, pod):
    await pod(nodeName="n0")
    error = await refusal(BindingHandler().create(make_context("p"), binding()))
    assert error.code == 409
    assert 'pods/binding "p": pod p is already assigned to node "n0"' in error.message


async def test_gated_pods_are_not_bound(make_context, pod):
    await pod(schedulingGates=[{"name": "g"}])
    error = await refusal(BindingHandler().create(make_context("p"), binding()))
    assert error.message.endswith("pod p has non-empty .spec.schedulingGates")


async def test_a_dry_binding_changes_nothing(client, make_context, pod):
    await pod()
    await BindingHandler().create(make_context("p", dry_run=True), binding())
    assert "nodeName" not in (await client.get(PODS, "p", "ns"))["spec"]


async def test_binding_checks_name_and_target(make_context):
    assert (await refusal(BindingHandler().create(make_context("p"), binding("q")))).code == 400
    error = await refusal(BindingHandler().create(make_context("p"), binding(target={"kind": "Pod"})))
    assert error.code == 500
    assert error.message == (
        '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]'
    )


def budget(**status):
    return {
        "metadata": {"name": "b", "namespace": "ns", "generation": 1},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
        "status": {"observedGeneration": 1, "currentHealthy": 2, "desiredHealthy": 1, **status},
    }


async def evict(ctx: RequestContext, **options):
    return await EvictionHandler().create(ctx, {"metadata": {"name": ctx.name}, "deleteOptions": options})


async def test_pods_without_budget_are_evicted(client, make_context, pod):
    await pod(phase="Running")
    assert (await evict(make_context("p")))["status"] == "Success"
    assert (await refusal(client.get(PODS, "p", "ns"))).reason == "NotFound"


async def test_a_budget_pays_for_an_eviction(client, make_context, pod):
    await pod(phase="Running")
    await client.create(DISRUPTION_BUDGETS, budget(disruptionsAllowed=1), "ns")
    await evict(make_context("p"))
    status = (await client.get(DISRUPTION_BUDGETS, "b", "ns"))["status"]
    assert status["disruptionsAllowed"] == 0
    assert list(status["disruptedPods"]) == ["p"]
    assert status["conditions"][0]["reason"] == "InsufficientPods"


@pytest.mark.parametrize(
    ("status", "cause", "retry"),
    [
        ({"observedGeneration": 0}, "The disruption budget b is still being processed by the server.", "10"),
        ({"currentHealthy": 1}, "The disruption budget b needs 1 healthy pods and has 1 currently", None),
        ({"currentHealthy": 2}, "The disruption budget b does not allow evicting pods currently", None),
    ],
)
async def test_an_exhausted_budget_refuses(client, make_context, pod, status, cause, retry):
    await pod(phase="Running")
    await client.create(DISRUPTION_BUDGETS, budget(**status), "ns")
    error = await refusal(evict(make_context("p")))
    assert error.code == 429
    assert error.details["causes"][0]["message"] == cause
    assert error.headers.get("Retry-After") == retry
    assert await client.get(PODS, "p", "ns")


async def test_pending_pods_ignore_budgets_and_two_budgets_are_an_error(client, make_context, pod):
    await pod("waiting")
    await pod("p", phase="Running")
    for name in ("b", "c"):
        one = budget()
        one["metadata"]["name"] = name
        await client.create(DISRUPTION_BUDGETS, one, "ns")
    assert (await evict(make_context("waiting")))["status"] == "Success"
    assert (await refusal(evict(make_context("p")))).code == 500


async def test_dry_runs_and_preconditions_of_evictions(client, make_context, pod):
    await pod(phase="Running")
    await client.create(DISRUPTION_BUDGETS, budget(disruptionsAllowed=1), "ns")
    await evict(make_context("p"), dryRun=["All"])
    assert (await client.get(DISRUPTION_BUDGETS, "b", "ns"))["status"]["disruptionsAllowed"] == 1
    error = await refusal(evict(make_context("p"), preconditions={"uid": "other"}))
    assert error.code == 409
    assert error.details["kind"] == "Pod"
    assert await client.get(PODS, "p", "ns")


@pytest.fixture
def racing(monkeypatch, client):
    """Each pod changes once between the look at it and the deletion."""
    plain, raced = client.update, set()

    async def update(resource, name, change, namespace="", **options):
        if resource == PODS and name not in raced:
            raced.add(name)
            await plain(resource, name, lambda pod: pod, namespace)
        return await plain(resource, name, change, namespace, **options)

    monkeypatch.setattr(client, "update", update)
    return client


async def test_a_pending_pod_that_changes_is_looked_at_again(racing, make_context, pod):
    await pod(phase="Pending")
    assert (await evict(make_context("p")))["status"] == "Success"
    assert (await refusal(racing.get(PODS, "p", "ns"))).reason == "NotFound"


async def test_a_pod_that_may_go_unhealthy_goes_only_as_it_is(racing, make_context, pod):
    await pod(phase="Running")
    racing.informer(PODS).get("p", "ns")["status"]["conditions"] = []
    await racing.create(DISRUPTION_BUDGETS, budget(), "ns")
    error = await refusal(evict(make_context("p")))
    assert (error.code, error.headers["Retry-After"]) == (429, "10")
    assert error.details["causes"][0]["message"] == ("The disruption budget b is still being processed by the server.")
    assert (await evict(make_context("p")))["status"] == "Success"


async def test_a_version_that_the_eviction_names_is_enforced(racing, make_context, pod):
    made = await pod(phase="Running")
    error = await refusal(
        evict(make_context("p"), preconditions={"resourceVersion": made["metadata"]["resourceVersion"]})
    )
    assert error.code == 409
    assert await racing.get(PODS, "p", "ns")


async def test_logs_of_pods_without_node_are_empty(make_context, pod):
    await pod()
    assert await LogHandler().connect(make_context("p")) is None


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"tailLines": "-1"}, 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "1", "sinceTime": "2020-01-01T00:00:00Z"}, 422, "at most one of"),
        ({"stream": "Stdout"}, 422, "stream: Forbidden: may not be specified"),
        ({"tailLines": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ({"tailLines": "9" * 30}, 400, "value out of range"),
        ({"container": "zz"}, 400, "container zz is not valid for pod p"),
    ],
)
async def test_bad_log_options(make_context, pod, options, code, text):
    await pod()
    error = await refusal(LogHandler().connect(make_context("p", options=options)))
    assert error.code == code
    assert text in error.message


async def test_several_containers_need_a_choice(make_context, pod):
    await pod(containers=[{"name": "c"}, {"name": "d"}], initContainers=[{"name": "i"}])
    error = await refusal(LogHandler().connect(make_context("p")))
    assert error.message == "a container name must be specified for pod p, choose one of: [i c d]"


async def test_streams_need_a_node_that_can_be_reached(client, make_context, pod):
    await pod()
    error = await refusal(StreamHandler().connect(make_context("p")))
    assert error.message == "pod p does not have a host assigned"
    await pod("q", nodeName="n")
    assert (await refusal(StreamHandler().connect(make_context("q")))).code == 404
    await client.create(NODES, {"metadata": {"name": "n"}, "status": {}})
    assert (await refusal(StreamHandler().connect(make_context("q")))).code == 500


async def test_proxies_say_why_not(make_context, pod):
    await pod()
    assert (await refusal(PodProxyHandler().connect(make_context("http:p:80")))).message == "address not allowed"
    error = await refusal(ServiceProxyHandler().connect(make_context("ftp:s:alt")))
    assert error.message == 'invalid service request "ftp:s:alt"'
    assert (await refusal(ServiceProxyHandler().connect(make_context("s")))).code == 404
