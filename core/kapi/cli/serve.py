"""``kapi serve``: from flags to a running server, with everything that can go wrong told in a line."""

import gc
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from kapi import __version__
from kapi.config.parse import HelpRequested
from kapi.server.assembly import START_ERRORS, USAGE_ERRORS, Assembly, assemble, complaint, load_plugins, prepare
from kapi.server.kubeconfig import server_url
from kapi.server.listeners import bind
from kapi.server.logs import configure
from kapi.server.open_files import allow_many_files
from kapi.server.pki import write_admin_kubeconfig
from kapi.server.plugins import PluginError, trace_to_stderr

USAGE, FAILURE = 2, 1


def serve(argv: Sequence[str]) -> int:
    """Serve until told to stop; return the exit code."""
    gc.disable()  # until the server is ready: nothing that the start makes is garbage
    trace = trace_to_stderr if os.environ.get("KAPI_TRACE_PLUGINS") else None
    try:
        assembly = assemble(argv, trace)
    except HelpRequested:
        return show_help(argv)
    except USAGE_ERRORS as ex:
        return _fail(complaint(ex), USAGE)
    configure(assembly.config.verbosity, assembly.config.logging_format)
    _print(sys.stderr, (f"kapi: warning: {line}" for line in assembly.warnings))
    try:
        return _run(assembly)
    except START_ERRORS as ex:
        return _fail(complaint(ex), FAILURE)


def show_help(argv: Sequence[str]) -> int:
    """Print all flags by group, those of the plugins among them; return the exit code."""
    from kapi.cli.flaghelp import flag_help

    try:
        table = load_plugins(argv).flag_table()
    except PluginError as ex:
        return _fail(complaint(ex), USAGE)
    try:
        print(flag_help(table), flush=True)
    except BrokenPipeError:  # whoever reads has seen enough; Python would try again on exit, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(assembly: Assembly) -> int:
    config = assembly.config
    allow_many_files()
    prepare(assembly)
    bound = bind(config)
    url = server_url(config.bind_address, bound.getsockname()[1])
    kubeconfig = write_admin_kubeconfig(config, url)
    if config.workers > 1:
        return _run_workers(assembly, bound, announcement(assembly, url, kubeconfig))
    from kapi.server.serving import run, settle

    def ready() -> None:
        settle()
        _print(sys.stdout, announcement(assembly, url, kubeconfig))

    return run(assembly(), config, [bound], on_ready=ready)


def _run_workers(assembly: Assembly, bound: socket.socket, lines: Sequence[str]) -> int:
    from kapi.server.worker import run_workers

    _print(sys.stdout, lines)
    return run_workers(assembly, bound)


def announcement(assembly: Assembly, url: str, kubeconfig: Path | None) -> list[str]:
    """Return what is said when the server can be reached."""
    config, plugins = assembly.config, assembly.plugins
    lines = [
        f"kapi {__version__} serves {url}",
        f"  data:        {config.data_dir} ({config.storage_backend})",
        f"  plugins:     {len(plugins.active)} of {len(plugins.installed)} active (kapi plugins lists them)",
    ]
    if config.verbosity >= 1:
        lines += [f"    {source.id} ({source.distribution} {source.version})" for source in plugins.active]
    if config.workers > 1:
        lines.append(f"  workers:     {config.workers}")
    if kubeconfig is None:
        lines.append("  kubeconfig:  none: --client-ca-file names an authority that kapi cannot sign for")
        return lines
    return [*lines, f"  kubeconfig:  {kubeconfig}", f"  try:         kubectl --kubeconfig {kubeconfig} get ns"]


def _fail(lines: Iterable[str], code: int) -> int:
    _print(sys.stderr, (f"kapi: {line}" for line in lines))
    return code


def _print(stream: TextIO, lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=stream, flush=True)
