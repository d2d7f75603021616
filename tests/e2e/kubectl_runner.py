"""Runs the real kubectl, the one that is installed beside this interpreter."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT

from kapi.testing.server import LocalServer

KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"
MANIFESTS = Path(__file__).parent / "manifests"
PATIENCE = 30


class Kubectl:
    """kubectl against a server, in a namespace."""

    def __init__(
        self,
        server: LocalServer,
        cache: Path,
        namespace: str = "default",
        user: str = "",
        program: Path = KUBECTL,
    ) -> None:
        assert program.exists(), f"{program} is missing: install kapi[test]"
        self.program = program
        self.server, self.cache, self.namespace, self.user = server, cache, namespace, user

    def of(self, user: str) -> "Kubectl":
        """The same for another user."""
        return Kubectl(self.server, self.cache / user, self.namespace, user, self.program)

    def command(self, *words: str) -> list[str]:
        config = self.server.kubeconfig_of(self.user) if self.user else self.server.kubeconfig
        return [str(self.program), f"--kubeconfig={config}", f"--cache-dir={self.cache}", "-n", self.namespace, *words]

    def run(self, *words: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words), input=stdin, capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, **environment},
        )  # fmt: skip

    def __call__(self, *words: str, stdin: str = "", **environment: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*words, stdin=stdin, **environment)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def lines(self, *words: str, stdin: str = "", **environment: str) -> list[str]:
        return self(*words, stdin=stdin, **environment).splitlines()

    def refused(self, *words: str, stdin: str = "", code: int = 1) -> str:
        """Run a command that must fail; return what it complained about."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == code, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stderr

    @contextmanager
    def running(self, *words: str) -> Iterator[Iterator[str]]:
        """Run a command that goes on, such as a watch; gives the lines that it prints meanwhile."""
        process = subprocess.Popen(self.command(*words), stdout=PIPE, stderr=STDOUT, text=True)
        try:
            assert process.stdout
            yield (line.strip() for line in process.stdout)
        finally:
            process.kill()
            process.communicate()

    def field(self, what: str, path: str) -> str:
        """One value of an object."""
        return self("get", what, "-o", f"jsonpath={{{path}}}")
