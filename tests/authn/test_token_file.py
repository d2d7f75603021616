import logging
from pathlib import Path

import pytest

from kapi.contracts.authn import UserInfo
from kapi_authn.token_file import TokenFileAuthenticator, TokenFileError, read_token_file


def read(folder: Path, text: str) -> dict[str, UserInfo]:
    path = folder / "tokens.csv"
    path.write_bytes(text.encode())
    return read_token_file(path)


def test_quoted_groups_are_split_and_an_empty_column_is_one_empty_group(tmp_path: Path) -> None:
    users = read(tmp_path, 'a,admin,u1,"system:masters"\nb,alice,u2,"dev,qa"\nc,bob,u3,""\nd,eve,u4\n')
    assert users["a"] == UserInfo("admin", "u1", ("system:masters",))
    assert users["b"].groups == ("dev", "qa")
    assert users["c"].groups == ("",)
    assert users["d"].groups == ()


def test_blank_rows_and_empty_tokens_are_passed_over(tmp_path: Path) -> None:
    assert list(read(tmp_path, "\n,nobody,u\r\nt,alice,u\r\n\r\n")) == ["t"]


def test_a_short_row_is_named_by_its_number_without_its_token(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match="row 2") as caught:
        read(tmp_path, "a,alice,u\ns3cret,bob\n")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ['a,b,c,"x', 'a,b,c,"x"y\n'])
def test_broken_quotes_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TokenFileError):
        read(tmp_path, text)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_bytes(b"\xff\xfe,a,b\n")
    with pytest.raises(TokenFileError):
        read_token_file(path)


def test_of_two_rows_with_one_token_the_later_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert read(tmp_path, "s3cret,alice,u\ns3cret,bob,u\n")["s3cret"].name == "bob"
    assert "row 2" in caplog.text
    assert "s3cret" not in caplog.text


async def test_only_whole_tokens_are_known() -> None:
    authenticator = TokenFileAuthenticator({"abc": UserInfo("alice")})
    response = await authenticator.authenticate_token("abc", ())
    assert response is not None
    assert response.user.name == "alice"
    for other in ("ab", "abcd", "ABC", "", "\udc80"):
        assert await authenticator.authenticate_token(other, ()) is None


def test_the_authenticator_keeps_no_token_in_clear() -> None:
    authenticator = TokenFileAuthenticator({"s3cret": UserInfo("alice")})
    assert "s3cret" not in repr(vars(authenticator))
