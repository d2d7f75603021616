"""The secret of continue tokens: one for all servers with the same key, another for every other."""

import pytest

from kapi.server.continue_secret import ContinueSecret


def test_servers_with_one_key_share_it(tmp_path):
    key = tmp_path / "sa.key"
    key.write_bytes(b"a key")
    first, second = ContinueSecret(key)(), ContinueSecret(key)()
    assert first == second
    assert len(first) == 32
    assert b"a key" not in first


def test_other_keys_make_others(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_bytes(path.name.encode())
    assert len({ContinueSecret(path)() for path in paths}) == 2


def test_without_a_key_it_is_this_processs_own():
    mine = ContinueSecret(None)
    assert mine() == mine() != ContinueSecret(None)()


def test_a_key_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ContinueSecret(tmp_path / "missing")()
