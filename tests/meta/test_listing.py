import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.listing import (
    ContinueTokens,
    ExpiredContinueError,
    parse_list_options,
)
from kapi.meta.query import parse_query

PREFIX = "/registry/configmaps/"
TOKENS = ContinueTokens(lambda: b"secret", PREFIX)


def encoded(fields):
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def refusal(query):
    with pytest.raises(StatusError) as caught:
        parse_list_options(parse_query(query))
    return caught.value


def test_options_are_read():
    options = parse_list_options(
        parse_query(
            "labelSelector=a%3Db&fieldSelector=metadata.name%3Dx&limit=5&resourceVersion=7&timeoutSeconds=9&continue="
        )
    )
    assert options.label_selector.matches({"a": "b"})
    assert options.field_selector.exact("metadata.name") == "x"
    assert (options.limit, options.resource_version, options.timeout_seconds, options.watch) == (5, "7", 9, False)


def test_negative_limits_count_as_none():
    assert parse_list_options(parse_query("limit=-1")).limit == 0


def test_only_the_first_value_counts():
    assert parse_list_options(parse_query("limit=1&limit=abc")).limit == 1


def test_watch_is_on_unless_it_says_no():
    assert parse_list_options(parse_query("watch=maybe")).watch
    assert not parse_list_options(parse_query("watch=0")).watch


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("resourceVersionMatch=Exact", ["resourceVersionMatch is forbidden unless resourceVersion is provided"]),
        (
            "resourceVersion=0&resourceVersionMatch=Exact",
            ['resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
        ),
        ("resourceVersion=5&resourceVersionMatch=exact", ['"exact": supported values: "Exact", "NotOlderThan", ""']),
        (
            "continue=x&resourceVersion=5&resourceVersionMatch=NotOlderThan",
            ["resourceVersionMatch is forbidden when continue is provided"],
        ),
        ("sendInitialEvents=true", ["sendInitialEvents is forbidden for list"]),
        (
            "watch=1&resourceVersionMatch=Exact&resourceVersion=5",
            [
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                'Unsupported value: "Exact": supported values: "NotOlderThan"',
            ],
        ),
        ("watch=1&sendInitialEvents=no", ["sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"]),
        ("watch=1&continue=abc", ["resourceVersionMatch is forbidden when continue is provided"]),
    ],
)
def test_contradictions_are_refused(query, errors):
    error = refusal(query)
    assert error.code == 422
    assert error.details["kind"] == "ListOptions"
    causes = error.details["causes"]
    assert len(causes) == len(errors)
    assert all(cause["message"].endswith(text) for cause, text in zip(causes, errors, strict=True))


def test_streaming_lists_are_allowed():
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0"
    assert parse_list_options(parse_query(query)).send_initial_events is True


@given(
    st.text(alphabet="abc-.", min_size=1, max_size=10).filter(lambda n: n not in (".", "..")), st.integers(1, 1 << 60)
)
def test_tokens_come_back(name, revision):
    key = f"{PREFIX}ns/{name}\0"
    assert TOKENS.decode(TOKENS.encode(key, revision)) == (key, revision)


@given(st.integers(1, 1 << 60), st.data())
def test_changed_tokens_are_refused(revision, data):
    token = TOKENS.encode(f"{PREFIX}ns/a\0", revision)
    fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    name = data.draw(st.sampled_from(["rv", "start", "mac"]))
    changed = {"rv": revision + 1, "start": "ns/b", "mac": data.draw(st.one_of(st.none(), st.text(max_size=16)))}
    with pytest.raises(StatusError, match="it was changed, or is not of this server"):
        TOKENS.decode(encoded({**fields, name: changed[name]}))


@pytest.mark.parametrize("start", ["ns/a", "ns/\ud800", "/ns/a"])
def test_made_up_tokens_are_refused(start):
    with pytest.raises(StatusError) as caught:
        TOKENS.decode(encoded({"v": "meta.k8s.io/v1", "rv": 5, "start": start}))
    assert caught.value.code == 400


def test_tokens_of_servers_with_another_secret_are_refused():
    with pytest.raises(StatusError, match="not of this server"):
        ContinueTokens(lambda: b"another", PREFIX).decode(TOKENS.encode(f"{PREFIX}ns/a", 5))


def test_tokens_need_a_key_below_the_prefix():
    with pytest.raises(ValueError, match="do not match"):
        TOKENS.encode("/registry/secrets/x", 5)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("abc", "invalid character 'i' looking for beginning of value"),
        ("%%", "illegal base64 data at input byte 0"),
        ("aGVsbG8", "invalid character 'h' looking for beginning of value"),
        ("e30", "server does not recognize this encoded version "),
        ("eyJ2IjoidjkiLCJydiI6MSwic3RhcnQiOiJhIn0", "server does not recognize this encoded version v9"),
        (
            "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhIn0",
            "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
        ),
        ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NX0", "encoded start key empty (version meta.k8s.io/v1)"),
        ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiIuLi8uLi9zZWNyZXRzIn0", "../../secrets"),
    ],
)
def test_bad_tokens_are_refused(token, problem):
    with pytest.raises(StatusError) as caught:
        TOKENS.decode(token)
    assert caught.value.code == 400
    assert caught.value.message == f"invalid continue token: continue key is not valid: {problem}"


@given(st.text(alphabet="eyJ0123456789abcXYZ-_=", max_size=30))
def test_no_token_leaves_the_prefix(token):
    key = PREFIX
    with contextlib.suppress(StatusError):
        key, _ = TOKENS.decode(token)
    assert key.startswith(PREFIX)


def test_expired_tokens_offer_another():
    status = ExpiredContinueError("again").status()
    assert (status["code"], status["reason"], status["metadata"]) == (410, "Expired", {"continue": "again"})
