"""The command ``nbrtc``. What each of its words does is in `nbrtc.commands`."""

import argparse
import sys
from collections.abc import Sequence

from .commands import doctor, serve, token, turn_config

COMMANDS = (serve, token, turn_config, doctor)
"""Each has ``add``, which adds its parser and sets what runs. In the order of the help."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exits with 2 and a sentence where something given to it cannot be."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"nbrtc: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbrtc", description="Video calls between notebooks and browsers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
