"""From a command line to everything that a server is built from; the same for all ways to run it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kapi.config.completed import CompletedConfig, ConfigError, Installed, complete
from kapi.config.flags import OWN, FlagTable
from kapi.config.parse import FlagError, parse_flags, peek
from kapi.contracts.plugins import BuildContext
from kapi.contracts.storage import StorageError
from kapi.server.contributions import LoadedPlugins, load
from kapi.server.listeners import BindError
from kapi.server.pki import PkiError, ensure
from kapi.server.plugins import PluginError
from kapi.server.tls import TLSError, server_context

if TYPE_CHECKING:
    from kapi.server.cells import Cells
    from kapi.server.serving import Servable


class StartError(Exception):
    """A plugin refuses its options, or the server cannot be built from them; the message is one line."""


START_ERRORS = (PluginError, FlagError, ConfigError, PkiError, TLSError, BindError, StartError, StorageError, OSError)
"""What can be wrong before a server runs: each is a matter for the user, told in lines without a traceback."""

USAGE_ERRORS = (PluginError, FlagError, ConfigError)
"""Those of them that are about the command line (exit code 2)."""


class Assembly(NamedTuple):
    """A completed configuration with the plugins that it chose from; call it to get a server."""

    config: CompletedConfig
    plugins: LoadedPlugins
    warnings: tuple[str, ...]

    def __call__(self, cells: "Cells | None" = None) -> "Servable":
        """Return the API server, not started; ``cells`` is where it counts. Raises START_ERRORS."""
        from kapi.server.apiserver import APIServer
        from kapi.server.chain import UnknownFilter
        from kapi.server.metrics import Metrics

        try:
            return APIServer(self.config, self.plugins, Metrics(cells))
        except (ValueError, UnknownFilter) as ex:
            raise StartError(str(ex)) from ex


def load_plugins(argv: Sequence[str], trace: Callable[[str], None] | None = None) -> LoadedPlugins:
    """Load the plugins that ``--plugins`` and ``--disable-plugins`` on the command line choose."""
    own = {option.name: option for option in OWN}
    return load(peek(argv, own["plugins"]), peek(argv, own["disable-plugins"]), trace)


def assemble(argv: Sequence[str], trace: Callable[[str], None] | None = None) -> Assembly:
    """Load plugins, parse the flags, complete the options. Raises USAGE_ERRORS and HelpRequested; opens nothing."""
    plugins = load_plugins(argv, trace)
    return configure(argv, plugins, plugins.flag_table())


def configure(argv: Sequence[str], plugins: LoadedPlugins, table: FlagTable) -> Assembly:
    """Parse the flags and complete the options, with plugins that are loaded."""
    options, warnings = parse_flags(argv, table)
    config = complete(options, installed(plugins))
    return Assembly(config, plugins, (*warnings, *config.warnings))


def installed(plugins: LoadedPlugins) -> Installed:
    """Return the names that options may choose from."""
    return Installed(
        storage_backends=[item.descriptor.name for item in plugins.storage_backends],
        authorizers=[item.descriptor.name for item in plugins.authorizers],
        admission=[item.descriptor.name for item in plugins.admission],
        controllers=[item.descriptor.name for item in plugins.controllers],
        controller_aliases={
            alias: item.descriptor.name for item in plugins.controllers for alias in item.descriptor.aliases
        },
    )


def prepare(assembly: Assembly) -> None:
    """Make folders, keys and certificates, and check what would fail later. Raises START_ERRORS."""
    config = assembly.config
    encryption_file = config.options.get("encryption-provider-config")
    if encryption_file is not None:
        from kapi.server.encryption_at_rest import check_encryption_file

        check_encryption_file(encryption_file)
    ensure(config)
    server_context(config)
    if config.workers > 1 and not _several_processes(assembly):
        name = config.storage_backend
        raise StartError(f"--workers={config.workers}: only one process can use the storage backend {name!r} at a time")


def _several_processes(assembly: Assembly) -> bool:
    config = assembly.config
    backend = assembly.plugins.storage_backend(config.storage_backend)
    return backend.build(BuildContext(config.options, config.data_dir)).capabilities.multi_process


def complaint(error: Exception) -> list[str]:
    """Return what one of START_ERRORS has to say, one line each."""
    if isinstance(error, FlagError | ConfigError):
        return list(error.errors)
    if isinstance(error, OSError) and error.strerror:
        return [f"{error.filename}: {error.strerror}" if error.filename else error.strerror]
    return [" ".join(str(error).split())]
