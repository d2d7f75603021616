"""Rules of ValidatingWebhookConfiguration and MutatingWebhookConfiguration."""

from collections.abc import Iterator, Sequence

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_invalid, field_required
from kapi.meta.names import dns1035_label, dns1123_subdomain
from kapi_apigroups.admissionregistration.matching import (
    default_match,
    default_rules,
    validate_conditions,
    validate_rule,
    validate_selectors,
)
from kapi_apigroups.common.fields import checked, one_of
from kapi_apigroups.common.webhookclient import default_client_config, validate_client_config

_TIMEOUT = 10
_LONGEST = 30
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_UNDERSTOOD = ("v1", "v1beta1")


class WebhookConfigurationStrategy(Strategy):
    """Webhook configurations of both kinds; ``mutating`` ones may ask to be called again."""

    generation = ("webhooks",)
    allow_unconditional_update = False

    def __init__(self, *, mutating: bool = False) -> None:
        """Take which of the two kinds it is."""
        self._mutating = mutating

    def default(self, obj: Object) -> None:
        """Fill in the defaults of each webhook."""
        for hook in obj.get("webhooks") or ():
            hook.setdefault("failurePolicy", "Fail")
            hook.setdefault("timeoutSeconds", _TIMEOUT)
            default_match(hook)
            default_rules(hook.get("rules") or ())
            default_client_config(hook.setdefault("clientConfig", {}))
            if self._mutating:
                hook.setdefault("reinvocationPolicy", "Never")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check each webhook."""
        return list(self._validate(obj.get("webhooks") or ()))

    def _validate(self, hooks: Sequence[Object]) -> Iterator[FieldError]:
        seen: set[str] = set()
        for index, hook in enumerate(hooks):
            path, name = f"webhooks[{index}]", hook.get("name", "")
            yield from _validate_webhook(hook, path)
            if self._mutating:
                policies = ("IfNeeded", "Never")
                yield from one_of(hook["reinvocationPolicy"], f"{path}.reinvocationPolicy", policies)
            yield from _validate_versions(hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")
            if name and name in seen:
                yield field_duplicate(f"{path}.name", name)
            seen.add(name)


def _validate_webhook(hook: Object, path: str) -> Iterator[FieldError]:
    yield from validate_qualified_name(hook.get("name", ""), f"{path}.name")
    for index, rule in enumerate(hook.get("rules") or ()):
        yield from validate_rule(rule, f"{path}.rules[{index}]")
    yield from one_of(hook["failurePolicy"], f"{path}.failurePolicy", ("Fail", "Ignore"))
    yield from one_of(hook["matchPolicy"], f"{path}.matchPolicy", ("Equivalent", "Exact"))
    effects = hook.get("sideEffects")
    if effects is None:
        yield field_required(f"{path}.sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    else:
        yield from one_of(effects, f"{path}.sideEffects", _SIDE_EFFECTS)
    timeout = hook["timeoutSeconds"]
    if not 1 <= timeout <= _LONGEST:
        detail = f"the timeout value must be between 1 and {_LONGEST} seconds"
        yield field_invalid(f"{path}.timeoutSeconds", timeout, detail)
    yield from validate_selectors(hook, path)
    yield from validate_client_config(hook["clientConfig"], f"{path}.clientConfig")
    yield from validate_conditions(hook.get("matchConditions") or (), f"{path}.matchConditions")


def validate_qualified_name(name: str, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the name of a webhook: a domain name of three parts or more."""
    if not name:
        yield field_required(path)
        return
    problems = list(checked(name, path, dns1123_subdomain))
    yield from problems
    if not problems and len(name.split(".")) < 3:
        yield field_invalid(path, name, "should be a domain with at least three segments separated by dots")


def _validate_versions(versions: Sequence[str], path: str) -> Iterator[FieldError]:
    if not versions:
        yield field_required(path, f"must specify one of {', '.join(_UNDERSTOOD)}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield field_invalid(f"{path}[{index}]", version, "duplicate version")
            continue
        yield from checked(version, f"{path}[{index}]", dns1035_label)
    if not set(versions) & set(_UNDERSTOOD):
        yield field_invalid(path, versions, f"must include at least one of {', '.join(_UNDERSTOOD)}")
