import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.authn.bearer import EXTRA_SPACE_WARNING, Bearer, parse_authorization


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer abc", Bearer("abc")),
        ("bearer abc", Bearer("abc")),
        ("BEARER abc", Bearer("abc")),
        (" Bearer abc ", Bearer("abc")),
        ("Bearer abc extra", Bearer("abc")),
        ("Bearer Bearer abc", Bearer("Bearer")),
        ("Bearer  abc", Bearer(warning=EXTRA_SPACE_WARNING)),
        ("Bearer", Bearer()),
        ("Bearer ", Bearer()),
        ("", Bearer()),
        ("abc", Bearer()),
        ("Bearer\tabc", Bearer()),
        ("Basic YWRtaW46YWRtaW4=", Bearer()),
        ("Token abc", Bearer()),
        ('Digest username="admin"', Bearer()),
    ],
)
def test_headers_are_read_as_kube_apiserver_reads_them(header: str, expected: Bearer) -> None:
    assert parse_authorization(header) == expected


@given(st.text(st.characters(codec="latin-1")))
def test_a_token_never_holds_a_space(header: str) -> None:
    assert " " not in parse_authorization(header).token


@given(st.from_regex(r"[A-Za-z0-9._~+/=-]+", fullmatch=True))
def test_every_token_of_the_rfc_is_found(token: str) -> None:
    assert parse_authorization(f"Bearer {token}") == Bearer(token)
