"""Rules of PriorityLevelConfiguration."""

import math
from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi_apigroups.common.fields import one_of
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.flowcontrol.bootstrap import mandatory_spec

_SHARES = 30
_QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}
_MOST_QUEUES = 10_000_000
_MOST_ENTROPY = 60
_EXEMPT = "exempt"


class PriorityLevelStrategy(StatusOwner):
    """PriorityLevelConfigurations: those that the server cannot do without hardly change."""

    generation = ("spec",)

    def default(self, obj: Object) -> None:
        """Fill in shares and queues."""
        spec = obj.setdefault("spec", {})
        if "limited" in spec:
            _default_limited(spec["limited"])
        if "exempt" in spec:
            spec["exempt"].setdefault("nominalConcurrencyShares", 0)
            spec["exempt"].setdefault("lendablePercent", 0)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate(obj["metadata"].get("name", ""), obj["spec"]))


def _default_limited(limited: Object) -> None:
    if limited.get("nominalConcurrencyShares") is None:
        limited["nominalConcurrencyShares"] = _SHARES
    limited.setdefault("lendablePercent", 0)
    queuing = limited.get("limitResponse", {}).get("queuing")
    if queuing is not None:
        for member, value in _QUEUING.items():
            queuing[member] = queuing.get(member) or value


def _validate(name: str, spec: Object) -> Iterator[FieldError]:
    kind = spec.get("type", "")
    if (name == _EXEMPT) != (kind == "Exempt") and kind in ("Exempt", "Limited"):
        yield field_invalid("spec.type", kind, "must be 'Exempt' if and only if `name` is 'exempt'")
    yield from one_of(kind, "spec.type", ("Exempt", "Limited"))
    yield from _validate_members(kind, spec)
    required = mandatory_spec("prioritylevelconfigurations", name)
    if required is not None and not _equal_but_for_shares(spec, required):
        yield field_invalid("spec", spec, f"spec of '{name}' except the shares must equal the fixed value")


def _equal_but_for_shares(spec: Object, required: Object) -> bool:
    """Tell whether two specs are equal, apart from the two numbers that an administrator may set for ``exempt``."""
    if spec.get("type") != "Exempt":
        return spec == required
    return spec.get("type") == required.get("type") and "limited" not in spec and "exempt" in spec


def _validate_members(kind: str, spec: Object) -> Iterator[FieldError]:
    limited, exempt = spec.get("limited"), spec.get("exempt")
    if kind == "Exempt":
        if limited is not None:
            yield field_forbidden("spec.limited", "must be nil if the type is not Limited")
        if exempt is not None:
            yield from _validate_shares(exempt, "spec.exempt")
    elif kind == "Limited":
        if exempt is not None:
            yield field_forbidden("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            yield field_required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _validate_limited(limited)


def _validate_shares(part: Object, path: str) -> Iterator[FieldError]:
    shares, lendable = part.get("nominalConcurrencyShares", 0), part.get("lendablePercent", 0)
    if shares < 0:
        yield field_invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if not 0 <= lendable <= 100:
        yield field_invalid(f"{path}.lendablePercent", lendable, "must be between 0 and 100, inclusive")


def _validate_limited(limited: Object) -> Iterator[FieldError]:
    path = "spec.limited"
    yield from _validate_shares(limited, path)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        detail = "if specified, must be a non-negative integer"
        yield field_invalid(f"{path}.borrowingLimitPercent", borrowing, detail)
    response, at = limited.get("limitResponse", {}), f"{path}.limitResponse"
    kind, queuing = response.get("type", ""), response.get("queuing")
    yield from one_of(kind, f"{at}.type", ("Queue", "Reject"))
    if kind == "Reject" and queuing is not None:
        yield field_forbidden(f"{at}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue" and queuing is None:
        yield field_required(f"{at}.queuing", "must not be empty if limited.limitResponse.type is Limited")
    elif kind == "Queue":
        yield from _validate_queuing(queuing, f"{at}.queuing")


def _validate_queuing(queuing: Object, path: str) -> Iterator[FieldError]:
    length, queues, hand = queuing["queueLengthLimit"], queuing["queues"], queuing["handSize"]
    if length <= 0:
        yield field_invalid(f"{path}.queueLengthLimit", length, "must be positive")
    if queues <= 0:
        yield field_invalid(f"{path}.queues", queues, "must be positive")
    elif queues > _MOST_QUEUES:
        yield field_invalid(f"{path}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        yield field_invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield field_invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy(queues, hand) > _MOST_ENTROPY:
        detail = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_MOST_ENTROPY}"
        )
        yield field_invalid(f"{path}.handSize", hand, detail)


def _entropy(queues: int, hand: int) -> int:
    """Return how many random bits a shuffle shard of ``hand`` out of ``queues`` takes, counted up to the limit."""
    bits = 0.0
    for taken in range(min(hand, _MOST_ENTROPY + 1)):
        bits += math.log2(queues - taken) if queues - taken > 1 else 0.0
    return math.ceil(bits)
