"""The ``kapi`` program."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["serve"]:
        # Typer would only hand all flags through, and its import costs every start time and memory.
        from kapi.cli.serve import serve

        sys.exit(serve(words[1:]))
    from kapi.cli.program import run

    run(words)
