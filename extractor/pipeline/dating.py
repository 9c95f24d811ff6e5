"""Which date belongs to which value of a trend: "9.1 (was 10.2 in August)" dates the older value alone."""

from __future__ import annotations

import datetime

from .text import NoteText, Sentence

Interval = tuple[datetime.date, datetime.date, str]
_REACH = 32  # characters behind the last value in which its date stands


def trend_dates(note: NoteText, sentence: Sentence, spans: list[tuple[int, int]]) -> list[Interval | None]:
    """A date for each value of a trend, in their order; None leaves it to the engine.

    ``spans``: start and end of each value. A date right behind a value, before the next one, is its own. A value
    without one takes a date that stands before all of them, else the heading's, else the note's: never a neighbour's.
    """
    if len(spans) < 2:
        return [None] * len(spans)
    dates = sentence.dates
    own: list[Interval | None] = []
    inside = set()
    for index, (_, end) in enumerate(spans):
        stop = spans[index + 1][0] if index + 1 < len(spans) else min(sentence.end, end + _REACH)
        found = [d for d in dates if end <= d.start < stop]
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
