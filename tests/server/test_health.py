import pytest

from kapi.contracts.server import HealthCheck
from kapi.server.health import HealthEndpoints
from kapi.server.lifecycle import Lifecycle


async def good() -> None:
    return None


async def bad() -> None:
    raise ConnectionError("no quorum")


def endpoints(*extra: HealthCheck) -> HealthEndpoints:
    return HealthEndpoints([HealthCheck("etcd", good), HealthCheck("late", good, livez=False), *extra])


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/livez/ping", "/readyz/etcd", "/readyz/late"])
async def test_all_is_well(path):
    assert await endpoints().answer(path, "") == (200, "ok")


@pytest.mark.parametrize("path", ["/livez/nope", "/healthz/", "/livez/late", "/livez/ping/more"])
async def test_unknown_checks(path):
    assert await endpoints().answer(path, "") == (404, "404 page not found\n")


async def test_verbose_lists_the_checks():
    assert await endpoints().answer("/readyz", "verbose") == (
        200,
        "[+]ping ok\n[+]etcd ok\n[+]late ok\nreadyz check passed\n",
    )


async def test_a_single_check_is_never_verbose():
    assert await endpoints().answer("/livez/ping", "verbose") == (200, "ok")


async def test_excluded_checks_are_not_run():
    checks = endpoints(HealthCheck("disk", bad))
    assert await checks.answer("/livez", "exclude=disk") == (200, "ok")
    assert await checks.answer("/livez", "exclude=disk&exclude=etcd&verbose=1") == (
        200,
        "[+]ping ok\n[+]etcd excluded: ok\n[+]disk excluded: ok\nlivez check passed\n",
    )


async def test_excluding_what_is_not_there_is_told():
    _, text = await endpoints().answer("/livez", "exclude=x&exclude=y&verbose")
    assert 'warn: some health checks cannot be excluded: no matches for "x", "y"\n' in text


async def test_a_failure_is_told_without_its_reason():
    status, text = await endpoints(HealthCheck("disk", bad)).answer("/healthz", "")
    assert (status, text) == (
        500,
        "[+]ping ok\n[+]etcd ok\n[-]disk failed: reason withheld\nhealthz check failed\n",
    )


async def test_a_single_failing_check_tells_its_reason():
    checks = endpoints(HealthCheck("disk", bad))
    assert await checks.answer("/readyz/disk", "") == (500, "internal server error: no quorum\n")


async def test_readyz_fails_once_the_end_was_asked_for():
    lifecycle = Lifecycle()
    checks = endpoints(HealthCheck("shutdown", lifecycle.check_shutdown, livez=False))
    assert (await checks.answer("/readyz", ""))[0] == 200
    lifecycle.shutdown_initiated.set()
    assert (await checks.answer("/readyz", ""))[0] == 500
    assert (await checks.answer("/livez", ""))[0] == 200
    assert await checks.answer("/readyz/shutdown", "") == (500, "internal server error: process is shutting down\n")


def test_two_checks_of_one_name_are_refused():
    with pytest.raises(ValueError, match="exists already"):
        endpoints(HealthCheck("ping", good))


@pytest.mark.parametrize(("path", "mine"), [("/livez", True), ("/readyz/etcd", True), ("/livezz", False), ("/", False)])
def test_knows_its_paths(path, mine):
    assert endpoints().handles(path) is mine
