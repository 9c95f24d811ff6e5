"""``dataclass`` for the frozen records that every note makes by the dozen (drafts, hits, readings, facts).

A class that ``dataclass`` freezes sets each field through ``object.__setattr__``; that was a twentieth of the time of a note.
Here the type checker alone keeps a record frozen, and building one costs a quarter.

>>> @dataclass(frozen=True, slots=True)
... class Span:
...     start: int
...     end: int
>>> Span(1, 2) == Span(1, 2), len({Span(1, 2), Span(1, 2)})
(True, 1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(*, frozen, eq=True, slots=False):
        return dataclasses.dataclass(eq=eq, slots=slots, unsafe_hash=frozen and eq)
