"""The benchmarks run; how fast is their own affair (``make bench``)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = ["get", "get_rv0", "list_page", "list_all", "list_label", "create", "update", "patch", "apply", "watch"]


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_hot_function_runs():
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "benchmarks", "--benchmark-disable")
    assert re.search(r"\d\d passed", said)


def test_a_whole_server_is_measured():
    lines = run(
        "benchmarks/whole_server.py", "--objects=20", "--seconds=0.1", "--watchers=3", "--", "--storage-backend=memory"
    ).splitlines()
    assert [line.split()[0] for line in lines] == ROWS
    assert all(re.fullmatch(r"\w+ +\d+ /s +[\d.]+ us CPU +[\d.]+ ms p99", line) for line in lines)
