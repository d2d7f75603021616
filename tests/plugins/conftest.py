from pathlib import Path

import pytest

from tiny_plugins import Workshop


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all servers, so that keys are made only once."""
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> Workshop:
    return Workshop(monkeypatch, data_folder)
