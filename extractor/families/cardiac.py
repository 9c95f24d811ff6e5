"""Heart measurements: QT and QTc with formula and tracing, ejection fraction with modality, NYHA class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..patterns import Patterns
from ..pipeline import quantity, values
from ..pipeline.dating import trend_dates
from ..pipeline.names import Name, merge, run_from
from ..pipeline.quantity import settle
from ..pipeline.text import NoteText, Sentence
from ..pipeline.values import Reading
from ..records import Draft

FAMILY = "cardiac"
KEYS = quantity.KEYS | {"formula", "class"}

_ROMAN = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0, "1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0}
_CLASS = re.compile(r"(iv|i{1,3}|[1-4])(?:\s?(?:-|–|/|to|a|or)\s?(iv|i{1,3}|[1-4]))?(?:\s?/\s?iv)?(?![a-z\d])")
_ANOTHER = re.compile(r"\s*(?:\((?:bazett|fridericia)\)\s*)?(?:,|/|;|\||\band\b|(?<=\s)\s)\s*(?:and\s+)?(\d{3})(?!\d)\s?(?:ms\b|msec\b)?", re.IGNORECASE)
_FORMULA = re.compile(r"\s*(?:ms|msec)?\s*[,(]?\s*(?:by\s+|using\s+|according to\s+|selon\s+|n\.\s+|nach\s+)?(fridericia|bazett)\b")
_WISH = re.compile(r"\b(?:goal|target|if|hold|until|when|criteria|eligib\w*|exclu\w*|inclusion|must)\b(?:[^.;\n]|\.(?=\d))*$")

_modality: dict[str, re.Pattern[str]] = {}


def setup(patterns: Patterns) -> None:
    _modality.clear()
    _modality.update({key: re.compile(values.phrases(w)) for key, w in patterns.tables[FAMILY]["modality"].items()})


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        names = merge(note.folded, hits)
        index = 0
        while index < len(names):
            run = run_from(note.folded, names, index)
            after = index + len(run)
            limit = names[after].start if after < len(names) else sentence.end
            if len(run) > 1:
                found = values.read_list(
                    note.text, run[-1].end, limit, len(run), letters=run[0].hit.get("letters", {}), folded=note.folded
                )
                if found:
                    for name, reading in zip(run, found, strict=True):
                        yield from _value(note, sentence, name, reading, {})
                    index = after
                    continue
            limit = names[index + 1].start if index + 1 < len(names) else sentence.end
            yield from _single(note, sentence, names[index], limit)
            index += 1


def _single(note: NoteText, sentence: Sentence, name: Name, limit: int) -> Iterator[Draft]:
    if name.hit.get("class"):
        yield from _nyha(note, name, limit)
        return
    reading = values.read_number(
        note.text,
        name.end,
        limit,
        letters=name.hit.get("letters", {}),
        folded=note.folded,
        trend=name.hit.key == "lvef",
    )
    if reading is None:
        reading = values.read_before(note.text, name.start, sentence.start, folded=note.folded)
        if reading is None or reading.unit != "%" or name.hit.key != "lvef":
            return
    if reading.comparator != "=" and _WISH.search(note.folded, max(sentence.start, name.start - 240), name.start):
        return
    tracings = _tracings(note.text, reading, limit) if name.hit.key == "qtc" else []
    if len(tracings) == 1:
        letters = name.hit.get("letters", {})
        reading = values.read_number(note.text, name.end, limit, letters=letters, folded=note.folded) or reading
    if len(tracings) > 1:
        for number, one in enumerate(tracings, start=1):
            yield from _value(note, sentence, name, one, {"tracing": number})
        return
    readings = sorted((reading, *reading.history), key=lambda r: r.start)
    dates = trend_dates(note, sentence, [(r.start, r.end) for r in readings])
    for one, date in zip(readings, dates, strict=True):
        for draft in _value(note, sentence, name, one, {}):
            now = "current" if one.start < readings[-1].start else None
            yield replace(draft, date=date, temporality=now if one is reading else "historical")


def _tracings(text: str, first: Reading, limit: int) -> list[Reading]:
    """The values of a triplicate, "441, 447, 444 ms"."""
    found, at = [first], first.end
    while len(found) < 6:
        match = _ANOTHER.match(text, at, limit)
        if match is None or not 250 <= float(match[1]) <= 750:
            break
        end = match.end()
        found.append(
            Reading(match.start(1), end, float(match[1]), match[1], unit_raw="ms", unit="ms", number_end=match.end(1))
        )
        at = end
    return found


def _value(note: NoteText, sentence: Sentence, name: Name, reading: Reading, extra: dict[str, Any]) -> Iterator[Draft]:
    hit = name.hit
    settled = settle(reading, concept=hit.key, unit=hit.concept.unit or "1", data=hit.concept.data, as_written=False)
    if settled is None or settled.value is None or (reading.unit is None and hit.key == "lvef" and reading.value < 10):
        return
    attributes = {**settled.attributes, **extra}
    if hit.key == "qtc":
        attributes["formula"] = hit.get("formula") or _formula(note.folded, name, reading, sentence.end)
    if hit.key == "lvef":
        attributes["modality"] = _modality_of(note, sentence, name)
    yield Draft(
        family=FAMILY,
        concept=hit.key,
        start=min(name.start, reading.start),
        end=max(name.end, reading.end),
        rule_id=hit.concept.rule_id,
        anchor=(name.start, name.end),
        code=hit.concept.code,
        value=settled.value,
        value_high=settled.value_high,
        comparator=reading.comparator,
        unit=hit.concept.unit,
        value_as_written=reading.as_written,
        unit_as_written=reading.unit_raw,
        assertion="present",
        attributes=attributes,
    )


def _formula(folded: str, name: Name, reading: Reading, limit: int) -> str:
    """The formula of a corrected QT: right behind its value, else beside its name, else near."""
    behind = _FORMULA.match(folded, reading.end, limit)
    if behind is not None:
        return behind[1]
    for place in (folded[name.start : reading.start], folded[reading.end : min(limit, reading.end + 30)]):
        for word in ("fridericia", "bazett"):
            if word in place:
                return word
    return "unspecified"


def _modality_of(note: NoteText, sentence: Sentence, name: Name) -> str:
    """The study that measured the fraction: named in its sentence, else in the one before."""
    previous = sentence.previous()
    begins = [sentence.start] + ([previous.start] if previous is not None and sentence.start - previous.end < 3 else [])
    for begin in begins:
        found = {key: m.start() for key, p in _modality.items() if (m := p.search(note.folded, begin, sentence.end))}
        if found:
            return min(found, key=lambda key: (abs(found[key] - name.start), key))
    return "unspecified"


def _nyha(note: NoteText, name: Name, limit: int) -> Iterator[Draft]:
    at, _, _, _ = values.connect(note.text, name.end, limit, folded=note.folded)
    match = _CLASS.match(note.folded, at, limit)
    if match is None:
        return
    low = _ROMAN[match[1]]
    high = _ROMAN[match[2]] if match[2] else None
    if high is not None and high <= low:
        high = None
    yield Draft(
        family=FAMILY,
        concept="nyha_class",
        start=name.start,
        end=match.end(),
        rule_id=name.hit.concept.rule_id,
        anchor=(name.start, name.end),
        code=name.hit.concept.code,
        value=low,
        value_high=high,
        comparator="=",
        unit="{class}",
        value_as_written=note.text[match.start() : match.end()],
    )
