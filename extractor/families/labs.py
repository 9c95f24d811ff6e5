"""Laboratory values: prose, one-liners, lists with "respectively", tables, HL7 segments, English and French.

Names, codes, plausible ranges and what a bare number means are data (``patterns/labs``). A value in another specimen
(urine, CSF, effusion), a goal or a threshold is no result; a share of cells is no count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..patterns import Patterns
from ..pipeline import quantity, values
from ..pipeline.dating import trend_dates
from ..pipeline.lexicon import Hit
from ..pipeline.names import Name, merge, run_from
from ..pipeline.text import NoteText, Sentence
from ..pipeline.values import Reading
from ..records import Draft
from . import lab_context
from .lab_context import allowed
from .lab_drafts import draft_of, settled_of
from .lab_tables import from_table

FAMILY = "lab"
KEYS = quantity.KEYS | {"pair", "second", "silent", "marker", "viral", "counted", "multiples", "disorder", "not_before", "within", "without"}

_AFTER_RUN = re.compile(r"\s*[)\]]?\s*(?:levels?|values?|counts?)?")
_COUNTED = re.compile(r"\d\s?%?\s+$")
_WHITE = re.compile(r"\s*")
_BESIDE = re.compile(r"[\s,;=/(]*(?:soit|or|i\.?e\.?)?[\s(]*")
_TO_LIST = re.compile(r"\s*(?:to|->|-->|→)\s*")


def setup(patterns: Patterns) -> None:
    lab_context.setup(patterns.tables[FAMILY]["context"])


def read(note: NoteText) -> Iterable[Draft]:
    comma = quantity.decimal_comma(note.text)
    table_rows: set[int] = set()
    seen: set[tuple[int, int, str]] = set()
    for sentence, hits in note.sentences_with(FAMILY):
        names = merge(note.folded, hits)
        for draft in _sentence(note, sentence, names, comma, table_rows):
            key = (draft.start, draft.end, draft.concept)
            if key not in seen or draft.date is not None:
                seen.add(key)
                time = lab_context.clock(note, draft.start) if draft.date is None and draft.value is not None else None
                yield replace(draft, attributes={**draft.attributes, "time": time}) if time else draft


def _sentence(
    note: NoteText, sentence: Sentence, names: list[Name], comma: bool, table_rows: set[int]
) -> Iterator[Draft]:
    folded = note.folded
    index, floor = 0, sentence.start
    while index < len(names):
        name = names[index]
        tabled = from_table(note, name, names, comma, table_rows)
        if tabled is not None:
            yield from tabled
            index += 1
            continue
        run = run_from(folded, names, index)
        if len(run) > 1:
            found = _list(note, sentence, run, names, index, comma)
            if found is not None:
                drafts, floor = found
                yield from drafts
                index += len(run)
                continue
        limit = names[index + 1].start if index + 1 < len(names) else sentence.end
        if name.end > sentence.end:  # a name over two lines: "Serum" above "Na 135"
            limit = max(limit, note.sentence_at(name.end - 1).end)
        single = _single(note, sentence, name, limit, floor, comma)
        if single is not None:
            drafts, floor = single
            yield from drafts
        index += 1


# -- one name, one value -------------------------------------------------------------------------------------------
def _single(
    note: NoteText, sentence: Sentence, name: Name, limit: int, floor: int, comma: bool
) -> tuple[list[Draft], int] | None:
    text, folded, hit = note.text, note.folded, name.hit
    if hit.get("pair"):
        found = values.read_list(text, name.end, limit, 2, folded=folded)
        return (
            (_pair(note, name, found, comma), found[-1].tail)
            if found
            else _value(note, sentence, name, limit, floor, comma)
        )
    if hit.get("viral"):
        stated = _viral(note, sentence, name, limit)
        if stated is not None:
            return stated, stated[0].end if stated else limit
    return _value(note, sentence, name, limit, floor, comma)


def _value(
    note: NoteText, sentence: Sentence, name: Name, limit: int, floor: int, comma: bool
) -> tuple[list[Draft], int] | None:
    text, folded, hit = note.text, note.folded, name.hit
    letters = hit.get("letters", {})
    reading = None
    if hit.get("disorder") and re.match(r",\d", folded[name.end : name.end + 2]):
        return None  # numbers of references: "anemia,9,13"
    # "555 neutrophils, 440 lymphocytes": the numbers stand before their names
    before = _COUNTED.search(folded, max(floor, name.start - 12), name.start)
    ahead = values.named_behind(text, name.start, floor, letters=letters, folded=folded)
    if ahead is None and (before is None or not re.match(r"\s*(?:,|and\b|\))", folded[name.end : name.end + 8])):
        reading = values.read_number(text, name.end, limit, letters=letters, folded=folded)
    if reading is not None and reading.unit == "%" and "%" in hit.get("refuse", ()):
        # "62 % (3.8 x10^9/L)", "24 % soit 1,47 G/L": the count stands behind the share
        beside = values.past(_BESIDE, folded, reading.tail, limit)
        counted = values.read_plain(text, beside, limit, letters=letters, folded=folded)
        if counted is not None and counted.unit is not None and counted.unit != "%":
            reading = counted
    if reading is None and ahead is None:
        below = _below(note, name, sentence)
        reading = values.read_number(text, below[0], below[1], letters=letters, folded=folded) if below else None
        if below is not None and reading is not None and reading.unit is None:
            unit = values.read_unit(text, values.past(_WHITE, text, reading.end, below[1]), below[1], letters)
            if unit is not None:
                reading = replace(reading, end=unit[0], unit_raw=unit[1], unit=unit[2])
    if reading is None:
        reading = ahead or values.read_before(text, name.start, floor, letters=letters, folded=folded)
        if reading is None or reading.unit == "%" or (reading.unit is None and not _counted(hit, reading, sentence, floor)):
            return None
        found = settled_of(hit, reading, comma, text)
        if found is None or found.value is None:
            return None
        start, end = reading.start, name.end
    else:
        start, end = name.start, reading.end
    if name.silent:
        return [], reading.tail
    if not allowed(note, sentence, name, reading):
        return [], reading.tail
    drafts = []
    readings = sorted((reading, *reading.history), key=lambda r: r.start)
    dates = trend_dates(note, sentence, [(r.start, r.end) for r in readings])
    for one, date in zip(readings, dates, strict=True):
        settled = settled_of(hit, one, comma, text, in_row=floor > sentence.start)
        if settled is None:
            continue
        if settled.value is None and (
            "/" not in (one.unit or "") or one is not reading or len(hit.name) < 4 or hit.get("marker")
        ):
            continue
        draft = draft_of(name, one, settled, min(start, one.start), max(one.end, end if one is reading else 0), date=date)
        dated = date is not None and date[2] != "note"
        older = one is not reading and not dated
        # "9.7 (previously 10.5)": what is said of the older value is not said of this one
        now = one is reading and one.start < readings[-1].start
        drafts.append(replace(draft, temporality="historical" if older else "current") if older or now else draft)
    return drafts, reading.tail


def _counted(hit: Hit, reading: Reading, sentence: Sentence, floor: int) -> bool:
    """May a bare number in front of the name be its count? Only in a row of results."""
    least = hit.get("counted")
    return least is not None and reading.value >= least and floor > sentence.start


def _below(note: NoteText, name: Name, sentence: Sentence) -> tuple[int, int] | None:
    """A vertical list: the name alone on its line, its value on the next."""
    text = note.text
    start, end = note.line(name.start)
    if text[start : name.start].strip(" \t*•-|") or text[name.end : end].strip(" \t:|*.-") or end >= len(text):
        return None
    below, stop = note.line(end + 1)
    line = text[below:stop].strip()
    if not re.match(r"[<>≤≥]?\s?\d[\d.,]*(?:\s|$|[HL*]\b|\()", line) or len(line) > 40:
        return None
    # unit and range may follow on lines of their own
    for _ in range(2):
        following, last = note.line(stop + 1) if stop < len(text) else (stop, stop)
        if not re.fullmatch(
            r"\s*(?:[x\d^*]*[A-Za-zµ%]{1,6}/[A-Za-zµ\d.]{1,6}|%|[\d.]+\s?-\s?[\d.]+|[HL])\s*",
            text[following:last] or "x",
        ):
            break
        stop = last
    return below, stop


# -- several names, several values ---------------------------------------------------------------------------------
def _list(
    note: NoteText, sentence: Sentence, run: list[Name], names: list[Name], index: int, comma: bool
) -> tuple[list[Draft], int] | None:
    """Values of a run of names, in their order; None where the numbers do not fit the names."""
    text, folded = note.text, note.folded
    after = index + len(run)
    limit = names[after].start if after < len(names) else sentence.end
    begin = values.past(_AFTER_RUN, folded, run[-1].end, limit)
    letters = {k: v for n in run for k, v in n.hit.get("letters", {}).items()}
    rows: list[list[Reading]] = []
    at = begin
    while len(rows) < 3:
        found = values.read_list(text, at, limit, len(run), letters=letters, folded=folded)
        if not found:
            break
        rows.append(found)
        step = _TO_LIST.match(folded, found[-1].tail, limit)
        if step is None:
            break
        at = step.end()
    if not rows:
        return _one_of(note, sentence, run, limit, comma)
    drafts = []
    for found in rows:
        unit = next(((r.unit_raw, r.unit) for r in found if r.unit), None)
        shared = unit if len({n.hit.concept.unit for n in run}) == 1 else None
        for name, reading in zip(run, found, strict=True):
            if name.silent or not allowed(note, sentence, name, reading):
                continue
            if reading.unit is None and shared is not None:
                reading = replace(reading, unit_raw=shared[0], unit=shared[1])
            settled = settled_of(name.hit, reading, comma, text)
            if settled is not None and settled.value is not None:
                drafts.append(draft_of(name, reading, settled, name.start, reading.end))
    return drafts, rows[-1][-1].tail


def _one_of(
    note: NoteText, sentence: Sentence, run: list[Name], limit: int, comma: bool
) -> tuple[list[Draft], int] | None:
    """One number behind several names: after a comma or "and" the last one's; after a slash it must fit one only."""
    between = note.folded[run[-2].end : run[-1].start]
    if "/" not in between:
        return None
    reading = values.read_number(
        note.text, run[-1].end, limit, letters=run[-1].hit.get("letters", {}), folded=note.folded
    )
    if reading is None:
        return [], run[-1].end
    fits = [
        (name, settled)
        for name in run
        if not name.silent
        and (settled := settled_of(name.hit, reading, comma, note.text)) is not None
        and settled.value is not None
    ]
    if len(fits) != 1 or not allowed(note, sentence, fits[0][0], reading):
        return [], reading.tail
    name, settled = fits[0]
    return [draft_of(name, reading, settled, name.start, reading.end)], reading.tail


def _pair(note: NoteText, name: Name, found: list[Reading], comma: bool) -> list[Draft]:
    """Haemoglobin and haematocrit under one name: the smaller number is the haemoglobin. Total and direct bilirubin
    under one name: the second number is that of the concept named ``second``."""
    second = name.hit.get("second")
    if second is not None:
        unit = next(((r.unit_raw, r.unit) for r in found if r.unit), (None, None))
        both = [r if r.unit else replace(r, unit_raw=unit[0], unit=unit[1]) for r in found]
        settled_both = [settled_of(name.hit, r, comma, note.text) for r in both]
        if any(s is None or s.value is None for s in settled_both) or both[1].value > both[0].value:
            return []
        drafts = [draft_of(name, r, s, name.start, r.end) for r, s in zip(both, settled_both, strict=True) if s is not None]
        return [drafts[0], replace(drafts[1], concept=second["concept"], code=second["code"])]
    smaller = min(found, key=lambda r: r.value)
    settled = settled_of(name.hit, smaller, comma, note.text)
    if settled is None or settled.value is None or found[0].value == found[1].value:
        return []
    return [draft_of(name, smaller, settled, name.start, smaller.end)]


# -- viral loads ---------------------------------------------------------------------------------------------------
def _viral(note: NoteText, sentence: Sentence, name: Name, limit: int) -> list[Draft] | None:
    """A viral load stated in words; None where a number has to be read."""
    folded, c = note.folded, lab_context.words()
    for key, wanted in (("within", True), ("without", False)):
        listed = name.hit.get(key)
        # the virus may be named in the sentence before
        begin = max(0, sentence.start - 200) if wanted else sentence.start
        if listed and bool(values.pattern_of(tuple(listed)).search(folded, begin, sentence.end)) is not wanted:
            return []
    at, _, _, _ = values.connect(note.text, name.end, limit, folded=folded)
    negative = c.undetectable.match(folded, at, limit)
    word, stated = negative, "undetectable"
    if negative is None:
        word, stated = c.detectable.match(folded, at, limit), "detectable"
    start = name.start
    if word is None:
        ahead = re.search(
            rf"({c.undetectable.pattern})\s+(?:serum\s+|plasma\s+)?$",
            folded[max(sentence.start, name.start - 40) : name.start],
        )
        if ahead is None:
            return None
        start = max(sentence.start, name.start - 40) + ahead.start(1)
        word, stated = ahead, "undetectable"
        end = name.end
    else:
        end = word.end()
    if stated == "detectable":
        following = values.read_number(note.text, end, min(limit, end + 40), folded=folded)
        if following is not None:
            settled = settled_of(name.hit, following, False, note.text)
            if settled is None or settled.value is None:
                return None
            return [draft_of(name, following, settled, name.start, following.end)]
    return [
        Draft(
            family=FAMILY,
            concept=name.hit.key,
            start=start,
            end=end,
            rule_id=name.hit.concept.rule_id,
            anchor=(name.start, name.end),
            code=name.hit.concept.code,
            value_text=stated,
            assertion="present",
        )
    ]
