"""Which form an answer takes (Accept) and which form a body has (Content-Type)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from kapi.meta.errors import StatusError, not_acceptable, unsupported_media_type
from kapi.meta.query import Query

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
PATCHES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
CUSTOM_PATCHES: Final = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)

META_GROUP: Final = "meta.k8s.io"
DISCOVERY_GROUP: Final = "apidiscovery.k8s.io"
_KNOWN: Final = (JSON, YAML, PROTOBUF)
"""The media types of kube-apiserver, as its messages list them. Protobuf is not among those that kapi produces."""
_PRODUCED: Final = (JSON, YAML)
_STREAMS: Final = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
_CACHED_HEADER_MAX: Final = 512
_BROWSERS: Final = ("curl", "Wget", "Mozilla/5.0")


class Transform(NamedTuple):
    """A kind that an object can be shown as: the ``g``, ``v`` and ``as`` parameters of a media type."""

    group: str
    version: str
    kind: str


class Representation(NamedTuple):
    """The form of an answer: a media type, and the kind to show objects as ("" for their own)."""

    media_type: str
    kind: str = ""
    version: str = ""
    pretty: bool = False
    stream: bool = False

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of the kind that objects are shown as (Table and the like)."""
        return f"{META_GROUP}/{self.version}"


class Profile:
    """What a family of endpoints can produce. Compared by identity: use the ones below.

    - ``transforms``: the kinds that ``as=`` may name;
    - ``streams``: whether the endpoint also watches;
    - ``routed``: whether unknown media types are refused with the message of kube-apiserver's router, as its built-in
      resources do, or with that of its negotiation (custom resources).
    """

    __slots__ = ("routed", "streams", "transforms")

    def __init__(self, transforms: frozenset[Transform], *, streams: bool = False, routed: bool = True) -> None:
        """Take the facts described above."""
        self.transforms = transforms
        self.streams = streams
        self.routed = routed


_META_KINDS: Final = frozenset(
    Transform(META_GROUP, version, kind)
    for version in ("v1", "v1beta1")
    for kind in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
)
OBJECT: Final = Profile(_META_KINDS)
"""Single built-in objects."""
COLLECTION: Final = Profile(_META_KINDS, streams=True)
"""Lists and watches of built-in objects."""
CUSTOM: Final = Profile(_META_KINDS, streams=True, routed=False)
"""Custom resources."""
DOCUMENT: Final = Profile(frozenset())
"""Discovery of one group or version."""
_ERROR: Final = Profile(frozenset(), routed=False)
_AGGREGATED: Final = Profile(frozenset({Transform(DISCOVERY_GROUP, "v2", "APIGroupDiscoveryList")}))


def negotiate(accept: str, profile: Profile) -> Representation:
    """Return the form that an Accept header asks for ("" asks for JSON); raises a 406 StatusError if there is none."""
    if len(accept) > _CACHED_HEADER_MAX:
        return _negotiate(accept, profile)
    return _cached(accept, profile)


def negotiate_watch(accept: str, profile: Profile) -> Representation:
    """Return the form of the events of a watch; raises a 406 StatusError if there is none that can be streamed."""
    if profile.routed and accept and not _routable(accept):
        raise _no_representation(profile)
    try:
        chosen = negotiate(accept, profile)
    except StatusError:
        raise not_acceptable(_STREAMS) from None
    if chosen.media_type != JSON:
        raise not_acceptable(_STREAMS)
    return chosen


def negotiate_error(accept: str) -> str:
    """Return the media type of a Status: what is asked for without a transformation, else JSON."""
    try:
        return negotiate(accept, _ERROR).media_type
    except StatusError:
        return JSON


def negotiate_aggregated(accept: str) -> Representation | None:
    """Return the form of aggregated discovery that an Accept header asks for, in any place, or None."""
    if DISCOVERY_GROUP not in accept:
        return None
    for clause in _ranked(accept):
        for media_type in _PRODUCED:
            found = _accept(clause, media_type, _AGGREGATED) if _matches(clause, media_type) else None
            if found is not None and found.kind:
                return found
    return None


def choose_media_type(accept: str, offered: Sequence[str]) -> str:
    """Return which of the offered media types an Accept header prefers ("" prefers the first); "" for none of them."""
    if not accept:
        return offered[0]
    matching = (name for clause in _ranked(accept) for name in offered if _matches(clause, name))
    return next(matching, "")


class _Clause(NamedTuple):
    quality: float
    major: str
    minor: str
    parameters: tuple[tuple[str, str], ...]


def _negotiate(accept: str, profile: Profile) -> Representation:
    if not accept:
        return Representation(JSON)
    if profile.routed and not _routable(accept):
        raise _no_representation(profile)
    for clause in _ranked(accept):
        for media_type in _PRODUCED:
            if _matches(clause, media_type):
                found = _accept(clause, media_type, profile)
                if found is not None:
                    return found
    raise not_acceptable(_PRODUCED if PROTOBUF in accept and profile.routed else _KNOWN)


_cached = lru_cache(maxsize=256)(_negotiate)


def _routable(accept: str) -> bool:
    """Tell whether a clause names a known media type, or any: what the reference's router looks at first."""
    types = (clause.partition(";")[0].strip() for clause in accept.split(","))
    return any(name == "*/*" or name in _KNOWN for name in types)


def _no_representation(profile: Profile) -> StatusError:
    available = _KNOWN + _STREAMS if profile.streams else _KNOWN
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(available)}"
    return StatusError(406, "NotAcceptable", message, {})


def _ranked(accept: str) -> list[_Clause]:
    """Return the clauses of an Accept header, the most wanted first."""
    return sorted(_clauses(accept), key=lambda c: (-c.quality, c.major == "*", c.minor == "*"))


def _clauses(accept: str) -> list[_Clause]:
    out = []
    for text in accept.split(","):
        name, *rest = text.split(";")
        major, slash, minor = name.strip().partition("/")
        if not slash:
            if major != "*":
                continue
            minor = "*"
        parameters = tuple(_parameter(part) for part in rest if "=" in part)
        out.append(_Clause(_quality(parameters), major.strip(), minor.strip(), parameters))
    return out


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _quality(parameters: Sequence[tuple[str, str]]) -> float:
    for name, value in parameters:
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0


def _matches(clause: _Clause, media_type: str) -> bool:
    if clause.major == "*":
        return clause.minor == "*"
    return clause.major == "application" and clause.minor in ("*", media_type[len("application/") :])


def _accept(clause: _Clause, media_type: str, profile: Profile) -> Representation | None:
    """Return the representation that the parameters of a clause describe, None when it cannot be had."""
    given = dict(clause.parameters)
    stream = given.get("stream", "")
    if stream and (stream != "watch" or media_type != JSON):
        return None
    if given.get("sv", "v1") not in ("", "v1"):
        return None
    pretty = given.get("pretty") == "1"
    if not given.keys() & {"as", "g", "v"}:
        return Representation(media_type, pretty=pretty, stream=bool(stream))
    wanted = Transform(given.get("g", ""), given.get("v", ""), given.get("as", ""))
    if wanted not in profile.transforms:
        return None
    return Representation(media_type, wanted.kind, wanted.version, pretty, bool(stream))


def wants_pretty(query: Query, user_agent: str) -> bool:
    """Tell whether JSON is to be indented: when ``pretty`` says so, and by default for browsers and the like."""
    values = query.get("pretty")
    if values and values[0]:
        return values[0] in ("1", "t", "T", "TRUE", "true", "True")
    return user_agent.startswith(_BROWSERS)


def body_media_type(content_type: str) -> str:
    """Return the media type of a body that holds an object, JSON when none is given; raises a 415 StatusError.

    Protobuf is read for built-in kinds (see :func:`kapi.endpoints.protobuf.decode_body`).
    """
    if not content_type or content_type == JSON:
        return JSON
    name = content_type.partition(";")[0].strip().lower()
    if name not in _KNOWN:
        raise unsupported_media_type(_KNOWN)
    return name


def patch_media_type(content_type: str, *, custom: bool = False) -> str:
    """Return the kind of a patch (``custom``: of a custom resource); raises a 415 StatusError."""
    name = content_type.partition(";")[0]
    if custom:
        if name not in CUSTOM_PATCHES:
            raise unsupported_media_type(CUSTOM_PATCHES)
    elif name not in PATCHES:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return name
