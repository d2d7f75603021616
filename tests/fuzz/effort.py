"""How hard to look: hypothesis settings that keep the time of a run in bounds.

``KAPI_FUZZ=20`` looks twenty times as hard, at other examples each time.
"""

import os

from hypothesis import HealthCheck, settings

EFFORT = int(os.environ.get("KAPI_FUZZ", "0"))


def bounded(examples: int) -> settings:
    """Settings of a test that takes a request or a few per example."""
    return settings(
        max_examples=examples * max(EFFORT, 1), derandomize=EFFORT == 0, deadline=None, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
