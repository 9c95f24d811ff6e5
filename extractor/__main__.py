"""``python -m extractor`` and the console script: errors become exit codes, and no traceback shows a note."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line and exits with its code."""
    try:
        from extractor import cli

        code = cli.run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output (head, less) has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:  # before the command began
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
