import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.endpoints.negotiation import (
    COLLECTION,
    CUSTOM,
    DOCUMENT,
    JSON,
    OBJECT,
    PROTOBUF,
    YAML,
    Representation,
    body_media_type,
    negotiate,
    negotiate_aggregated,
    negotiate_error,
    negotiate_watch,
    patch_media_type,
    wants_pretty,
)
from kapi.meta.errors import StatusError

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
KNOWN = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
STREAMS = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Representation(JSON)),
        ("*/*", Representation(JSON)),
        ("*/*, application/*", Representation(JSON)),
        ("text/html, application/json;q=0.1", Representation(JSON)),
        ("application/json;charset=utf-8", Representation(JSON)),
        ("application/json;pretty=1", Representation(JSON, pretty=True)),
        ("application/yaml, application/json", Representation(YAML)),
        ("application/json;q=0.5, application/yaml;q=0.9", Representation(YAML)),
        (f"{PROTOBUF}, application/json", Representation(JSON)),
        (TABLE, Representation(JSON, "Table", "v1")),
        (TABLE.replace("v1", "v1beta1") + f",{TABLE},application/json", Representation(JSON, "Table", "v1beta1")),
        (TABLE.replace("v1", "v2") + ",application/json", Representation(JSON)),
        ("application/json;stream=watch", Representation(JSON, stream=True)),
    ],
)
def test_what_is_chosen(accept, expected):
    assert negotiate(accept, OBJECT) == expected


@pytest.mark.parametrize(
    ("accept", "profile", "message", "details"),
    [
        ("text/html", OBJECT, f"406: Not Acceptable\n\nAvailable representations: {KNOWN}", {}),
        ("application/*", OBJECT, f"406: Not Acceptable\n\nAvailable representations: {KNOWN}", {}),
        ("text/html", COLLECTION, f"406: Not Acceptable\n\nAvailable representations: {KNOWN}, {STREAMS}", {}),
        ("text/html", CUSTOM, f"only the following media types are accepted: {KNOWN}", None),
        (PROTOBUF, CUSTOM, f"only the following media types are accepted: {KNOWN}", None),
        (PROTOBUF, OBJECT, "only the following media types are accepted: application/json, application/yaml", None),
        (TABLE, DOCUMENT, f"only the following media types are accepted: {KNOWN}", None),
        (TABLE.replace("Table", "Nope"), OBJECT, f"only the following media types are accepted: {KNOWN}", None),
        ("application/json;as=Table;v=v1", OBJECT, f"only the following media types are accepted: {KNOWN}", None),
    ],
)
def test_what_is_refused(accept, profile, message, details):
    with pytest.raises(StatusError) as caught:
        negotiate(accept, profile)
    assert (caught.value.code, caught.value.reason) == (406, "NotAcceptable")
    assert caught.value.message == message
    assert caught.value.details == details


def test_watches_stream_json_only():
    assert negotiate_watch("application/json;stream=watch", COLLECTION).media_type == JSON
    with pytest.raises(StatusError, match="application/json;stream=watch"):
        negotiate_watch("application/yaml", COLLECTION)


def test_aggregated_discovery_is_found_in_any_place():
    wanted = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    assert negotiate_aggregated(f"application/json,{wanted}") == Representation(JSON, "APIGroupDiscoveryList", "v2")
    assert negotiate_aggregated(wanted.replace("v2", "v2beta1")) is None
    assert negotiate_aggregated("application/json;g=apidiscovery.k8s.io;v=v2") is None
    assert negotiate_aggregated("*/*") is None


@given(st.text(alphabet="aplicton/json*;,=qv0.1 ", max_size=60))
def test_any_header_is_answered_or_refused(accept):
    try:
        media_type = negotiate(accept, OBJECT).media_type
    except StatusError as error:
        media_type = str(error.code)
    assert media_type in (JSON, YAML, "406")


def test_bodies():
    assert body_media_type("") == body_media_type("application/json; charset=utf-8") == JSON
    assert body_media_type("APPLICATION/YAML") == YAML
    for content_type in ("text/plain", "not a media type", "application/merge-patch+json"):
        with pytest.raises(StatusError) as caught:
            body_media_type(content_type)
        assert caught.value.code == 415
        assert caught.value.message.endswith(f"accepted media types include: {KNOWN}")


def test_patches():
    assert patch_media_type("application/merge-patch+json; charset=utf-8") == "application/merge-patch+json"
    for content_type in ("", "application/json", "APPLICATION/MERGE-PATCH+JSON", "*/*"):
        with pytest.raises(StatusError) as caught:
            patch_media_type(content_type)
        assert (caught.value.code, caught.value.message) == (415, "415: Unsupported Media Type")


def test_custom_resources_have_no_strategic_patch():
    with pytest.raises(StatusError) as caught:
        patch_media_type("application/strategic-merge-patch+json", custom=True)
    assert caught.value.message.endswith(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )


def test_people_get_indented_json():
    assert wants_pretty({}, "curl/8.5")
    assert not wants_pretty({}, "kubectl/v1.36")
    assert wants_pretty({"pretty": ["true"]}, "kubectl/v1.36")
    assert not wants_pretty({"pretty": ["false"]}, "Mozilla/5.0")
    assert not wants_pretty({"pretty": ["maybe"]}, "curl/8.5")


@pytest.mark.parametrize(
    "accept",
    [
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/json;as=Nothing;v=v1;g=meta.k8s.io",
        "application/json;stream=other",
    ],
)
def test_what_no_watch_can_be_sent_in(accept: str) -> None:
    with pytest.raises(StatusError) as caught:
        negotiate_watch(accept, COLLECTION)
    assert caught.value.message == (
        "only the following media types are accepted: application/json;stream=watch, "
        "application/vnd.kubernetes.protobuf;stream=watch"
    )


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/yaml", YAML),
        ("application/json;q=0.5, application/yaml;q=0.9", YAML),
        ("application/yaml;q=0.5, application/json", JSON),
        ("application/json;as=Table;v=v1;g=meta.k8s.io, application/yaml", YAML),
        ("application/yaml;as=Table;v=v1;g=meta.k8s.io", JSON),
        ("text/html", JSON),
        ("*/*", JSON),
    ],
)
def test_errors_come_in_what_can_be_had(accept: str, media_type: str) -> None:
    assert negotiate_error(accept) == media_type
