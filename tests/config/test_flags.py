import pytest

from kapi.config.durations import parse_duration
from kapi.config.flags import FlagTable, TableError, core_table
from kapi.config.parse import parse_flags
from kapi.contracts.plugins import Option


def test_a_plugin_takes_the_place_of_a_planned_flag_in_its_group():
    table = core_table()
    assert table["token-auth-file"].planned
    table.declare(Option("token-auth-file", "path", None, "Mine.", group="Other"))
    assert (table["token-auth-file"].planned, table["token-auth-file"].group) == (False, "Authentication")


def test_the_same_flag_may_be_declared_twice():
    table = FlagTable([Option("x", "int", 1, "first"), Option("x", "int", 2, "second")])
    assert table["x"].help == "first"


def test_a_second_declaration_with_another_type_is_refused():
    with pytest.raises(TableError, match="--x exists already with type int, not string"):
        FlagTable([Option("x", "int", 1, "."), Option("x", "string", "", ".")])


@pytest.mark.parametrize("name", ["", "-x", "X", "a b", "a_b", "ä", "a=b"])
def test_malformed_names_are_refused(name):
    with pytest.raises(TableError, match="is no name for a flag"):
        FlagTable([Option(name, "int", 1, ".")])


def test_unknown_types_are_refused():
    with pytest.raises(TableError, match="unknown type"):
        FlagTable([Option("x", "colour", 1, ".")])


def test_every_default_has_the_type_of_its_flag():
    types = {"string": str, "bool": bool, "int": int, "float": float, "duration": float, "strings": tuple,
             "array": tuple, "map": dict}  # fmt: skip
    for option in core_table().values():
        if option.type == "path":
            assert option.default is None, option.name
        else:
            assert isinstance(option.default, types[option.type]), option.name


def test_every_default_passes_its_own_check():
    for option in core_table().values():
        assert option.check is None or option.check(option.default) is None, option.name


def test_nothing_is_wrong_with_an_empty_command_line():
    options, warnings = parse_flags([], core_table())
    assert warnings == []
    assert options["bind-address"] == "127.0.0.1"
    assert options["request-timeout"] == parse_duration("1m0s")


@pytest.mark.parametrize(
    ("flag", "problem"),
    [
        ("--secure-port=70000", "must be a port between 0 and 65535"),
        ("--bind-address=localhost", "must be an IP address"),
        ("--tls-min-version=VersionTLS11", "must be one of: VersionTLS12, VersionTLS13"),
        ("--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA", "unknown cipher suite 'TLS_RSA_WITH_RC4_128_SHA'"),
        ("--tls-sni-cert-key=only.crt", "'only.crt' is not CERT,KEY or CERT,KEY:NAME,NAME"),
        ("--service-node-port-range=5-1", "must be an ascending range of ports up to 65535"),
        ("--service-node-port-range=all", "must be a range of ports like 30000-32767"),
        ("--service-cluster-ip-range=10.0.0.1/24", "10.0.0.1/24 has host bits set"),
        ("--service-cluster-ip-range=10.0.0.0/30", "10.0.0.0/30 is too small: at least 8 addresses are needed"),
        ("--service-cluster-ip-range=10.0.0.0/24,10.1.0.0/24", "must be one range, or one IPv4 and one IPv6 range"),
        ("--storage-media-type=application/yaml", "must be one of: application/json"),
        ("--etcd-prefix=/", "must begin with / and not be empty"),
        ("--workers=0", "must be greater than 0"),
        ("--max-requests-inflight=-1", "must not be negative"),
    ],
)
def test_values_out_of_range_are_told(flag, problem):
    from kapi.config.parse import FlagError

    with pytest.raises(FlagError) as caught:
        parse_flags([flag], core_table())
    name, _, value = flag.partition("=")
    assert caught.value.errors == (f'invalid value "{value}" for {name}: {problem}',)
