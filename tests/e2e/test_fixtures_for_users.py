"""The fixture that kapi offers to the tests of others."""

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest

pytest_plugins = ["kapi.testing.fixtures"]

@pytest.fixture(scope="session")
def kapi_server_flags():
    return ["--storage-backend=memory"]

@pytest.fixture(scope="session")
def kapi_server_users():
    return {"jane": ["dev"]}
"""

TEST = """
def test_namespaces(kapi_server):
    assert kapi_server.request("GET", "/api/v1/namespaces").status == 200
    assert kapi_server.request("GET", "/api/v1/namespaces", user="jane").status == 403
    assert not (kapi_server.data_dir / "kapi.db").exists()
"""


def test_the_fixture_works_with_a_line_in_conftest(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TEST)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
