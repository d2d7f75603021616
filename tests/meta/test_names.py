import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta import names

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NAME_PART = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', "
    "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

near_names = st.text(alphabet="abAZ09-._/%é", max_size=12)


@pytest.mark.parametrize("name", ["a", "a.b-1.c", "1.2", "a--b", "b" * 253])
def test_good_subdomains(name):
    assert names.dns1123_subdomain(name) == []


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a b", "é", "..", "a%b", "a\n"])
def test_bad_subdomains(name):
    assert names.dns1123_subdomain(name) == [SUBDOMAIN]


def test_too_long_names_are_measured_in_bytes():
    assert names.dns1123_subdomain("b" * 254) == ["must be no more than 253 characters"]
    assert names.dns1123_label("a" * 64) == ["must be no more than 63 characters"]
    assert names.dns1123_subdomain("é" * 127) == ["must be no more than 253 characters", SUBDOMAIN]


def test_labels_tell_dots_from_other_mistakes():
    assert names.dns1123_label("a.b") == ["must not contain dots"]
    assert names.dns1123_label("A.b") == [LABEL]
    assert names.dns1123_label("abc-") == [LABEL]
    assert names.dns1123_label("1abc") == []


def test_1035_labels_begin_with_a_letter():
    assert names.dns1035_label("a1-b") == []
    assert names.dns1035_label("1a")[0].startswith("a DNS-1035 label must consist of lower case")


@pytest.mark.parametrize(
    ("key", "problems"),
    [
        ("app", []),
        ("My.Name_1", []),
        ("example.com/MyName", []),
        ("", ["name part must be non-empty", f"name part {NAME_PART}"]),
        ("a/", ["name part must be non-empty", f"name part {NAME_PART}"]),
        ("/a", ["prefix part must be non-empty"]),
        ("A.b/c", [f"prefix part {SUBDOMAIN}"]),
        ("a" * 64, ["name part must be no more than 63 bytes"]),
        ("a" * 254 + "/b", ["prefix part must be no more than 253 bytes"]),
        ("a b", [f"name part {NAME_PART}"]),
        (
            "a/b/c",
            [
                f"a valid label key {NAME_PART} with an optional DNS subdomain prefix and '/' "
                "(e.g. 'example.com/MyName')"
            ],
        ),
    ],
)
def test_qualified_names(key, problems):
    assert names.qualified_name(key) == problems


def test_label_values():
    assert names.label_value("") == names.label_value("a_B.c-1") == []
    assert names.label_value("v" * 64) == ["must be no more than 63 bytes"]
    assert names.label_value("-x")[0].startswith("a valid label must be an empty string or consist of alphanumeric")


def test_path_segments():
    assert names.path_segment_name("system:Some_Role x") == []
    assert names.path_segment_name("a/b") == ["may not contain '/'"]
    assert names.path_segment_name("50%") == ["may not contain '%'"]
    assert names.path_segment_name("..") == ["may not be '..'"]
    assert names.name_is_path_segment(".", True) == []


def test_config_map_keys():
    assert names.config_map_key("key.name") == []
    assert names.config_map_key("..") == ["must not be '..'"]
    assert names.config_map_key("..a") == ["must not start with '..'"]
    assert names.config_map_key("k" * 254) == ["must be no more than 253 characters"]


def test_ports():
    assert names.port_name("http-2") == []
    assert names.port_name("this-name-is-too-long") == ["must be no more than 15 characters"]
    assert names.port_name("80") == ["must contain at least one letter (a-z)"]
    assert names.port_name("-a--b") == ["must not contain consecutive hyphens", "must not begin or end with a hyphen"]
    assert names.port_number(0) == names.port_number(65536) == ["must be between 1 and 65535, inclusive"]
    assert names.port_number(1) == names.port_number(65535) == []


def test_prefixes_may_end_in_a_dash():
    assert names.name_is_subdomain("gen-", True) == []
    assert names.name_is_subdomain("gen-", False) == [SUBDOMAIN]
    assert names.name_is_subdomain("Bad_", True) == [SUBDOMAIN]
    assert names.name_is_label("-", True) == [LABEL]


def test_generated_names_fit_and_differ():
    made = {names.generate_name("gen-") for _ in range(50)}
    assert len(made) > 45
    assert all(re.fullmatch("gen-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in made)
    assert len(names.generate_name("x" * 100)) == 63


@given(near_names)
def test_labels_agree_with_the_pattern_that_messages_name(name):
    assert (names.dns1123_label(name) == []) == bool(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name))


@given(near_names)
def test_label_values_agree_with_the_pattern_that_messages_name(name):
    pattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
    assert (names.label_value(name) == []) == bool(re.fullmatch(pattern, name))


@pytest.mark.parametrize(
    "check", [names.dns1123_subdomain, names.qualified_name, names.label_value, names.dns1035_label]
)
def test_long_names_take_no_time(check):
    assert check("a-" * 200_000)


_PIECES = st.lists(
    st.sampled_from(["a", "B", "9", "-", ".", "..", "_", "\u00e4", "/", "x" * 60, "y" * 250]), max_size=6
)


@given(_PIECES.map("".join))
def test_short_ways_agree_with_the_long_ones(name):
    length = len(name.encode())
    label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    part = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
    subdomain = rf"{label}(\.{label})*"
    assert (names.dns1123_subdomain(name) == []) == (length <= 253 and re.fullmatch(subdomain, name) is not None)
    assert (names.label_value(name) == []) == (not name or (length <= 63 and re.fullmatch(part, name) is not None))
    key = length <= 253 and re.fullmatch(r"[-._a-zA-Z0-9]+", name) is not None
    assert (names.config_map_key(name) == []) == (key and name != "." and not name.startswith(".."))
