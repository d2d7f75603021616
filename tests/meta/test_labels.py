import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.labels import (
    EVERYTHING,
    NOTHING,
    label_selector_from_object,
    parse_label_selector,
    selector_from_dict,
    validate_label_selector,
)

OBJECTS = {
    "a": {"app": "web", "tier": "front", "env": "prod"},
    "b": {"app": "web", "tier": "back"},
    "c": {"app": "db", "n": "5"},
    "d": {"empty": "", "n": "10"},
    "e": {},
}


def selected(text):
    matches = parse_label_selector(text).matches
    return "".join(name for name, labels in OBJECTS.items() if matches(labels))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abcde"),
        ("app=web", "ab"),
        ("app==web", "ab"),
        (" app = web ", "ab"),
        ("app!=web", "cde"),
        ("app in (web,db)", "abc"),
        ("app in ( web ,  )", "ab"),
        ("app notin (web)", "cde"),
        ("app notin (web,db)", "de"),
        ("app", "abc"),
        ("!app", "de"),
        ("!tier,app", "c"),
        ("app=web,env!=prod", "b"),
        ("app,tier,env", "a"),
        ("empty=", "d"),
        ("empty in ()", "d"),
        ("empty!=", "abce"),
        ("n>5", "d"),
        ("n<10", "c"),
        ("n>1", "cd"),
        ("app=web,app=db", ""),
        ("example.com/app=x", ""),
        ("in=in", ""),
    ],
)
def test_what_selectors_select(text, names):
    assert selected(text) == names


BAD_KEY = 'unable to parse requirement: <nil>: Invalid value: "-bad-": name part must consist of'
BAD_VALUE = 'unable to parse requirement: values[0][a]: Invalid value: "-bad-": a valid label must be an empty string'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("app=web,", "found '', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("==", "found '==', expected: !, identifier, or 'end of string'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("-bad-=x", BAD_KEY),
        ("a=-bad-", BAD_VALUE),
        (
            "n>x",
            'unable to parse requirement: values[0]: Invalid value: "x": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(StatusError) as caught:
        parse_label_selector(text)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    assert caught.value.message.startswith(message)


def test_selectors_print_sorted():
    assert str(parse_label_selector("b notin (y,x),a=1,!c,d,e>5,f!=")) == "a=1,b notin (x,y),!c,d,e>5,f!="


keys = st.from_regex(r"[a-z][a-z0-9]{0,3}", fullmatch=True)
terms = st.one_of(
    keys,
    keys.map("!{}".format),
    st.tuples(keys, st.sampled_from(["=", "==", "!=", ">", "<"]), st.integers(0, 20)).map(
        lambda t: f"{t[0]}{t[1]}{t[2]}"
    ),
    st.tuples(keys, st.sampled_from(["in", "notin"]), st.lists(keys, min_size=1, max_size=3)).map(
        lambda t: f"{t[0]} {t[1]} ({','.join(t[2])})"
    ),
)


@given(st.lists(terms, min_size=1, max_size=4), st.dictionaries(keys, keys | st.integers(0, 20).map(str), max_size=4))
def test_printing_and_parsing_keep_the_meaning(parts, labels):
    selector = parse_label_selector(",".join(parts))
    again = parse_label_selector(str(selector))
    assert again.requirements == selector.requirements
    assert again.matches(labels) == all(parse_label_selector(part).matches(labels) for part in parts)


@given(st.text(alphabet="ab=!(),<> inot", max_size=20))
def test_any_text_parses_or_is_refused(text):
    code = 0
    try:
        assert parse_label_selector(text).requirements or not text.strip()
    except StatusError as error:
        code = error.code
    assert code in (0, 400)


def test_selectors_from_dicts():
    assert selector_from_dict({"app": "web"}).matches(OBJECTS["a"])
    assert not selector_from_dict({"app": "web"}).matches(OBJECTS["c"])
    assert selector_from_dict({}).empty


def test_selectors_from_objects():
    assert label_selector_from_object(None) is NOTHING
    assert not NOTHING.matches({})
    assert not NOTHING.empty
    assert label_selector_from_object({}).matches({})
    selector = label_selector_from_object(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]}
    )
    assert [name for name, labels in OBJECTS.items() if selector.matches(labels)] == ["a"]
    with pytest.raises(ValueError, match='"Near" is not a valid label selector operator'):
        label_selector_from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})


def test_selector_objects_are_validated():
    selector = {
        "matchLabels": {"a b": "c"},
        "matchExpressions": [
            {"key": "k", "operator": "In"},
            {"key": "k", "operator": "Exists", "values": ["v"]},
            {"key": "k", "operator": "Near"},
            {"key": "k", "operator": "In", "values": ["-"]},
        ],
    }
    errors = [str(e) for e in validate_label_selector(selector, "spec.selector")]
    assert errors[0].startswith('spec.selector.matchLabels: Invalid value: "a b": name part must consist')
    assert errors[1:4] == [
        "spec.selector.matchExpressions[0].values: Required value: "
        "must be specified when `operator` is 'In' or 'NotIn'",
        "spec.selector.matchExpressions[1].values: Forbidden: "
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        'spec.selector.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
    ]
    assert errors[4].startswith('spec.selector.matchExpressions[3].values[0]: Invalid value: "-": a valid label')
    assert validate_label_selector(None, "x") == []


def test_everything_is_empty():
    assert EVERYTHING.empty
    assert str(EVERYTHING) == ""
