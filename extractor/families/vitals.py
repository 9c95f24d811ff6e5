"""Vital signs: blood pressure as a pair, heart rate, temperature, weight, height, oxygen saturation.

The saturation carries ``oxygen`` (room_air, supplemental) and ``activity`` (rest, exertion) where they are written
beside it. A body weight needs a unit: a bare number may be pounds or kilograms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..patterns import Patterns
from ..pipeline import quantity, tables, values
from ..pipeline.dating import trend_dates
from ..pipeline.names import Name, merge, run_from
from ..pipeline.quantity import settle
from ..pipeline.text import NoteText, Sentence
from ..pipeline.values import Reading
from ..records import Draft
from . import lab_context, vital_build

FAMILY = "vital"
#: height and weight may stand without a name, so every note is read
ALWAYS = True
KEYS = quantity.KEYS | {"disorder", "pair", "silent", "with_vitals", "body"}

_PRESSURE = re.compile(
    r"(?P<s1>\d{2,3}(?:\.\d{1,2})?)(?:\s?[-–]\s?(?P<s2>\d{2,3}))?\s?(?:/|\bover\b"
    r"|\\)\s?(?P<d1>\d{1,3}(?:\.\d{1,2})?)(?:\s?[-–]\s?(?P<d2>\d{2,3}))?(?![\d/])"
    r"(?P<unit>\s?(?:mm\s?(?:of\s)?Hg|mmhg|MMHG|cmHg))?"
)
#: "90 mmHg systolic and 60 mmHg diastolic", "systolic 90 mmHg, diastolic 60 mmHg"
_NAMED_PRESSURE = re.compile(
    r"(?P<a>systolic\W{1,3}(?:of\s)?)?(?P<s1>\d{2,3})(?P<s2>)\s?(?:mm\s?hg)?(?(a)|\s(?:systolic|\(systolic\)))[\s,/;]{1,2}(?:and\s|over\s)?"
    r"(?(a)diastolic\W{1,3}(?:of\s)?)(?P<d1>\d{2,3})(?P<d2>)(?P<unit>\s?mm\s?hg)?(?(a)|\s\(?diastolic)",
    re.IGNORECASE,
)
#: "blood pressure 80 mmHg", "BP 70/palp": the systolic one alone
_SYSTOLIC = re.compile(
    r"(?P<s1>\d{2,3})(?:\s?mm\s?hg(?:\s?/\s?(?:palp\w*|p\b))?|\s?/\s?(?:palp\w*|p\b|doppler|unrecordable|undetectable|-)|\s(?:systolic|palp\w*)\b)(?!\s?/\s?\d)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"(?:around|about|approximately|approx\.?|roughly|nearly|almost|as (?:high|low) as|up to|~)\s?(?=\d)")
_NEXT_PRESSURE = re.compile(
    r"\s*(?:\([a-z ]{3,24}\)|(?:sitting|lying|supine|standing))?\s*[,;]\s*(?=\d{2,3}/\d{2})|\s*(?:->|-->|→|\bto\b|(?:,?\s*and\b\s*)?(?:(?:on|with|upon)\s)?(?:a\s)?(?:repeat\w*|recheck\w*|second|manual\w*)\b[^.;\n\d]{0,20}(?=\d{2,3}/\d{2})|and\b(?=\s+\d{2,3}/\d{2})|[^.;\n\d]{0,40}?\b(?:drop\w*|f[ae]ll\w*|ris\w+|rose|increas\w*|decreas\w*|declin\w*|improv\w*|went|came)\s+(?:up\s|down\s|back\s)?to\b(?=\s\d{2,3}/\d{2})|,?\s*then\b|,?\s*and then\b|,\s*(?:down|up) to\b)\s*(?=\d)"
)
_CHANGE = re.compile(
    r"\b(?:lost|gained|gain|loss|down|up|decreas\w*|increas\w*|drop\w*|fell|fallen|declin\w*"
    r"|reduc\w*)\b(?!.*\b(?:to|from|at)\b)"
)
_MORE_SATS = re.compile(
    r"(?P<between>[^.;\n%]{1,48}?)(?P<value>(?<![\d.])\d{2,3})(?:\s?(?P<unit>%)|(?<=\bto \d\d)(?![\d.%]))"
)
_WISH = re.compile(
    r"\b(?:goal|target|keep|(?<!able to )(?<!could )maintain(?!ing|ed)|if|should be|to achieve|titrate\w*|objectif|cible|(?:hold|call|bp|with|notify) parameters|aim|eligib\w+|criteria)\b(?:[^.;\n]|\.(?=\d))*$"
)
_THRESHOLD = re.compile(
    r"\b(?:call|notify|return|report|if|hold|when|contact|page|precautions|instructed|parameters|for|alert)\b"
    r"(?:[^.;\n]|\.(?=\d))*$"
)
_ADVICE = re.compile(r"\s*(?:or (?:above|higher|more|less|greater)\s+)?(?:must|should|needs? to|please|call|to be reported|is an emergency)\b")
_BEHIND_DATE = re.compile(r"[\s:|-]*")
#: of a culture or an apparatus, not of a body
_NOT_BODY = re.compile(r"\b(?:incubat\w*|stor(?:ed|age)|cultured?|frozen|freez\w+|thaw\w*|centrifug\w*|anneal\w*|denatur\w*|water|bath|ablation|oesophageal|esophageal|cryo\w*)\b")
_BREATHS = re.compile(r"breath|cycle|resp", re.IGNORECASE)
_READINGS = re.compile(r"\s*readings from (?:the )?last \d+ (?:encounters|visits)")
#: kg: no specimen weighs as much
HEAVIER = 30
_SPECIMEN = re.compile(
    r"\b(?:specimen|uterus|mass|tumou?r|spleen|kidneys?|prostate|gland|implant|tissue|thymus|placenta|liver|lungs?|heart|"
    r"brain|breasts?|baby|neonate|organ|nodule|lobe|fragments?|colon|ovary|bowel|cyst|limb|dog|cat|fetus|operative)\b"
)
_CENTIMETRES_OF_MERCURY = ("TA", "PA", "tension arterielle", "pression arterielle")

_oxygen: dict[str, re.Pattern[str]] = {}


def setup(patterns: Patterns) -> None:
    table = patterns.tables[FAMILY]["oxygen"]
    _oxygen.clear()
    _oxygen.update({key: re.compile(values.phrases(words)) for key, words in table.items()})


def read(note: NoteText) -> Iterable[Draft]:
    comma = quantity.decimal_comma(note.text)
    covered: list[tuple[int, int]] = []
    for sentence, hits in note.sentences_with(FAMILY):
        names = merge(note.folded, hits)
        read_here = set()
        for draft in _sentence(note, sentence, names, comma):
            read_here.add(draft.concept)
            if draft.concept in ("weight", "height"):
                covered.append((draft.start, draft.end))
            yield draft
        if "systolic_bp" in read_here and "temperature" not in read_here:
            yield from vital_build.temperature_beside(note.text, sentence.start, sentence.end)
        if read_here & {"systolic_bp", "temperature", "spo2"} and "heart_rate" not in read_here:
            yield from vital_build.rate_beside(note.folded, sentence.start, sentence.end)
    if vital_build.may_stand(note.text, note.vocabulary):
        for draft in vital_build.unnamed(note.text, note.folded):
            if not any(start < draft.end and draft.start < end for start, end in covered):
                covered.append((draft.start, draft.end))
                yield draft


def _sentence(note: NoteText, sentence: Sentence, names: list[Name], comma: bool) -> Iterator[Draft]:
    index, floor = 0, sentence.start
    sure = (
        any(not n.hit.get("with_vitals") and not n.silent for n in names)
        or "vital" in sentence.folded
        or "vss" in sentence.folded
        or sum(bool(n.hit.get("with_vitals")) for n in names) > 1
        or "vs:" in sentence.folded
    )
    while index < len(names):
        name = names[index]
        if name.start < floor:  # a part of what was read: "90 mmHg systolic"
            index += 1
            continue
        limit = names[index + 1].start if index + 1 < len(names) else sentence.end
        interval = name.hit.name == "PR" and re.search(r"\b(?:qrs|qtc?|interval)\b", sentence.folded)
        if name.hit.get("with_vitals") and (not sure or interval):  # PR beside QRS is an interval of the ECG
            index += 1
            continue
        run = run_from(note.folded, names, index)
        if len(run) > 1 and not any(n.hit.get("pair") for n in run):
            after = index + len(run)
            end = names[after].start if after < len(names) else sentence.end
            letters = {k: v for n in run for k, v in n.hit.get("letters", {}).items()}
            found = values.read_list(note.text, run[-1].end, end, len(run), letters=letters, folded=note.folded)
            if found:
                for one, reading in zip(run, found, strict=True):
                    yield from _drafts(note, sentence, one, reading, comma, one.start, reading.end)
                floor = found[-1].tail
                index += len(run)
                continue
        if _READINGS.match(note.folded, name.end):
            yield from _readings(note, sentence, name, comma)
        elif name.hit.get("pair") or (name.silent and _riva_rocci(note, name, limit)):
            drafts = list(_pressure(note, sentence, name, limit))
            yield from drafts
            floor = drafts[-1].end if drafts else floor
        elif not name.silent:
            for draft in _single(note, sentence, name, limit, floor, comma):
                yield draft
                floor = max(floor, draft.end)
        index += 1


def _riva_rocci(note: NoteText, name: Name, limit: int) -> bool:
    """Is this RR a blood pressure (Riva-Rocci), as German and Dutch notes write it?"""
    if note.folded[name.start : name.end] != "rr":
        return False
    at, _, _, _ = values.connect(note.text, name.end, limit, folded=note.folded)
    match = _PRESSURE.match(note.text, at, limit)
    return match is not None and float(match["s1"]) >= 80 and float(match["d1"]) >= 40


def _readings(note: NoteText, sentence: Sentence, name: Name, comma: bool) -> Iterator[Draft]:
    """Lines of "Wt Readings from Last 3 Encounters:", each a date and a value."""
    text = note.text
    _, stop = note.line(name.start)
    for start, end in tables.lines_below(text, stop):
        spans = note.dates_between(start, end)
        if len(spans) != 1 or text[start : spans[0].start].strip():
            return
        date = (spans[0].earliest, spans[0].latest, spans[0].precision)
        at = values.past(_BEHIND_DATE, text, spans[0].end, end)
        if name.hit.get("pair"):
            match = _PRESSURE.match(text, at, end)
            drafts = list(_pressures(name, match, spans[0].start)) if match else []
        else:
            reading = values.read_plain(text, at, end, letters=name.hit.get("letters", {}), folded=note.folded)
            read = _drafts(note, sentence, name, reading, comma, reading.start, reading.end) if reading else ()
            drafts = list(read)
        for draft in drafts:
            yield replace(draft, start=at, anchor=(at, draft.end), date=date)


def _wished(note: NoteText, sentence: Sentence, name: Name) -> bool:
    return bool(_WISH.search(note.folded, max(sentence.start, name.start - 80), name.start))


def _single(note: NoteText, sentence: Sentence, name: Name, limit: int, floor: int, comma: bool) -> Iterator[Draft]:
    text, hit = note.text, name.hit
    if _wished(note, sentence, name) or lab_context.RELATIVE.search(note.folded, max(sentence.start, name.start - 30), name.start):
        return
    at, between, _, _ = values.connect(text, name.end, limit, folded=note.folded)
    if hit.get("body"):
        compound = vital_build.compound(text, at, hit.key)
        if compound is not None:
            value, end, raw = compound
            if not _CHANGE.search(between):
                yield _draft(name, value, None, "=", raw, None, name.start, end, {})
            return
    letters = hit.get("letters", {})
    ahead = note.folded[max(floor, name.start - 16) : name.start]
    bracketed = note.folded.startswith("(", name.end + 1) or note.folded.startswith("(", name.end)
    follows = hit.get("body") and not bracketed and (re.search(r"\d\s?(?:cm|m|kgs?|lbs?|pounds|in|inches|ft|feet|['\"”])?\s+in\s+$|(?:\bin|ft|cm|m|kgs?|lbs?|pounds|['\"”])\s?\)\s*$", ahead) or note.folded[name.start : name.end] == "tall")
    reading = values.named_behind(text, name.start, floor, letters=letters, folded=note.folded)
    last = name.end if reading is not None else 0
    if reading is None and not follows:
        reading = values.read_number(text, name.end, limit, letters=letters, folded=note.folded)
    start, end = name.start, last
    if reading is None and hit.key == "height" and (feet := vital_build.feet_before(text, floor, name.start)) is not None:
        value, start, raw = feet
        yield _draft(name, value, None, "=", raw, None, start, name.end, {})
        return
    if reading is None:
        # "163 cm (5 ft 4 in) tall": the bracket repeats the value
        bracket = text.rfind("(", floor, name.start) if ahead.rstrip().endswith(")") else -1
        at = bracket if bracket > 0 else name.start
        reading = values.read_before(text, at, floor, letters=letters, folded=note.folded)
        if reading is None or (reading.unit is None and hit.key != "temperature"):
            return
        if note.folded[name.start : name.end] == "length" and not (reading.unit == "[in_i]" and reading.value >= 48):
            return  # "a bowel of 50 cm in length"
        if hit.key not in ("height", "spo2", "weight", "temperature", "heart_rate"):
            return
        over = note.folded[name.start : name.end] in ("overweight", "underweight")
        if hit.get("body") and (over or _CHANGE.search(note.folded, max(floor, reading.start - 24), reading.start)):
            return  # "gained 5 kg of weight", "40 pounds overweight"
        start, end = reading.start, name.end
    elif hit.get("body") and (
        _CHANGE.search(between) or (note.folded[name.start : name.end] in ("tall", "stands") and reading.unit is None)
    ):
        return
    readings = sorted((reading, *reading.history), key=lambda r: r.start)
    dates = trend_dates(note, sentence, [(r.start, r.end) for r in readings])
    light = reading.unit != "kg" or reading.value < HEAVIER
    if hit.key == "weight" and light and _SPECIMEN.search(note.folded, max(sentence.start, name.start - 60), name.start):
        return
    if hit.key == "temperature" and _NOT_BODY.search(note.folded, max(sentence.start, name.start - 60), name.start):
        return
    if reading.comparator not in ("=", "~") and (
        _THRESHOLD.search(note.folded, max(sentence.start, start - 120), start)
        or _ADVICE.match(note.folded, reading.end, sentence.end)
    ):
        return
    for one, date in zip(readings, dates, strict=True):
        for draft in _drafts(note, sentence, name, one, comma, min(start, one.start), max(one.end, end), limit=limit):
            now = "current" if one.start < readings[-1].start else None
            yield replace(draft, date=date, temporality=now if one is reading else "historical")
    if hit.key == "spo2":
        yield from _more_saturations(note, name, reading, limit)


def _drafts(
    note: NoteText,
    sentence: Sentence,
    name: Name,
    reading: Reading,
    comma: bool,
    start: int,
    end: int,
    *,
    limit: int = 0,
) -> Iterator[Draft]:
    hit = name.hit
    if hit.key == "heart_rate" and _BREATHS.match(reading.unit_raw or ""):
        return
    if reading.unit == "deg":
        reading = replace(reading, unit=None)  # a degree sign without its scale
    if reading.unit is None and re.match(r"['’]?s\b", note.text[reading.end : reading.end + 3]):
        return  # "HR 80s"
    if hit.get("silent") or (
        re.match(r"\s?(?:%|percentile|th\b|/6)", note.text[reading.end : reading.end + 12]) and hit.key != "spo2"
    ):
        return
    settled = settle(
        reading, concept=hit.key, unit=hit.concept.unit or "1", data=hit.concept.data, comma=comma, as_written=False
    )
    if settled is None or settled.value is None:
        return
    attributes = dict(settled.attributes)
    if hit.key == "spo2":
        attributes |= _circumstances(note.folded, name.start, start, end, max(limit, end), reading)
    yield _draft(
        name,
        settled.value,
        settled.value_high,
        reading.comparator,
        reading.as_written,
        reading.unit_raw,
        start,
        end,
        attributes,
    )


def _draft(
    name: Name,
    value: float,
    high: float | None,
    comparator: str,
    written: str,
    unit_raw: str | None,
    start: int,
    end: int,
    attributes: dict[str, Any],
) -> Draft:
    return Draft(
        family=FAMILY,
        concept=name.hit.key,
        start=start,
        end=end,
        rule_id=name.hit.concept.rule_id,
        anchor=(name.start, name.end),
        code=name.hit.concept.code,
        value=value,
        value_high=high,
        comparator=comparator,
        unit=name.hit.concept.unit,
        value_as_written=written,
        unit_as_written=unit_raw,
        assertion="present",
        attributes=attributes,
    )


# -- pairs and compounds -------------------------------------------------------------------------------------------
def _pressure(note: NoteText, sentence: Sentence, name: Name, limit: int) -> Iterator[Draft]:
    """Systolic over diastolic, with ranges and with a second pair behind an arrow."""
    text = note.text
    if _wished(note, sentence, name):
        return
    at, _, _, _ = values.connect(text, name.end, limit, folded=note.folded)
    at = values.past(_ABOUT, note.folded, at, limit)
    while True:
        match = _PRESSURE.match(text, at, limit) or _NAMED_PRESSURE.match(text, at, sentence.end)
        drafts = list(_pressures(name, match, name.start)) if match else []
        if match is None and (alone := _SYSTOLIC.match(text, at, limit)) and 40 <= float(alone["s1"]) <= 300:
            mean = re.search(r"\b(?:mean|pulse|diastolic|pulmonary|venous)\W{1,3}$", note.folded[max(0, name.start - 12) : name.start])
            yield from () if mean else _one_pressure(name, "systolic_bp", "LOINC 8480-6", float(alone["s1"]), 0, alone, name.start)
            return
        yield from drafts
        step = _NEXT_PRESSURE.match(text, match.end(), limit) if match and drafts else None
        if step is None:
            return
        at = step.end()


def _pressures(name: Name, match: re.Match[str], start: int) -> Iterator[Draft]:
    """The two drafts of one written pair; none where it can be no blood pressure."""
    # a second number is the end of a range, 0 where there is none
    s1, s2, d1, d2 = (float(match[k] or 0) for k in ("s1", "s2", "d1", "d2"))
    if name.hit.name in _CENTIMETRES_OF_MERCURY and s1 <= 25 and d1 <= 15:
        s1, s2, d1, d2 = s1 * 10, s2 * 10, d1 * 10, d2 * 10
    if not (40 <= s1 <= 300 and 10 <= d1 <= 200 and s1 > d1):
        return
    for concept, code, low, high in (
        ("systolic_bp", "LOINC 8480-6", s1, s2),
        ("diastolic_bp", "LOINC 8462-4", d1, d2),
    ):
        yield from _one_pressure(name, concept, code, low, high, match, start)


def _one_pressure(
    name: Name, concept: str, code: str, low: float, high: float, match: re.Match[str], start: int
) -> Iterator[Draft]:
    unit = re.search(r"[a-z ]*hg", match.group(), re.IGNORECASE)
    yield Draft(
        family=FAMILY,
        concept=concept,
        start=start,
        end=match.end(),
        rule_id=name.hit.concept.rule_id,
        anchor=(name.start, name.end),
        code=code,
        value=low,
        value_high=high if high > low else None,
        comparator="=",
        unit="mm[Hg]",
        value_as_written=match.group().strip(),
        unit_as_written=unit.group().strip() if unit else None,
        assertion="present",
    )


# -- oxygen saturation ---------------------------------------------------------------------------------------------
def _circumstances(folded: str, name_start: int, start: int, end: int, limit: int, reading: Reading) -> dict[str, Any]:
    """Device and activity written behind the value, else before the name."""
    behind = re.split(r"[.;\n]|\d{2,3}\s?%", folded[end : min(limit, end + 60)])[0].lstrip(" ,(")
    behind = re.split(r",|\b(?:and|but|so|which|then|requiring|prior to|before)\b", behind)[0]
    before = re.split(r"[.;\n,]", folded[max(0, min(start, name_start) - 28) : min(start, name_start)])[-1]
    inside = folded[min(start, name_start) : reading.start]
    found: dict[str, Any] = {}
    for place in (behind, inside, before):
        if "oxygen" not in found:
            air, extra = _oxygen["room_air"].search(place), _oxygen["supplemental"].search(place)
            if air and (extra is None or air.start() < extra.start()):
                found["oxygen"] = "room_air"
            elif extra:
                found["oxygen"] = "supplemental"
        if "activity" not in found:
            moving, resting = _oxygen["exertion"].search(place), _oxygen["rest"].search(place)
            if moving and (resting is None or moving.start() < resting.start()):
                found["activity"] = "exertion"
            elif resting:
                found["activity"] = "rest"
    return found


def _more_saturations(note: NoteText, name: Name, first: Reading, limit: int) -> Iterator[Draft]:
    """Further values of one saturation: "89 % with ambulation, 95 % at rest on room air"."""
    folded = note.folded
    at = max([first.end, *(r.end for r in first.history)])
    for _ in range(3):
        match = _MORE_SATS.match(folded, at, limit)
        if match is None or not 30 <= float(match["value"]) <= 100:
            return
        between = match["between"]
        words = any(pattern.search(between) for pattern in _oxygen.values()) or match["unit"] is None
        behind = re.sub(r"^[\s(]*(?:(?:with|w/|on|at|in)\s*)?", "", folded[match.end() : match.end() + 40])
        if not words and not any(pattern.match(behind) for pattern in _oxygen.values()):
            return
        reading = Reading(
            match.start("value"), match.end(), float(match["value"]), match["value"], unit_raw="%", unit="%"
        )
        attributes = _circumstances(folded, reading.start, reading.start, match.end(), max(limit, match.end()), reading)
        if not attributes:
            attributes = _circumstances(between, 0, 0, 0, len(between), Reading(0, 0, 0.0, ""))
        yield _draft(name, reading.value, None, "=", reading.as_written, "%", name.start, match.end(), attributes)
        at = match.end()
