import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kapi.contracts.storage import Capabilities, KeyValue
from kapi.endpoints.requestinfo import parse_request_info
from kapi.server.cells import CAPACITY, LocalCells, SeriesKey, SharedCells, forget_workers
from kapi.server.exposition import expose
from kapi.server.measured_storage import MeasuredBackend
from kapi.server.metrics import MOST_SERIES, Metrics
from kapi.server.request_metrics import RequestMetrics, storage_latency


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(expose(metrics).decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def total(metrics: Metrics, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (sample, has), value in samples(metrics).items() if sample == name and wanted <= set(has))


def test_counters_gauges_and_histograms_are_shown():
    metrics = Metrics()
    metrics.counter("things", "Things.", ("kind",)).add(("a",), 2)
    gauge = metrics.gauge("level", "Level.")
    gauge.add((), 5)
    gauge.set((), 3)
    sizes = metrics.histogram("size", "Size.", (), (1.0, 10.0))
    for value in (0.5, 1.0, 5.0, 50.0):
        sizes.observe((), value)
    assert total(metrics, "things_total", kind="a") == 2
    assert total(metrics, "level") == 3
    assert total(metrics, "size_bucket", le="1") == 2
    assert total(metrics, "size_bucket", le="10") == 3
    assert total(metrics, "size_bucket", le="+Inf") == total(metrics, "size_count") == 4
    assert total(metrics, "size_sum") == 56.5


def test_a_gauge_can_be_read_when_it_is_asked_for():
    metrics = Metrics()
    metrics.read_gauge("objects", "Objects.", ("resource",), lambda: {("pods",): 7.0})
    assert total(metrics, "objects", resource="pods") == 7


def test_process_metrics_are_there():
    assert total(Metrics(), "process_resident_memory_bytes") > 10**6


def test_a_name_is_declared_once():
    metrics = Metrics()
    metrics.counter("x", ".")
    with pytest.raises(ValueError, match="declared twice"):
        metrics.gauge("x", ".")


def test_what_a_client_makes_up_cannot_make_series_without_end():
    metrics = Metrics()
    counter = metrics.counter("made_up", ".", ("what",))
    for number in range(MOST_SERIES + 100):
        counter.add((str(number),))
    series = dict((metric.name, series) for metric, series in metrics.totals())["made_up"]
    assert len(series) == MOST_SERIES + 1
    assert series[("other",)] == [100.0]


def test_workers_add_up_and_a_successor_goes_on(tmp_path):
    workers = [Metrics(SharedCells(tmp_path, number)) for number in range(3)]
    for number, metrics in enumerate(workers):
        metrics.counter("requests", ".", ("code",)).add(("200",), number + 1)
        metrics.gauge("busy", ".").add((), 1)
    assert total(workers[0], "requests_total") == 6
    assert total(workers[0], "busy") == 3
    workers[2].cells.close()
    successor = Metrics(SharedCells(tmp_path, 2))
    requests, busy = successor.counter("requests", ".", ("code",)), successor.gauge("busy", ".")
    busy.add((), 0)
    requests.add(("200",))
    assert total(workers[0], "requests_total") == 7
    assert total(workers[0], "busy") == 2


def test_the_files_of_an_earlier_run_are_forgotten(tmp_path):
    Metrics(SharedCells(tmp_path, 0)).counter("x", ".").add(())
    forget_workers(tmp_path)
    metrics = Metrics(SharedCells(tmp_path, 0))
    metrics.counter("x", ".").add(())
    assert total(metrics, "x_total") == 1


def test_only_living_workers_are_asked_for_their_memory(tmp_path):
    cells = SharedCells(tmp_path, 0)
    (tmp_path / "metrics-1.pid").write_text("999999999")
    assert cells.pids() == (os.getpid(),)


def test_half_a_line_of_another_worker_is_left_for_later(tmp_path):
    cells = SharedCells(tmp_path, 0)
    cells.allocate(SeriesKey("a", ()), 1)
    with (tmp_path / "metrics-0.keys").open("ab") as file:
        file.write(b'["b", [], 70')
    assert [key.metric for key, _ in cells.read()] == ["a"]


def test_a_full_file_loses_counts_not_requests(tmp_path):
    cells = SharedCells(tmp_path, 0)
    cells.allocate(SeriesKey("big", ()), CAPACITY - 100)
    assert cells.allocate(SeriesKey("more", ()), 50) == 0
    cells.values[0] += 1.0
    assert [key.metric for key, _ in cells.read()] == ["big"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=30))
def test_shared_and_local_cells_count_alike(tmp_path_factory, observed):
    folder = tmp_path_factory.mktemp("cells")
    results = []
    for cells in (LocalCells(), SharedCells(folder, 0)):
        histogram = Metrics(cells).histogram("h", ".", ("l",))
        for label, value in observed:
            histogram.observe((label,), value)
        results.append({key: list(numbers) for key, numbers in cells.read()})
        cells.close()
    assert results[0] == results[1]


def answered(metrics: Metrics, method: str, path: bytes, code: int = 200, *, stays: bool = False, **more) -> None:
    recorder = more.get("recorder") or RequestMetrics(metrics, lambda g, v, r, s: r in ("pods", "configmaps"))
    info = parse_request_info(method, path, more.get("query", b""))
    recorder.end(recorder.begin(info, stays), info, more.get("apply", False), code, 0.01)


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", b"/api/v1/namespaces/n/pods/p", {"verb": "GET", "scope": "resource", "resource": "pods"}),
        ("GET", b"/api/v1/namespaces/n/pods", {"verb": "LIST", "scope": "namespace", "version": "v1"}),
        ("GET", b"/api/v1/pods", {"verb": "LIST", "scope": "cluster"}),
        ("POST", b"/api/v1/namespaces/n/pods", {"verb": "POST", "scope": "resource"}),
        ("DELETE", b"/api/v1/namespaces/n/pods", {"verb": "DELETECOLLECTION", "scope": "namespace"}),
        ("GET", b"/api/v1/namespaces/n/pods/p/status", {"verb": "GET", "subresource": "status"}),
        ("GET", b"/api/v1/namespaces/n/secretz/p", {"resource": "other", "group": "other"}),
        ("GET", b"/readyz/ping", {"verb": "GET", "resource": "", "subresource": "/readyz", "scope": ""}),
        ("GET", b"/made/up", {"subresource": "other"}),
        ("BREW", b"/version", {"verb": "other"}),
    ],
)
def test_requests_are_counted_by_what_they_are(method, path, labels):
    metrics = Metrics()
    answered(metrics, method, path)
    assert total(metrics, "apiserver_request_total", code="200", component="apiserver", **labels) == 1
    assert total(metrics, "apiserver_request_duration_seconds_count", **labels) == 1


def test_apply_and_dry_run_are_told_apart():
    metrics = Metrics()
    answered(metrics, "PATCH", b"/api/v1/namespaces/n/pods/p", apply=True, query=b"dryRun=All")
    assert total(metrics, "apiserver_request_total", verb="APPLY", dry_run="All") == 1


def test_requests_under_way_are_counted():
    metrics = Metrics()
    recorder = RequestMetrics(metrics, lambda *_: True)
    get, watch = parse_request_info("GET", b"/api/v1/pods"), parse_request_info("GET", b"/api/v1/pods", b"watch=1")
    begun = recorder.begin(get, False)
    long = recorder.begin(watch, True)
    assert total(metrics, "apiserver_current_inflight_requests", request_kind="readOnly") == 1
    assert total(metrics, "apiserver_longrunning_requests", verb="WATCH", resource="pods") == 1
    recorder.end(begun, get, False, 200, 0.1)
    recorder.end(long, watch, False, 200, 0.1)
    assert total(metrics, "apiserver_current_inflight_requests") == 0
    assert total(metrics, "apiserver_longrunning_requests") == 0


def test_made_up_requests_make_a_bounded_number_of_series():
    metrics = Metrics()
    recorder = RequestMetrics(metrics, lambda g, v, r, s: False)
    for number in range(500):
        path = f"/apis/g{number}/v{number}/namespaces/n/r{number}/x/s{number}".encode()
        answered(metrics, f"M{number}", path, 404, recorder=recorder)
        answered(metrics, "GET", f"/p{number}".encode(), 404, recorder=recorder)
    series = {metric.name: found for metric, found in metrics.totals()}
    assert len(series["apiserver_request"]) == 2


class FakeBackend:
    capabilities = Capabilities(multi_process=True)

    async def get(self, key: str) -> KeyValue | None:
        return KeyValue(key, b"x", 1)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        raise ConnectionError


async def test_storage_operations_are_measured_also_when_they_fail():
    metrics = Metrics()
    backend = MeasuredBackend(FakeBackend(), storage_latency(metrics), "/registry/")
    await backend.get("/registry/pods/n/p")
    with pytest.raises(ConnectionError):
        await backend.create("/registry/example.com/widgets/n/w", b"")
    name = "etcd_request_duration_seconds_count"
    assert total(metrics, name, operation="get", resource="pods", group="") == 1
    assert total(metrics, name, operation="create", resource="widgets", group="example.com") == 1
