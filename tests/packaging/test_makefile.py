"""The two commands of the README, as far as they can be tried without a network."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def dry_run(*words: str) -> str:
    """Return what make would do; the tests themselves may run under make, whose flags are not for this one."""
    command = ["make", "--always-make", "--dry-run", *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_make_serve_installs_and_runs():
    text = dry_run("serve", "FLAGS=--secure-port=7443")
    assert "-m venv .venv" in text
    assert "pip install" in text
    assert text.rstrip().endswith(".venv/bin/kapi serve --secure-port=7443")


@pytest.mark.parametrize(
    "command",
    ["python tests/e2e/real_clients.py", "ruff check .", "ruff format --check .", "mypy", "lint-imports", "pytest"],
)
def test_make_test_runs_every_check(command):
    assert f".venv/bin/{command}" in dry_run("test")


def test_make_soak_runs_what_make_test_leaves_out():
    assert ".venv/bin/pytest -q -m soak" in dry_run("soak")
    assert '-m "not soak"' in (ROOT / "setup.cfg").read_text()


def test_make_bench_measures_functions_and_a_server():
    text = dry_run("bench", "BENCH=--workers=2")
    assert ".venv/bin/pytest -q benchmarks" in text
    assert text.rstrip().endswith("benchmarks/whole_server.py --workers=2")


def test_ci_runs_make_test_and_passes_its_failure_on():
    text = (ROOT / ".ci" / "run").read_text()
    assert "set -eu" in text
    assert "\nmake test\n" in text
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "make serve" in text
    assert "make test" in text
