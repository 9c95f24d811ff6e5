"""Anticancer treatment: drugs by INN, regimens split into drugs, radiotherapy, operations, transplants.

One fact for each drug of a course with ``status`` (received, ongoing, planned, declined, held, not_given), ``line``,
``cycles``, ``regimen``, ``intent``, ``start_date``, ``end_date`` (the last dose, as written: 2025, 2025-08,
2025-08-11 or an interval a/b), ``reason_stopped``. The date of the fact is the interval of the course.
Sources: criteria 3.8 lines, 3.9 regimens and their collisions, 3.10 drug classes, E7 radiotherapy and surgery.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..patterns import Patterns
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import SUPPORT, Draft
from . import treatment_details as details
from .local_treatments import LocalContext, procedure_name, side, site
from .toxicities import IMMUNE_CLASSES
from .treatment_course import Course, courses
from .treatment_lines import UNCOUNTED, Given, derive
from .treatment_merge import PHASES, carried, merged, planned_again
from .treatment_names import kept_hits
from .treatment_status import ASSERTION, Cues

FAMILY = "therapy"
#: class: drug class; kind: drug (where not given), regimen, unnamed, trial, partner, radiotherapy, surgery, transplant;
#: drugs: of a regimen; component: what a name says beside that; weak: names that need context; exact: names that must
#: be written exactly so; field: of radiotherapy; major: yes, no, unclear
KEYS = frozenset({"class", "kind", "drugs", "component", "weak", "exact", "field", "major"})

_UNNAMED = frozenset({"chemotherapy", "immunotherapy", "hormone_therapy"})
_SECTIONS_ONGOING = frozenset({"medications"})


class _Knowledge:
    cues: Cues
    context: LocalContext
    classes: dict[str, str]
    inflammatory: re.Pattern[str]
    weekly: re.Pattern[str]


_KNOWN = _Knowledge()


def setup(patterns: Patterns) -> None:
    tables = patterns.tables.get(FAMILY, {})
    _KNOWN.cues = Cues(tables)
    _KNOWN.context = LocalContext(tables)
    medication = patterns.tables["medication"]["context"]
    _KNOWN.inflammatory, _KNOWN.weekly = re.compile(medication["inflammatory"]), re.compile(medication["weekly"])
    _KNOWN.classes = {c.concept: c.data["class"] for c in patterns.of(FAMILY) if "class" in c.data}


@dataclass(frozen=True)
class Reading:
    """A course with all that is common to its drugs."""

    course: Course
    status: str
    assertion: str
    attributes: dict[str, Any]
    period: details.Period
    before: str
    after: str
    drugs: tuple[tuple[Hit, str, str], ...]  # hit, drug, regimen
    note_date: datetime.date | None = None


def read(note: NoteText) -> Iterable[Draft]:
    readings = [
        reading for sentence, hits in note.sentences_with(FAMILY) for reading in _readings(note, sentence, hits)
    ]
    readings = carried(planned_again(readings, _KNOWN.cues))
    lines = derive([_given(reading) for reading in readings])
    defined = _definitions(note, readings)
    drafts: list[Draft] = []
    operated = any(r.status == "received" and any(h.get("kind") == "surgery" for h in r.course.hits) for r in readings)
    for reading, number in zip(readings, lines, strict=True):
        if operated and reading.status == "planned" and all(_unnamed_operation(hit) for hit in reading.course.hits):
            continue  # what was planned is told again where it was done
        drafts += _drafts(note, reading, number)
    drafts += _defined_again(note, defined, readings)
    yield from merged(drafts, note.folded)
    yield from _never(note, readings)


def _unnamed_operation(hit: Hit) -> bool:
    return hit.get("kind") == "surgery" and (hit.get("component") == "bare" or hit.name in hit.get("weak", ()))


def _readings(note: NoteText, sentence: Sentence, hits: list[Hit]) -> Iterator[Reading]:
    if sentence.section == "allergies" or _KNOWN.cues.of_others(sentence.folded, sentence.section):
        return
    kept = kept_hits(note, sentence, hits, context=_KNOWN.context, inflammatory=_KNOWN.inflammatory, weekly=_KNOWN.weekly)
    planned = -1  # end of the last planned course of the sentence: what follows it is planned with it
    denied: Reading | None = None  # the last course if it was never given: what it includes was not given either
    for course in courses(note, sentence, kept):
        if all(hit.get("component") == "dose" for hit in course.hits):
            left, right = _around_dose(note, course)
            course = replace(course, left=left, right=right)
        before, after = note.folded[course.left : course.start], note.folded[course.end : course.right]
        before = before.replace("incl.", "incl ").replace("e.g.", "e g ")
        if _KNOWN.cues.mentioned_only(before, after):
            continue
        reading = _reading(note, course, before, after)
        follows = (
            planned >= 0
            and course.start - planned < 80
            and re.search(r"\b(?:followed by|then|with|and|plus)\b|[,:+]", note.folded[planned : course.start])
        )
        if follows and reading.status == "received" and reading.period.interval() is None:
            reading = replace(
                reading,
                status="planned",
                assertion=ASSERTION["planned"],
                attributes={**reading.attributes, "status": "planned"},
            )
        if denied and _INCLUDED.fullmatch(note.folded, denied.course.end, course.start):
            attributes = {**reading.attributes, "status": denied.status}
            reading = replace(reading, status=denied.status, assertion=denied.assertion, attributes=attributes)
        denied = reading if reading.status in ("not_given", "declined") else None
        if reading.status == "planned" and not all(hit.get("kind") == "trial" for hit in course.hits):
            planned = course.end
        yield reading


#: between what was never given and one of its kind ("no DLL3-targeted therapy including tarlatamab")
_INCLUDED = re.compile(r"\W*+(?:based |targeted |directed )?(?:therap(?:y|ies)|agents?|drugs?|treatments?)?\W*+(?:including|incl|such as|e\W?g|like|nor|or)\W*")
_COMPLETION = re.compile(r"\b(?:radiation oncology|radiotherapy|rad onc|radiation therapy)\b")


def _around_dose(note: NoteText, course: Course) -> tuple[int, int]:
    """Bounds of a course that only its dose tells ("30 Gy / 10 fx"): from the number on; in a completion note of
    radiation oncology the lines around it, which hold site and dates, belong to it."""
    number = re.search(r"\d[\d.,]*\s?$", note.text[course.left : course.start])
    left = course.left + number.start() if number else course.start
    right = course.right
    if _COMPLETION.search(note.folded[:400]) or _COMPLETION.search(note.note_type.lower()):
        left = course.left
        for step in (-1, 1):
            current = course.sentence
            for _ in range(3):
                following = note.sentence(current.index + step)
                if following is None or any(h.get("kind") == "radiotherapy" for h in following.hits(FAMILY)):
                    break
                current = following
            left, right = min(left, current.start), max(right, current.end)
    return left, right


def _reading(note: NoteText, course: Course, before: str, after: str) -> Reading:
    cues = _KNOWN.cues
    section = course.sentence.section
    single = all(hit.get("kind") in ("surgery", "transplant") for hit in course.hits)
    dates = note.dates_between(min(course.left, course.sentence.start), max(course.right, course.sentence.end))
    period = details.period(note.text, dates, course.left, course.start, course.end, course.right, single=single)
    if single and period.interval() is None and (day := details.operation_day(note, course.sentence)) is not None:
        period = details.Period(day, None)
    status = cues.status(before, after)
    if status is None:
        status = _default_status(note, course, period, section, before, after)
    if status == "ongoing" and period.end is not None and cues.resumes(after):
        period = details.Period(period.start, None)  # what ended there was the pause
    begun = period.start is not None and note.note_date is not None and period.start.latest < note.note_date
    if status == "planned" and begun and _DATED_START.search(before):
        status = "received"
    status = _by_date(status, period, note.note_date)
    attributes: dict[str, Any] = {"status": status}
    stated = details.line(before, after) or details.line(note.folded[course.start : course.end], "")
    if stated is not None:
        attributes["line"] = stated
    intents = cues.intents(
        before[-90:] + " " + note.folded[course.start : course.end] + " " + ("" if single else after[:60])
    )
    behind = _DOSING.match(after)
    behind_dose = after[behind.end() if behind else 0 :][:16]
    phase = cues.intents(before[-28:] + " # " + note.folded[course.start : course.end] + " # " + behind_dose)
    cut = course.hits[0].get("kind") == "surgery"  # an operation after adjuvant treatment is not adjuvant
    intents = [name for name in intents if name in phase or (name not in PHASES and not (cut and name.endswith("adjuvant")))]
    if intents:
        attributes["intent"] = intents[0]
    count = details.cycles(before, after)
    if count is not None and not single:
        attributes["cycles"] = count
    if status in ("received", "held", "ongoing") and not single:
        reason = cues.reason_stopped(after[:160]) or cues.reason_before(
            note.folded[course.sentence.start : course.start], after
        )
        if reason and status != "ongoing":
            attributes["reason_stopped"] = reason
    if re.search(
        r"\b(?:phase (?:[123]|i{1,3})\b|protocol|on (?:study|trial)|investigational|clinical trial|randomi[sz]ed)",
        after[:80] + before[-40:],
    ):
        attributes["trial"] = "yes"
    named = details.trial_id((note.text[course.left : course.right],))
    if named:
        attributes["trial_id"] = named
    assertion = ASSERTION[status]
    if re.match(r"\s?\?", after) and status in ("planned", "received"):
        assertion = "possible" if status == "received" else "hypothetical"
    return Reading(course, status, assertion, attributes, period, before, after, tuple(_drugs(course)), note.note_date)


#: dose and interval behind a drug
_DOSING = re.compile(r"(?:[\s,(]*(?:\d[\d.,]* ?m?g(?: ?/ ?(?:m2|kg))?|auc ?\d|q ?\d ?[dw]?\d?\w?|every \d \w+|iv|po)\)?(?![a-z])){1,4}")
#: a period whose end is left open ("6/9/25 - : tarlatamab")
_OPEN_RANGE = re.compile(r"\d\s?[-–—]\s*(?:[:;)|]|present\b|ongoing\b|$)")
_TO_PRESENT = re.compile(r"\d\s?(?:-|–|—|to|\|)\s*(?:the )?(?:present|ongoing|now|current)\b")
#: "neuropathy secondary to her chemotherapy": what had an effect was given
_CAUSED_BY = re.compile(r"\b(?:secondary|due) to\b[^.;]{0,30}$")
#: an entry of a history ("9/2 start tarlatamab")
_DATED_START = re.compile(r"\d\s*:?\s+(?:re)?starts?\s+$")
#: what shows that a drug was given
_EVIDENCE = re.compile(
    r"\b(?:received|given|treated|s/p|status post|doses?|cycles?|c\d+(?:d\d+)?|infused|started|(?:was|been) (?:randomi[sz]ed|allocated|assigned)|progress\w*|after|previous\w*|prior|since|had|on|"
    r"(?:19|20)\d\d|\d{1,2}/\d{2,4})\b|[x×]\s?\d"
)


def _by_date(status: str, period: details.Period, today: datetime.date | None) -> str:
    """An end that lies behind the note is no ongoing treatment, one that lies ahead no finished one."""
    if today is not None and status == "received" and period.start is not None and period.start.earliest > today:
        return "planned"
    if today is None or period.end is None:
        return status
    if status == "ongoing" and period.end.latest < today:
        return "received"
    if status == "received" and period.end.earliest > today:
        return "ongoing" if period.start is None or period.start.earliest <= today else "planned"
    return status


def _default_status(
    note: NoteText, course: Course, period: details.Period, section: str | None, before: str, after: str
) -> str:
    """Where no word decides: a drug of the medication list or one with a start and no end goes on."""
    drugs_only = all(hit.get("kind") in (None, "regimen", "unnamed", "trial") for hit in course.hits)
    region = before + after
    ended = period.end is not None or _KNOWN.cues.has_stopped(region)
    on_trial = any(hit.name.startswith("dellphi") for hit in course.hits) and (
        len(course.hits) > 1 or re.search(r"\b(?:on|in|enrolled)\W*$", before)
    )
    if (
        any(hit.get("class") == "dll3" for hit in course.hits)
        and not ended
        and not on_trial
        and not _EVIDENCE.search(region)
    ):
        return "planned"  # a name alone never says that it was given: it would bar the patient for good
    to_come = section == "plan" and not ended and period.start is None and not _CAUSED_BY.search(before)
    if not drugs_only:
        return "planned" if to_come and not re.search(r"\bs/p|status post|prior|after\b", region) else "received"
    if section in _SECTIONS_ONGOING and not ended:
        return "ongoing"
    if period.start is not None and not ended and (_OPEN_RANGE.search(before) or _TO_PRESENT.search(region)):
        return "ongoing"
    if (re.search(r"\bsince\b", before) or re.match(r"[^.;(]{0,40}\bsince\b(?=\s+[\w(])", after)) and period.start is not None and not ended and "cycles" not in region:
        return "ongoing"
    if to_come and not re.search(
        r"\b(?:s/p|status post|after|prior|received|progress\w*|pd|last|x ?\d|c\d|on)\b", region
    ):
        return "planned"
    return "received"


def _drugs(course: Course) -> Iterator[tuple[Hit, str, str]]:
    """The drugs of a course: each hit with its INN and the regimen that named it."""
    named = {hit.key for hit in course.hits if hit.get("kind") in (None, "partner")}
    for hit in course.hits:
        kind = hit.get("kind")
        if kind == "regimen":
            if len(named & set(hit.get("drugs", ()))) >= 2:
                continue  # "etoposide-cisplatin (EP)" names its drugs already
            for drug in hit.get("drugs", ()):
                if drug not in named or len(named) == 0:
                    yield hit, drug, hit.key
        elif kind is None:
            within = next(
                (h.key for h in course.hits if h.get("kind") == "regimen" and hit.key in h.get("drugs", ())), ""
            )
            yield hit, hit.key, within
        elif kind == "partner" and any(
            other.get("class") in ("proteasome", "imid", "anti_cd38", "vinca", "alkylator") for other in course.hits
        ):
            yield hit, hit.key, ""


def _given(reading: Reading) -> Given:
    drugs = frozenset(drug for _, drug, _ in reading.drugs if _KNOWN.classes.get(drug) not in UNCOUNTED)
    apart = reading.status not in ("received", "ongoing", "held") or reading.attributes.get("intent") in (
        "adjuvant",
        "neoadjuvant",
    )
    apart = apart or bool(re.search(r"\b(?:mother|father|brother|sister|wife|husband)\b", reading.before))
    joined = reading.attributes.get("intent") in ("maintenance", "consolidation") or bool(
        re.match(r"\s*(?:w/|with|added|from|starting|only)?\s*(?:from |with |at )?(?:c\d|cycles? \d)", reading.after)
    )
    return Given(drugs, reading.attributes.get("line"), apart, joined)


# -- drafts --------------------------------------------------------------------------------------------------------
def _drafts(note: NoteText, reading: Reading, line: int | None) -> Iterator[Draft]:
    course = reading.course
    common = dict(reading.attributes)
    if line is not None and "line" not in common:
        common |= {"line": line, "line_source": "derived"}
    for hit, drug, regimen in reading.drugs:
        attributes = dict(common)
        if drug in _KNOWN.classes:
            attributes["class"] = _KNOWN.classes[drug]
        if regimen:
            attributes["regimen"] = regimen
        written = note.folded[hit.start : hit.end]
        if written != drug and hit.get("kind") is None:
            attributes["as_written"] = note.text[hit.start : hit.end]
        if drug == "nab-paclitaxel":
            drug, attributes["formulation"] = "paclitaxel", "nab"
        if attributes.get("class") in UNCOUNTED:
            attributes = _without(attributes, "line", "line_source") if "line_source" in attributes else attributes
        yield _draft(reading, hit, drug, attributes)
    named = bool(reading.drugs)
    for hit in course.hits:
        kind, component = hit.get("kind"), hit.get("component")
        if kind == "regimen" and component:
            yield _draft(reading, hit, "chemotherapy", {**common, "regimen": hit.key}, value_text=component)
            if component == "chemoradiation":
                dose = details.radiation(reading.before, reading.after)
                yield _draft(reading, hit, "radiotherapy", _without(common, "line", "line_source", "cycles") | dose)
        elif kind == "regimen" and not hit.get("drugs"):
            yield _draft(reading, hit, "chemotherapy", {**common, "regimen": hit.key})
        elif (kind == "unnamed" and not (named and hit.key in _UNNAMED and not component)) or (
            kind == "trial" and reading.status != "planned"
        ):
            yield _draft(reading, hit, hit.key, common, value_text=component)
        elif kind == "radiotherapy":
            yield _radiotherapy(note, reading, hit, common)
        elif kind == "surgery":
            yield _surgery(note, reading, hit, common)
        elif kind == "transplant":
            yield _draft(
                reading,
                hit,
                "transplant",
                _without(common, "line", "line_source", "cycles"),
                value_text=hit.name.lower(),
            )


def _draft(
    reading: Reading, hit: Hit, concept: str, attributes: dict[str, Any], value_text: str | None = None
) -> Draft:
    period = reading.period
    attributes = attributes | period.attributes()
    return Draft(
        family=FAMILY,
        concept=concept,
        start=hit.start,
        end=hit.end,
        rule_id=hit.concept.rule_id,
        value_text=value_text,
        assertion=reading.assertion,
        temporality="future" if reading.status == "planned" else None,
        date=period.or_note(reading.note_date),
        attributes=attributes,
    )


#: what a denied drug says was never given, by class or concept
_CLASS_NEVER = {"platinum": "platinum", "dll3": "dll3", "arsi": "arsi", "ret_selective": "ret"}
_CONCEPT_NEVER = {"immunotherapy": "io", "clinical_trial_drug": "trial", "radiotherapy": "radiotherapy"}
_NEVER = re.compile(r"\b(?:no|never|not (?:treated|received|been given)|without|naive|none)\b")


def _never(note: NoteText, readings: list[Reading]) -> Iterator[Draft]:
    """Support facts ``no_prior``: a class that the note says was never given."""
    for reading in readings:
        denied = _NEVER.search(reading.before) or re.match(
            r"[^.;]{0,20}(?:na[iï]ve|none|\bnever\b|not used|not given)", reading.after
        )
        if reading.status != "not_given" or not denied:
            continue
        if reading.period.start is not None and not _NEVER.search(f"{reading.before} {reading.after}"):
            continue  # "atezolizumab 03/03/2026: not given" is one dose
        for hit in reading.course.hits:
            kind = hit.get("class")
            name = "io" if kind in IMMUNE_CLASSES else _CLASS_NEVER.get(kind) or _CONCEPT_NEVER.get(hit.key)
            if hit.key == "chemotherapy":
                name = (
                    "platinum"
                    if hit.get("component") == "platinum"
                    else "systemic"
                    if hit.name.startswith("systemic")
                    else None
                )
            if hit.key == "radiotherapy" and _KNOWN.context.field(hit, reading.before, reading.after):
                name = None
            if name:
                yield Draft(
                    SUPPORT,
                    "no_prior",
                    hit.start,
                    hit.end,
                    hit.concept.rule_id,
                    value_text=name,
                    assertion="present",
                    date=reading.period.or_note(reading.note_date),
                )


def _without(attributes: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key not in names}


def _radiotherapy(note: NoteText, reading: Reading, hit: Hit, common: dict[str, Any]) -> Draft:
    attributes = _without(common, "line", "line_source", "cycles")
    before, after = reading.before, reading.after
    if hit.get("component") == "dose":
        number = re.search(r"\d[\d.,]*\s?$", before)
        after = (number.group() if number else "") + note.folded[hit.start : hit.end] + after
    attributes |= details.radiation(before, after)
    field = _KNOWN.context.field(hit, reading.before, reading.after)
    if field is None and hit.get("component") == "dose":
        field = _KNOWN.context.field(hit, note.folded[reading.course.sentence.start : reading.course.start], "")
    if field:
        attributes["field"] = field
    elif reading.status not in ("not_given", "declined"):
        attributes["field"] = "other"
    if "proton" in hit.name:
        attributes["modality"] = "proton"
    where = site(note.folded[hit.end : max(reading.course.right, hit.end)])
    if where:
        attributes["site"] = where
    concept = hit.key
    if concept == "sbrt" and field == "brain":
        concept = "srs"
    if (
        concept == "srs"
        and hit.name in ("stereotactic radiation", "stereotactic radiotherapy", "SRT")
        and field
        and field != "brain"
    ):
        concept = "sbrt"
    return _draft(reading, hit, concept, attributes)


def _surgery(note: NoteText, reading: Reading, hit: Hit, common: dict[str, Any]) -> Draft:
    attributes = _without(common, "line", "line_source", "cycles", "reason_stopped")
    attributes["major"] = hit.get("major", "yes")
    name = procedure_name(note, reading.course.sentence, hit)
    concept = hit.key
    if concept == "orchiectomy":
        attributes["side"] = side(reading.before[-30:] + note.folded[hit.start : hit.end])
        if attributes["side"] in ("left", "right", "unilateral"):
            concept = "surgery"
    return _draft(reading, hit, concept, attributes, value_text=name)


# -- abbreviations that a note defines for itself ------------------------------------------------------------------
_DEFINITION = re.compile(r"\s*(?:\w+\s+){0,2}\(([A-Z][A-Za-z]{1,4}(?:-[A-Z][A-Za-z]{0,4})?)\)")


def _definitions(note: NoteText, readings: list[Reading]) -> dict[str, Reading]:
    """ "bortezomib-dexamethasone (Bd)": the code and the reading that it stands for."""
    found: dict[str, Reading] = {}
    for reading in readings:
        if len(reading.drugs) < 2:
            continue
        match = _DEFINITION.match(note.text, reading.course.end)
        if match:
            found.setdefault(match.group(1), reading)
    return found


def _defined_again(note: NoteText, defined: dict[str, Reading], readings: list[Reading]) -> Iterator[Draft]:
    taken = [(hit.start, hit.end) for reading in readings for hit in reading.course.hits]
    for code, reading in defined.items():
        for match in re.finditer(rf"\b{re.escape(code)}\b", note.text):
            start, end = match.span()
            if start < reading.course.right or any(a < end and start < b for a, b in taken):
                continue
            sentence = note.sentence_at(start)
            near = note.folded[max(sentence.start, start - 30) : min(sentence.end, end + 30)]
            if not _KNOWN.context.near("regimen", near) and not re.search(r"\btherap\w*|\btreat\w*", near):
                continue
            hits = tuple(replace(hit, start=start, end=end) for hit, _, _ in reading.drugs)
            course = Course(hits, start, end, sentence.start, sentence.end, sentence)
            before, after = note.folded[course.left : start], note.folded[end : course.right]
            again = _reading(note, course, before, after)
            for hit, drug, _ in again.drugs:
                yield _draft(
                    again, hit, drug, again.attributes | {"regimen": code, "class": _KNOWN.classes.get(drug, "")}
                )
