"""Menus of a synoptic report: lines of which one was to be ticked."""

from __future__ import annotations

import re

from ..pipeline.text import NoteText

_NUMBERED = re.compile(r"^[ \t]*(?:\d{1,2}|[a-z])[ \t]?[.,)]?[ \t]+(?P<item>[^\n]{3,60})$", re.MULTILINE)


def menu_lines(note: NoteText, family: str) -> list[tuple[int, int]]:
    """Menus of a synoptic report ("1. Adenocarcinoma 2. Carcinoid …"): a list to choose from states nothing."""
    hits = note.hits.get(family, ())
    if len(hits) < 3:
        return []
    lines = [(m.start(), m.end(), m["item"]) for m in _NUMBERED.finditer(note.text)]
    if len(lines) < 3:
        return []
    bare = []
    for start, end, item in lines:
        inside = note.hits_between(family, start, end)
        covered = sum(h.end - h.start for h in inside)
        if inside and covered >= 0.4 * len(item) and not any(c.isdigit() for c in item):
            bare.append((start, end, inside[0].name))
    runs: list[list[tuple[int, int, str]]] = []
    for entry in bare:
        if runs and note.text.count("\n", runs[-1][-1][1], entry[0]) <= 4:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return [(run[0][0], run[-1][1]) for run in runs if len({n for _, _, n in run}) >= 3]
