"""The hooks by which plugins contribute to a server.

Every hook is synchronous, is called once while a server is assembled, and returns descriptors; the
per-request work is done by the objects that the descriptors build. Order among plugins never comes from pluggy: it
is configuration's and the core's. A plugin is a module (or object) named by an entry point in one of the groups
``kapi.authn``, ``kapi.authz``, ``kapi.admission``, ``kapi.storage``, ``kapi.apigroups``, ``kapi.controllers`` and
``kapi.extensions``; it marks its functions with :data:`hookimpl`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from kapi.contracts.admission import AdmissionPlugin
    from kapi.contracts.authn import AuthenticatorPlugin
    from kapi.contracts.authz import AuthorizerPlugin
    from kapi.contracts.plugins import BuildContext, Option
    from kapi.contracts.resources import APIGroup
    from kapi.contracts.server import ChainLinkPlugin, FilterPlugin, HealthCheck, PostStartHook
    from kapi.contracts.storage import StoragePlugin

hookspec = pluggy.HookspecMarker("kapi")
hookimpl = pluggy.HookimplMarker("kapi")


@hookspec
def kapi_register_commands(cli: "typer.Typer") -> None:
    """Add commands to the ``kapi`` program."""


@hookspec
def kapi_register_options() -> "Sequence[Option]":
    """Return flags of ``kapi serve`` that belong to no single descriptor."""
    return ()


@hookspec
def kapi_register_storage_backends() -> "Sequence[StoragePlugin]":
    """Return storage backends; ``--storage-backend`` chooses one."""
    return ()


@hookspec
def kapi_register_authenticators() -> "Sequence[AuthenticatorPlugin]":
    """Return authenticators; all that are configured are asked, by phase and name."""
    return ()


@hookspec
def kapi_register_authorizers() -> "Sequence[AuthorizerPlugin]":
    """Return authorizers; ``--authorization-mode`` chooses and orders them."""
    return ()


@hookspec
def kapi_register_admission() -> "Sequence[AdmissionPlugin]":
    """Return admission controllers; ``--enable-admission-plugins`` and ``--disable-…`` choose among them."""
    return ()


@hookspec
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return API groups to serve; each group comes whole, from one plugin."""
    return ()


@hookspec
def kapi_register_filters() -> "Sequence[FilterPlugin]":
    """Return wrappers around every request."""
    return ()


@hookspec
def kapi_register_chain_links() -> "Sequence[ChainLinkPlugin]":
    """Return servers for the delegation chain."""
    return ()


@hookspec
def kapi_register_post_start_hooks() -> "Sequence[PostStartHook]":
    """Return work to begin when the server can serve, controllers among it."""
    return ()


@hookspec
def kapi_register_health_checks(context: "BuildContext") -> "Sequence[HealthCheck]":
    """Return checks for the health endpoints."""
    return ()
