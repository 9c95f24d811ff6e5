"""Every exception of the package, and the exit code of the command line for each.

ExtractorError
├── UsageError      2   the command line is wrong
├── InputError      3   the input cannot be read as notes
├── PatternError    4   a pattern file is wrong
│   └── TrialError  4   a trial file is wrong
└── PartialFailure  5   done, but some notes failed (they are listed in notes.parquet)

A message says where, what, and what is allowed. It never carries note text.
"""

from __future__ import annotations


class ExtractorError(Exception):
    """Base of all; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(ExtractorError):
    exit_code = 2


class InputError(ExtractorError):
    exit_code = 3


class PatternError(ExtractorError):
    exit_code = 4


class TrialError(PatternError):
    exit_code = 4


class PartialFailure(ExtractorError):
    exit_code = 5
