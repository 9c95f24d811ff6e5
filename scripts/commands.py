"""Writes docs/commands.md, the reference of all commands, from the command line itself. ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def reference() -> str:
    """The help of every command, as Markdown."""
    from extractor.cli import main

    with click.Context(main, info_name="extractor", terminal_width=100, max_content_width=100) as top:
        parts = ["# Commands", "", "Made by `python scripts/commands.py` from the help of the commands.", ""]
        parts += ["```text", main.get_help(top), "```", ""]
        for name in main.list_commands(top):
            command = main.get_command(top, name)
            assert command is not None
            with click.Context(command, info_name=name, parent=top, terminal_width=100, max_content_width=100) as inner:
                parts += [f"## {name}", "", "```text", command.get_help(inner), "```", ""]
    return "\n".join(line.rstrip() for line in "\n".join(parts).split("\n"))


if __name__ == "__main__":
    page = ROOT / "docs" / "commands.md"
    if "--check" in sys.argv:
        sys.exit(0 if page.is_file() and page.read_text(encoding="utf-8") == reference() else 1)
    page.write_text(reference(), encoding="utf-8")
