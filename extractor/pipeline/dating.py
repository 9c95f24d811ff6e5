"""Which date belongs to which value of a trend: "9.1 (was 10.2 in August)" dates the older value alone."""

from __future__ import annotations

import datetime
import re

from ..dates import DateSpan
from .text import NoteText, Sentence

Interval = tuple[datetime.date, datetime.date, str]
_REACH = 32  # characters behind the last value in which its date stands
_SEPARATED = re.compile(r"[,;]|->|→|=>|\bthen\b")


def _of_next(before: str, behind: str) -> bool:
    """Does a date between two values belong to the second? "9.8, yesterday 10.1", "210 -> 8/22 160"."""
    return bool(_SEPARATED.search(before)) and not re.search(r"[,;)]|->|→", behind) and len(behind) <= 12


def trend_dates(note: NoteText, sentence: Sentence, spans: list[tuple[int, int]]) -> list[Interval | None]:
    """A date for each value of a trend, in their order; None leaves it to the engine.

    ``spans``: start and end of each value. A date right behind a value, before the next one, is its own; behind a comma
    or an arrow it is the next one's. A value without one takes a date that stands before all of them, else the heading's, else the note's: never a neighbour's.
    """
    if len(spans) < 2:
        return [None] * len(spans)
    dates = sentence.dates
    own: list[Interval | None] = []
    inside = set()
    leading: dict[int, DateSpan] = {}
    for index, (_, end) in enumerate(spans):
        stop = spans[index + 1][0] if index + 1 < len(spans) else min(sentence.end, end + _REACH)
        found = [d for d in dates if end <= d.start < stop]
        gap = (note.folded[end : found[0].start], note.folded[found[0].end : stop]) if found else ("", "")
        if index + 1 < len(spans) and found and _of_next(*gap):
            leading[index + 1] = found[0]
            inside.add((found[0].start, found[0].end))
            found = found[1:]
        found = [leading[index], *found] if index in leading else found
        inside.update((d.start, d.end) for d in found)
        own.append((found[0].earliest, found[0].latest, found[0].precision) if found else None)
    if not inside:
        return own
    ahead = [d for d in dates if (d.start, d.end) not in inside and d.end <= spans[0][0]]
    fallback: Interval | None
    if ahead:
        fallback = (ahead[-1].earliest, ahead[-1].latest, ahead[-1].precision)
    else:
        from .engine import header_date  # the engine loads the families that call this

        fallback = header_date(note, sentence)
        if fallback is None and note.note_date is not None:
            fallback = (note.note_date, note.note_date, "note")
    return [date if date is not None else fallback for date in own]
