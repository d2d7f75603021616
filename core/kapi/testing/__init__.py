"""For the tests of users and plugin authors: conformance suites and fixtures."""

import sys

_SUITES = (
    "kapi.testing.storage_lifecycle",
    "kapi.testing.storage_model",
    "kapi.testing.storage_peers",
    "kapi.testing.storage_reads",
    "kapi.testing.storage_scenario",
    "kapi.testing.storage_watches",
    "kapi.testing.storage_writes",
)

if "pytest" in sys.modules:
    # So that a failing assertion in a suite shows the values that it compared.
    sys.modules["pytest"].register_assert_rewrite(*_SUITES)
