from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.config.flags import FlagTable, core_table
from kapi.config.parse import FlagError, HelpRequested, parse_flags, peek
from kapi.contracts.plugins import Option

TABLE = FlagTable(
    [
        Option("name", "string", "", "."),
        Option("on", "bool", False, "."),
        Option("count", "int", 1, "."),
        Option("share", "float", 0.0, "."),
        Option("wait", "duration", 1.0, ".", check=lambda value: None if value > 0 else "must be positive"),
        Option("words", "strings", ("a", "b"), "."),
        Option("pairs", "array", (), "."),
        Option("file", "path", None, "."),
        Option("labels", "map", {}, "."),
        Option("v", "int", 0, "."),
        Option("old", "string", "", ".", deprecated="use --name"),
        Option("later", "bool", False, ".", planned=True),
    ]
)


def values(*argv):
    return parse_flags(argv, TABLE)[0]


def errors(*argv):
    with pytest.raises(FlagError) as caught:
        parse_flags(argv, TABLE)
    return list(caught.value.errors)


@pytest.mark.parametrize(
    ("argv", "name", "value"),
    [
        (["--name=x"], "name", "x"),
        (["--name", "x"], "name", "x"),
        (["--name="], "name", ""),
        (["--name", "--on"], "name", "--on"),
        (["--on"], "on", True),
        (["--on=false"], "on", False),
        (["--on", "--on=F"], "on", False),
        (["--count", "-3"], "count", -3),
        (["--share=.5"], "share", 0.5),
        (["--wait=1m30s"], "wait", 90.0),
        (["--words=x,y", "--words", "z"], "words", ("x", "y", "z")),
        (['--words="x,1",y'], "words", ("x,1", "y")),
        (["--words="], "words", ()),
        (["--pairs=a,b", "--pairs=c"], "pairs", ("a,b", "c")),
        (["--file=/a/b"], "file", Path("/a/b")),
        (["--file="], "file", None),
        (["--labels=a=1,b=2", "--labels=a=3"], "labels", {"a": "3", "b": "2"}),
        (["-v2"], "v", 2),
        (["-v=3"], "v", 3),
        (["-v", "4"], "v", 4),
        (["--v=5"], "v", 5),
    ],
)
def test_reads_values_as_pflag_does(argv, name, value):
    assert values(*argv)[name] == value


def test_underscores_are_dashes():
    assert parse_flags(["--secure_port=1"], core_table())[0]["secure-port"] == 1


def test_defaults_stand_for_flags_that_are_not_given():
    options = values("--on")
    assert (options["words"], options["count"], options.given) == (("a", "b"), 1, {"on"})


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nmae=x"], "unknown flag: --nmae (did you mean --name?)"),
        (["--zzzzzz"], "unknown flag: --zzzzzz (kapi serve --help lists all)"),
        (["-x"], "unknown flag: -x (kapi serve --help lists all)"),
        (["stray"], "unexpected argument 'stray': flags begin with --"),
        (["--name"], "flag needs a value: --name"),
        (["--on=maybe"], 'invalid value "maybe" for --on: must be true or false'),
        (["--count=1.5"], 'invalid value "1.5" for --count: must be a whole number'),
        (["--count=99999999999999999999"], 'invalid value "99999999999999999999" for --count: must be a whole number'),
        (["--share=nan"], 'invalid value "nan" for --share: must be a number'),
        (["--wait=-1s"], 'invalid value "-1.0" for --wait: must be positive'),
        (["--labels==x"], 'invalid value "=x" for --labels: must be NAME=VALUE, comma separated'),
        (["--file=a\0b"], 'invalid value "a\0b" for --file: must not hold a NUL character'),
    ],
)
def test_says_what_is_wrong(argv, message):
    assert errors(*argv) == [message]


def test_broken_quotes_are_an_error_of_the_value():
    assert errors('--words="x')[0].startswith('invalid value ""x" for --words: ')


def test_collects_all_errors():
    assert len(errors("--nope", "--count=x", "--wait=-1s", "stray")) == 4


def test_old_and_planned_flags_warn():
    _, warnings = parse_flags(["--old=x", "--later"], TABLE)
    assert warnings == [
        "--old is deprecated: use --name",
        "--later has no effect yet: kapi does not have what it is about",
    ]


def test_renamed_flags_set_the_new_one():
    options, warnings = parse_flags(["--service-account-api-audiences=me"], core_table())
    assert options["api-audiences"] == ("me",)
    assert warnings == ["--service-account-api-audiences is deprecated: use --api-audiences"]


@pytest.mark.parametrize(
    "flag",
    [
        "--admission-control=NamespaceLifecycle",
        "--insecure-port=8080",
        "--insecure-bind-address=0.0.0.0",
        "--basic-auth-file=/x",
        "--enable-swagger-ui",
        "--enable-swagger-ui=true",
        "--apiserver-count=3",
        "--kubelet-https",
        "--etcd-quorum-read=true",
        "--cloud-provider=aws",
        "--logtostderr=true",
    ],
)
def test_flags_of_old_versions_only_warn(flag):
    _, warnings = parse_flags([flag], core_table())
    assert len(warnings) == 1
    assert "deprecated" in warnings[0]


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_asked_for(word):
    with pytest.raises(HelpRequested):
        parse_flags(["--name=x", word], TABLE)


def test_peek_reads_one_flag_among_unknown_ones():
    option = Option("plugins", "strings", ("*",), ".")
    assert peek(["--other", "x", "--plugins=a,b", "--plugins", "c"], option) == ("a", "b", "c")
    assert peek(["--other"], option) == ("*",)
    with pytest.raises(FlagError):
        peek(["--plugins"], option)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_on_the_line_is_values_or_a_flag_error(argv):
    try:
        options, _ = parse_flags(argv, TABLE)
    except (FlagError, HelpRequested):
        return
    assert set(options) == set(TABLE)
