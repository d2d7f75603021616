"""What is said about types and fields, read from the API's documentation."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi_apigroups import documentation
from kapi_apigroups.documentation import describe_definition
from kapi_apigroups.printing.descriptions import Field, describe

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
SOURCE = '''# generated

@dataclass
class Pane(DictMixin):
    r"""Pane is a part of a window.

      **parameters**

      * **width** ``int`` - {width}
      * **height** ``Optional[int]`` - height is short.
      * **nothing** ``Optional[Dict[str, int]]`` - {nothing}
    """
    width: 'int'


@dataclass
class PaneList(DictMixin):
    r"""PaneList is another.

      **parameters**

      * **width** ``int`` - of the list
    """
'''


def wrapped(text):
    lines = textwrap.wrap(text, 78, break_on_hyphens=False, break_long_words=False)
    return "\n        ".join(lines)


@pytest.fixture
def documented(tmp_path, monkeypatch):
    def write(width):
        forget()
        (tmp_path / "house_v1.py").write_text(SOURCE.format(width=width, nothing=""))

    monkeypatch.setattr(documentation, "_models", lambda: tmp_path)
    yield write
    forget()


def forget():
    documentation.documented.cache_clear()
    documentation._docstrings.cache_clear()


def test_literal_descriptions_stay():
    assert describe("A phrase.") == "A phrase."


def test_wrapped_lines_are_joined(documented):
    documented(wrapped(LONG))
    assert describe(Field("house_v1.Pane.width")) == LONG
    assert describe(Field("house_v1.Pane.height")) == "height is short."
    assert describe(Field("house_v1.Pane.nothing")) == ""
    assert describe(Field("house_v1.PaneList.width")) == "of the list"


def test_paragraphs_are_told_apart(documented):
    documented(f"Short first.\n        {wrapped(LONG)}\n        Last.")
    assert describe(Field("house_v1.Pane.width")) == f"Short first.\n\n{LONG}\n\nLast."


def test_two_spaces_behind_a_sentence_come_back(documented):
    text = "Twelve.  " * 20 + "End."
    documented(wrapped(text))
    assert describe(Field("house_v1.Pane.width")) == text


def test_words_broken_at_a_hyphen_are_joined(documented):
    documented(f"{'x' * 70}/prior-\n        knowledge")
    assert describe(Field("house_v1.Pane.width")) == f"{'x' * 70}/prior-knowledge"


def test_only_some_sentences(documented):
    documented("First one. Second one. Third one.")
    assert describe(Field("house_v1.Pane.width", sentences=2)) == "First one. Second one."


def test_what_is_not_documented_has_no_description(documented):
    documented("x")
    for path in ("house_v1.Pane.depth", "house_v1.Door.width", "garden_v1.Pane.width"):
        assert describe(Field(path)) == ""


def test_no_documentation_at_all(monkeypatch):
    monkeypatch.setattr(documentation, "_DISTRIBUTION", "no-such-distribution-anywhere")
    documentation._models.cache_clear()
    forget()
    try:
        assert describe(Field("meta_v1.ObjectMeta.name")) == ""
        assert describe_definition("io.k8s.api.core.v1.Pod", "") == ""
    finally:
        documentation._models.cache_clear()
        forget()


def test_installed_documentation():
    pytest.importorskip("lightkube.models.meta_v1")
    name = describe(Field("meta_v1.ObjectMeta.name"))
    assert name.startswith("Name must be unique within a namespace.")
    assert "\n" not in name
    assert "\n\n" in describe(Field("meta_v1.ObjectMeta.creationTimestamp"))


def test_definitions_and_their_members():
    assert describe_definition("io.k8s.api.core.v1.Pod", "").startswith("Pod is a collection of containers")
    assert "rollback" not in describe_definition("io.k8s.api.apps.v1.DeploymentSpec", "strategy")
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    assert describe_definition(f"{meta}ObjectMeta", "name") == describe(Field("meta_v1.ObjectMeta.name"))
    assert describe_definition(f"{meta}ObjectMeta", "nothing") == ""
    assert describe_definition("com.example.v1.Pod", "spec") == ""
    assert describe_definition("com.example.apps.v1.Deployment", "spec") == "", "another's Deployment is another thing"
    assert describe_definition("Short", "spec") == ""


@pytest.mark.parametrize(
    ("definition", "member"),
    [
        ("io.k8s.api.networking.v1.NetworkPolicyIngressRule", "from"),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", "continue"),
        ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", "x-kubernetes-list-type"),
    ],
)
def test_members_whose_names_python_cannot_have(definition, member):
    assert describe_definition(definition, member)


@given(st.lists(st.text("abcxyz", min_size=1, max_size=20), min_size=1, max_size=60))
def test_a_wrapped_paragraph_comes_back(words):
    text = " ".join(words)
    assert documentation._unwrap(wrapped(text)) == text


@given(st.text(max_size=500))
def test_no_word_is_lost(text):
    assert "".join(documentation._unwrap(text).split()) == "".join(text.split())
