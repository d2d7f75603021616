"""Plugins that exist in memory only, loaded as installed ones are, and servers that use them."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from kapi.contracts.authn import AuthenticatorPlugin, AuthnRequest, AuthnResponse, UserInfo
from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Verdict
from kapi.hookspecs import hookimpl
from kapi.server.apiserver import APIServer
from kapi.server.assembly import Assembly, configure, prepare
from kapi.server.contributions import LoadedPlugins
from kapi.server.plugins import PluginSet, Source, choose, discover
from kapi.testing.asgi import AsgiClient

BESIDE = ("storage:memory", "apigroups:coordination", "apigroups:authentication")
"""The built-in plugins that serve beside the tiny ones: few, so that a server starts at once."""

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"

Hook = Callable[..., object]


class Everybody:
    """Takes every request for one of the administrator's, and allows everything."""

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        return AuthnResponse(UserInfo("tester", groups=("system:authenticated",)))

    async def authorize(self, attributes: Attributes) -> Decision:
        return Decision(Verdict.ALLOW)


@hookimpl
def kapi_register_authenticators() -> list[AuthenticatorPlugin]:
    return [AuthenticatorPlugin("everybody", "takes everybody in", "anonymous", lambda context: Everybody())]


@hookimpl
def kapi_register_authorizers() -> list[AuthorizerPlugin]:
    return [AuthorizerPlugin("Everything", "allows everything", lambda context: Everybody())]


class Workshop:
    """Makes plugins of functions, and servers of plugins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder
        self._sources: list[Source] = []
        self.plugin("open", kapi_register_authenticators, kapi_register_authorizers)

    def plugin(self, name: str, *hooks: Hook, group: str = "kapi.extensions") -> Source:
        """Install a plugin that consists of hooks."""
        module = ModuleType(f"tiny_{name}")
        for hook in hooks:
            setattr(module, hook.__name__, hook)  # type: ignore[attr-defined]  # a function
        return self.install(name, module, group)

    def install(self, name: str, module: ModuleType, group: str = "kapi.extensions") -> Source:
        """Install a module as a plugin."""
        self._monkeypatch.setitem(sys.modules, module.__name__, module)
        source = Source(group, name, "tiny", "1.2", module.__name__)
        self._sources.append(source)
        return source

    def load(self, *beside: str) -> LoadedPlugins:
        """Load what was made, and the built-in plugins that are named."""
        sources = (*choose(discover(), beside or BESIDE, ()), *self._sources)
        return LoadedPlugins(PluginSet(sources), sources)

    def assemble(self, *flags: str) -> Assembly:
        """Return everything that a server is made of."""
        plugins = self.load()
        own = [f"--data-dir={self._folder}", "--storage-backend=memory", "--controllers="]
        if not any(flag.startswith("--authorization-mode=") for flag in flags):
            own.append("--authorization-mode=Everything")
        return configure((*own, *flags), plugins, plugins.flag_table())

    @asynccontextmanager
    async def serving(self, *flags: str) -> AsyncIterator[AsgiClient]:
        """Serve, and yield a client."""
        assembly = self.assemble(*flags)
        prepare(assembly)
        server = assembly()
        assert isinstance(server, APIServer)
        await server.start()
        try:
            yield AsgiClient(server.app)
        finally:
            await server.stop()
