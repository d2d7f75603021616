"""The commands of ``kapi``, with typer."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kapi import __version__
from kapi.cli import storage

KUBERNETES = "1.36"
"""The version of Kubernetes whose behaviour kapi has."""

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_BUILT_IN = frozenset({"serve", "plugins", "version", "kubeconfig", "storage"})


def build() -> typer.Typer:
    """Return the program with its own commands."""
    cli = typer.Typer(
        name="kapi",
        help="A Kubernetes-compatible API server, assembled from plugins.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    cli.callback()(_main)
    cli.command("serve", context_settings={**_PASS_ON, "help_option_names": []})(_serve)
    cli.command("plugins", context_settings=_PASS_ON)(_plugins)
    cli.command("kubeconfig", context_settings=_PASS_ON)(_kubeconfig)
    cli.command("version")(_version)
    cli.add_typer(storage.build(), name="storage")
    return cli


def run(argv: Sequence[str]) -> None:
    """Run a command. Plugins are only imported for help and for commands that are not kapi's own."""
    cli = build()
    if not argv or argv[0] not in _BUILT_IN | {"--version"}:
        _add_plugin_commands(cli)
    cli(list(argv), prog_name="kapi")


def _add_plugin_commands(cli: typer.Typer) -> None:
    from kapi.server.contributions import load
    from kapi.server.plugins import PluginError

    try:
        load().add_commands(cli)
    except PluginError as ex:
        sys.stderr.write(f"kapi: commands of plugins are left out: {ex}\n")


def _show_version(wanted: bool) -> None:
    if wanted:
        _version()
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options of the program itself."""


def _version() -> None:
    """Show the version of kapi, and that of Kubernetes whose API it serves."""
    print(f"kapi {__version__} (Kubernetes {KUBERNETES})")


def _serve(ctx: typer.Context) -> None:
    """Serve the API (kapi serve --help lists the flags)."""
    from kapi.cli.serve import serve

    raise typer.Exit(serve(ctx.args))


def _plugins(
    ctx: typer.Context,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """List what is installed and what of it a server would use; takes the flags of kapi serve."""
    from kapi.cli.listing import list_plugins

    raise typer.Exit(list_plugins(ctx.args, output))


def _kubeconfig(
    ctx: typer.Context,
    user: Annotated[str, typer.Option(help="Make a certificate for this user instead of the administrator.")] = "",
    group: Annotated[list[str] | None, typer.Option(help="A group of that user; may be repeated.")] = None,
    days: Annotated[int, typer.Option(help="How long that certificate is good.", min=1, max=3650)] = 365,
    server: Annotated[str, typer.Option(help="URL of the server, if not the one that kapi serve printed.")] = "",
    write: Annotated[
        Path | None, typer.Option("--write", help="Write to this file (mode 0600), not to the screen.")
    ] = None,
) -> None:
    """Show a kubeconfig for the server in --data-dir; takes the flags of kapi serve."""
    from kapi.cli.credentials import Wanted, show_kubeconfig

    wanted = Wanted(user, tuple(group or ()), days, server, write)
    raise typer.Exit(show_kubeconfig(ctx.args, wanted))
