"""What all families of plugins share: command-line options and the context in which they are built."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from kapi.contracts.authn import ServiceAccountTokens, TokenAuthenticator
    from kapi.contracts.authz import Authorizer, RuleResolver
    from kapi.contracts.client import ObjectClient

OptionType = Literal["string", "bool", "int", "float", "duration", "strings", "array", "path", "map"]
"""How the text of a flag is read: durations (Go syntax) become seconds as float, ``strings`` (comma
separated, repeatable) and ``array`` (repeatable, commas stand) a tuple of str, ``map`` (``a=b,c=d``) a dict,
``path`` a ``pathlib.Path`` (None when empty)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One command-line flag.

    ``name`` is without the leading dashes; ``group`` is the heading under which help lists it.
    ``planned`` marks a flag of kube-apiserver whose subject kapi does not have yet: it is accepted with a
    warning. ``deprecated`` is the reason printed when an old flag is used.
    """

    name: str
    type: OptionType
    default: Any
    help: str
    group: str = "Misc"
    planned: bool = False
    deprecated: str = ""
    check: Callable[[Any], str | None] | None = None


class Options(Mapping[str, Any]):
    """The parsed values of all flags, by flag name, with their defaults filled in."""

    def __init__(self, values: Mapping[str, Any], given: frozenset[str] = frozenset()) -> None:
        """Take the value of every known flag, and the names of those that the user gave."""
        self._values = dict(values)
        self.given = given

    def __getitem__(self, name: str) -> Any:
        """Return the value of a flag; raises KeyError for one that nobody declared."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the flag names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many flags there are."""
        return len(self._values)


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a plugin's ``build`` may use. Nothing has been started yet when it is called.

    - ``options``: all flags;
    - ``data_dir``: the folder for files that must outlive the process (mode 0700);
    - ``client``: typed-by-dict access to the objects of this server, past authentication, authorization
      and admission; usable from the start of the server on (None for storage plugins, which come before it);
    - ``authorizer``: the union of all authorizers (None while the authorizers themselves are built);
    - ``rule_resolver``: lists what the authorizers would allow (None while they are built);
    - ``token_authenticator``: the union of all token authenticators (None while they are built);
    - ``service_account_tokens``: signer and verifier of service account tokens, if keys are configured.
    """

    options: Options
    data_dir: Path
    client: "ObjectClient | None" = None
    authorizer: "Authorizer | None" = None
    service_account_tokens: "ServiceAccountTokens | None" = None
    rule_resolver: "RuleResolver | None" = None
    token_authenticator: "TokenAuthenticator | None" = None
    extra: Mapping[str, Any] = field(default_factory=dict)
