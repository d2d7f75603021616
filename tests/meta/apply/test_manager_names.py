import pytest

from kapi.meta.apply.managed import default_manager, validate_manager
from kapi.meta.apply.manager import is_printable


@pytest.mark.parametrize(
    ("user_agent", "manager"),
    [
        ("mytool/v1.2 (linux/amd64) kubernetes/abc", "mytool"),
        ("no slash here", "no slash here"),
        ("Mozilla/5.0 (X11)", "Mozilla"),
        ("", ""),
        ("/x", ""),
        ("a\tb\x00c\u200b\u00a0d/1", "abcd"),
        ("x" * 200 + "/1", "x" * 128),
        ("é" * 100, "é" * 64),
    ],
)
def test_the_manager_of_a_user_agent(user_agent, manager):
    assert default_manager(user_agent) == manager


@pytest.mark.parametrize("code", range(128))
def test_characters_of_ascii_in_user_agents(code):
    expected = "a" if chr(code) == "/" else "ab" if not is_printable(chr(code)) else f"a{chr(code)}b"
    assert default_manager(f"a{chr(code)}b") == expected


@pytest.mark.parametrize("manager", ["", "kubectl", "with space", "é" * 64, "y" * 128])
def test_good_names(manager):
    assert validate_manager(manager) == []


@pytest.mark.parametrize(
    ("manager", "message"),
    [
        ("y" * 129, "fieldManager: Too long: may not be more than 128 bytes"),
        ("é" * 65, "fieldManager: Too long: may not be more than 128 bytes"),
        ("a\tb", r'fieldManager: Invalid value: "a\tb": invalid character U+0009 (at position 1)'),
        ("a\x01b", r'fieldManager: Invalid value: "a\x01b": invalid character U+0001 (at position 1)'),
        ("é\u200b", r'fieldManager: Invalid value: "é\u200b": invalid character U+200B (at position 2)'),
    ],
)
def test_bad_names(manager, message):
    assert [str(error) for error in validate_manager(manager)] == [message]
