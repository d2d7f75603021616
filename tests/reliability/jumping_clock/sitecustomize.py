"""Makes the wall clock of a Python process wrong, by as many seconds as a file says; the monotonic clock goes on.

Python imports it at its start if its folder is on PYTHONPATH. The file is the one that KAPI_TEST_CLOCK names.
"""

import os
import time
from pathlib import Path

_file = Path(os.environ["KAPI_TEST_CLOCK"])
_real = time.time
_real_ns = time.time_ns


def _seconds() -> float:
    return float(_file.read_text() or 0)


def _wrong() -> float:
    return _real() + _seconds()


def _wrong_ns() -> int:
    return _real_ns() + int(_seconds() * 1e9)


time.time = _wrong
time.time_ns = _wrong_ns
