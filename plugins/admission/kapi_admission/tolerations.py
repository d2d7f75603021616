"""Joining lists of tolerations without keeping any that another one covers."""

from collections.abc import Iterable, Sequence

from kapi.contracts.client import Object


def merged(first: Iterable[Object], second: Iterable[Object]) -> list[Object]:
    """Return the tolerations of both lists, in order, without those that another one covers; of equals the first."""
    everything = [*first, *second]
    kept: list[Object] = []
    for index, one in enumerate(everything):
        if not _redundant(one, kept, everything[index + 1 :]):
            kept.append(one)
    return kept


def _redundant(one: Object, kept: Sequence[Object], later: Sequence[Object]) -> bool:
    return any(covers(other, one) for other in kept) or any(other != one and covers(other, one) for other in later)


def covers(wide: Object, narrow: Object) -> bool:
    """Tell whether a toleration tolerates at least all that another one does, for at least as long."""
    if wide == narrow:
        return True
    operator, effect = wide.get("operator", ""), wide.get("effect", "")
    any_key = not wide.get("key") and operator == "Exists"
    if not any_key and wide.get("key", "") != narrow.get("key", ""):
        return False
    if effect not in ("", narrow.get("effect", "")) or not _as_long(wide, narrow):
        return False
    if operator == "Exists":
        return True
    same = narrow.get("operator", "") == operator and narrow.get("value", "") == wide.get("value", "")
    return operator in ("", "Equal") and same


def _as_long(wide: Object, narrow: Object) -> bool:
    """Compare how long evictions are put off; without a number it is for ever."""
    seconds, wanted = wide.get("tolerationSeconds"), narrow.get("tolerationSeconds")
    if wide.get("effect") != "NoExecute" or seconds is None:
        return True
    return wanted is not None and bool(wanted <= seconds)
