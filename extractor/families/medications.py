"""Medications that the criteria ask for: steroids, immunosuppressants, anticoagulants, anticonvulsants, antivirals,
LHRH analogues, growth factors, thyroid replacement, antibiotics, live vaccines, transfusions, oxygen.

One fact for each mention with ``status``, dates and, for steroids, the daily dose in mg of the drug itself (``value``;
20 mg/d = 10 mg twice a day; nothing where the dose is by weight). Inhaled, topical, nasal, ophthalmic, rectal and
intra-articular forms are no systemic medication (criteria 3.10).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from ..patterns import Patterns
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText
from ..records import Draft
from . import treatment_details as details
from .medication_periods import goes_on, is_over, of_line, of_list_entry, of_today, with_length
from .treatment_course import Course, courses
from .treatment_status import ASSERTION, Cues

FAMILY = "medication"
#: value: value_text; drug: the drug where the value is "other"; weak: names that need context
KEYS = frozenset({"value", "drug", "weak"})

_DOSE = re.compile(
    r"(?<![\d/.])(\d+(?:[.,]\d+)?)\s?(mg|mcg|µg|g)\b(?!\s?/\s?(?:kg|m2|m²|ml|5\s?ml|dl))"
    r"(?P<per>\s?/\s?(?:day|d|jour|j|body|dose)\b)?(?P<rest>[^.;,\n]{0,40})"
)
#: a dose for each kilogram, and what it comes to behind it
_BY_WEIGHT = re.compile(
    r"[^;,\n]{0,20}?\d\s?(?:mg|mcg)\s?/\s?(?:kg|m2|m²)(?P<total>(?:/(?:day|d|j|jour)\b|\sdaily|\s(?:per|a|par) (?:day|jour))?\s*(?:[(=,:]\s*(?:soit |i\.?e\.? |= ?)?|soit )"
    r"(?=\d+(?:[.,]\d+)?\s?mg\b(?!\s?/\s?(?:kg|m))))?"
)
_PAIR = re.compile(
    r"(?<![\d/])(\d{1,2}(?:\.\d)?)\s?(?:mg)?\s?[/+]\s?(\d{1,2}(?:\.\d)?)(?:\s?[/+]\s?(\d{1,2}(?:\.\d)?))?\b(?!\s?/)"
)
_BARE = re.compile(
    r"^\s?(\d{1,3}(?:\.\d)?)\b(?!\s?(?:/|weeks?|wks?|days?|months?|%|-|x(?!\s?\d+\s?d)|years?|doses?|\.\d))(?P<rest>[^.;,\n]{0,20})"
)
_TIMES = (
    (re.compile(r"\b(?:qd|q\.d\.?|qam|qhs|q ?day|q\.? ?24 ?h\w*|once (?:a |per )?da(?:y|ily)|daily)\b"), 1),
    (re.compile(r"\b(?:bid|bd|b\.i\.d\.?|b\.d\.|twice (?:a |per )?da(?:y|ily)|twice daily|q\.? ?12 ?h\w*|every 12 h\w*|2x/d\w*|x\s?2\s?/\s?[dj]\w*|2 ?fois par jour|1-0-1)\b"), 2),
    (re.compile(r"\b(?:tid|tds|t\.i\.d\.?|x\s?3\s?/\s?[dj]\w*|1-1-1|three times (?:a |per )?da(?:y|ily)|q\.? ?8 ?h?\w*|every 8 h\w*)\b"), 3),
    (re.compile(r"\b(?:qid|qds|q\.i\.d\.?|four times (?:a |per )?da(?:y|ily)|q\.? ?6 ?h?\w*|every 6 h\w*)\b"), 4),
    (re.compile(r"\b(?:qod|q\.o\.d\.?|every other day|alternate days)\b"), 0.5),
)  # fmt: skip
_DEPOT = re.compile(
    r"\b(?:q|every|each)\s?(\d{1,2}|one|three|four|six)?[\s-]*(m\b|mo\b|months?|weeks?|wks?|w\b)|\b(\d)[- ]month(?:ly)?\b|\b(monthly|quarterly)\b"
)
_TOUS_LES = re.compile(r"\btou(?:te)?s les (\d{1,2}) (mois|semaines)\b")
_UNITS = re.compile(r"\b(\d{1,2}|one|two|three|four|five|six)\s?(?:u\b|units?\b)")
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


class _Knowledge:
    cues: Cues
    route: dict[str, re.Pattern[str]]
    indication: dict[str, re.Pattern[str]]
    context: dict[str, re.Pattern[str]]


_KNOWN = _Knowledge()

#: how often a drug is taken, and a verb of starting right before it
_TAKEN = re.compile(
    r"\b(?:daily|weekly|once (?:a|per) (?:day|week)|bid|tid|qid|qd|od|bd|tds|qds|q ?(?:4|6|8|12|24) ?h\w*|nightly|qhs|qam|takes|taking|"
    r"every morning|en cours|par jour|matin)\b|\bmg ?/ ?j\b"
)
_BEGUN = re.compile(
    r"\b(?:(?:re)?started|begun|began|commenced|initiated|put|placed|remains|still|continues|maintained)\s+(?:\w+\s+){0,2}$"
)
#: a course with a date of its start alone is told by that date
_DAY = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}/\d{1,2}\b|\b(?:in|on) (?:\d{1,2} )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
#: a verb of ending right before the drug
_OVER = re.compile(r"\b(?:finished|completed|ended|stopped|came off|weaned off|termine)\s+(?:\w+\s+){0,2}$")
#: an empty box of a form: "[ ] currently on steroids"
_UNCHECKED = re.compile(r"(?:\[ {0,3}\]|[☐□])\s*(?:[a-z]+ ){0,3}$")
#: the columns START and STOP of a table of medications ("02/2024   present   adalimumab 40 mg q2wk")
_STILL_COLUMN = re.compile(r"\d\s+(?:present|ongoing|current|continuing)\s*$")
#: "off dex since September", "came off all steroids"; who wants to come off one is on it
_OFF = re.compile(r"(?P<wish>\b(?:come|coming|get|go|take|taking) )?\boff (?:all |of |his |her |the )?\W*$")
_SWELLING = re.compile(
    r"\b(?:vasogenic|perilesional|perifocal|peritumou?ral|cerebral|brain|cerebellar|frontal|parietal|temporal|occipital)\b[^.;]{0,70}\bo?edema\b|"
    r"\bo?edema\b[^.;]{0,40}\b(?:ventricle|mass effect|midline)\b"
)
_DATE_ONLY = re.compile(r"\s?\d{1,2}/\d{1,2}\b(?! ?mg)")
_BRAND = re.compile(r"\s?\([a-z][a-z -]{2,30}\)")
_TABLETS = re.compile(r"\btake (\d|half an?|one-half|two|three|four) (?:tabs?|tablets?|capsules?|pills?)\b")
_COUNT = {"half a": 0.5, "half an": 0.5, "one-half": 0.5, "two": 2.0, "three": 3.0, "four": 4.0}
#: "start Bactrim if on more than 20 mg": an order that waits for its condition
_BEGIN = re.compile(r"\b(?:start|begin|give|add|take|use|consider|initiate)\b[^.;,]{0,25}$")
_ON_CONDITION = re.compile(r"[^.;,\n]{0,30}\b(?:if|unless|in case of|should)\b")
_OVER_BEHIND = re.compile(
    r"^(?: (?:\d+ ?mg|dose pack|course|wean|taper(?:ed)?))*,? (?:was |were |is )?(?:done|finished|completed|ended|over|off)\b"
)


def setup(patterns: Patterns) -> None:
    tables = patterns.tables.get(FAMILY, {})
    _KNOWN.cues = Cues(patterns.tables["therapy"])
    for name in ("route", "indication", "context"):
        setattr(_KNOWN, name, {key: re.compile(expression) for key, expression in tables[name].items()})


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        kept = [hit for hit in hits if _counts(note, sentence.start, sentence.end, hit)]
        if sentence.section in ("allergies", "family_history") or _KNOWN.cues.of_others(sentence.folded, sentence.section):
            continue
        for course in courses(note, sentence, kept):
            for hit in course.hits:
                draft = _draft(note, course, hit)
                if draft is not None:
                    yield draft


def _counts(note: NoteText, start: int, end: int, hit: Hit) -> bool:
    """Is the name a systemic medication of the patient?"""
    folded = note.folded
    before, after = folded[max(start, hit.start - 40) : hit.start], folded[hit.end : min(end, hit.end + 50)]
    context = _KNOWN.context
    if context["none_before"].search(before) or context["none_after"].search(after):
        return False
    clause = re.split(r"[;,.]\s|\n", before)[-1] + " # " + re.split(r"[;,.]\s|\n| and ", folded[hit.end : min(end, hit.end + 70)])[0]
    sentence = folded[start:end]
    local = hit.key in ("systemic_steroid", "antibiotic", "immunosuppressant") and _KNOWN.route["excluded"].search(clause)
    if local or (hit.get("value") == "heparin" and _KNOWN.route["local_heparin"].search(before + after[:16])):
        return False
    value = hit.get("value")
    if hit.key == "immunosuppressant" and (
        value == "methotrexate" or hit.get("drug") in ("rituximab", "cyclophosphamide")
    ):
        wide = folded[max(0, start - 120) : end]
        return bool(context["inflammatory"].search(wide)) or (
            value == "methotrexate" and bool(context["weekly"].search(hit.name.lower() + after))
        )
    if hit.get("drug") in ("gabapentin", "pregabalin"):
        return bool(_KNOWN.indication["seizure"].search(sentence)) and not re.search(r"\bno (?:seizure|sz)", sentence)
    if hit.key == "systemic_steroid" and re.search(r"[a-z]-$", before) and not re.match(r"[^.;]{0,30}\d\s?mg", after):
        return False  # "bortezomib-dexamethasone": a partner of the regimen
    if hit.key == "supplemental_oxygen":
        if context["oxygen_not"].search(after[:25]):
            return False
        if hit.name[:3] in ("on ", "wit") and hit.name[-1:] != "n":
            near = before[-40:] + " # " + after[:40]
            if not re.search(
                r"\d\s?%|sat\w*|spo2|\bo2\b|oxygen|exert\w*|\brest\b|\bnc\b|cannula|sleep|night|home|hypox\w*|doe\b|dyspn\w*|\bra\b|breath\w*",
                near,
            ):
                return False
        if hit.name == "NC":
            return bool(re.search(r"\b\d{1,2}\s?l\w*(?:\s?/\s?min)?\s*(?:o2 )?(?:via|by|of)?\s*$", before))
    elif hit.name in hit.get("weak", ()):
        return bool(
            re.search(
                r"\b(?:on|for|continue\w*|start\w*|stop\w*|added|discontinu\w*|held|mg|g|tab\w*|hiv|hbv|hep\w*|daily|bid|therapy)\b",
                before[-25:] + " # " + after[:25],
            )
        )
    # "transfused 2 units of PRBC": the product behind it is the fact
    product_follows = re.match(r"\s*(?:with )?(?:\d|one|two|three|four)", after) and re.search(
        r"prbc|red|platelet|blood", after
    )
    return not (hit.name in ("transfused", "transfusion") and product_follows)


def _draft(note: NoteText, course: Course, hit: Hit) -> Draft | None:
    before, after = note.folded[course.left : hit.start], note.folded[hit.end : course.right]
    sentence = course.sentence
    concept = hit.key
    hiv = _KNOWN.context["hiv"].search(sentence.folded) and not re.search(
        r"\bhbv|hep(?:atitis)? b|hbsag", sentence.folded
    )
    if concept == "antiviral_hbv" and hit.get("value") in ("tenofovir", "lamivudine") and hiv:
        concept = "antiretroviral"
    drug = hit.get("value")
    if drug is None and concept == "transfusion":
        region = before[-40:] + note.folded[hit.start : hit.end] + after[:50]
        drug = (
            "platelets"
            if re.search(r"\bplatelets?|plts?\b", region)
            else "red_cells"
            if re.search(r"\b(?:prbcs?|red|rbcs?|blood|hgb|hemoglobin)\b", region)
            else None
        )
    attributes: dict[str, Any] = {}
    if hit.get("drug"):
        attributes["name"] = hit.get("drug")
    together = _status(course, note.folded[course.left : course.start], note.folded[course.end : course.right], concept)
    status, assertion = (
        together if together[0] in ("not_given", "declined") else _status(course, before, after, concept)
    )
    if status:
        attributes["status"] = status
    for name in ("iv", "oral", "im", "sc"):
        if _KNOWN.route[name].search(before[-25:] + " # " + after[:45]):
            attributes["route"] = name
            break
    indication = _indication(concept, hit, before, after, sentence.folded)
    earlier = sentence.previous() if indication is None and concept == "systemic_steroid" else None
    if earlier is not None and _SWELLING.search(earlier.folded[-120:]):
        indication = "cns"  # "... cerebellar lesion with oedema. Dexamethasone 8 mg"
    if indication:
        attributes["indication"] = indication
        if indication == "adrenal" and attributes.get("status") == "received" and not _KNOWN.cues.has_stopped(after[:80]):
            attributes["status"] = "ongoing"  # replacement is for life unless it is said to have ended
    if concept == "antibiotic" and _KNOWN.indication["prophylaxis"].search(before[-40:] + " # " + after[:50]):
        attributes["prophylaxis"] = "yes"
    if concept == "transfusion":
        units = _UNITS.search(before[-25:] + note.folded[hit.start : hit.end] + after[:25])
        if units:
            attributes["units"] = int(units.group(1)) if units.group(1).isdigit() else _WORDS[units.group(1)]
    if concept == "lhrh_analogue":
        interval = depot_months(before[-40:] + " # " + after[:80])
        if interval:
            attributes["interval_months"] = interval
    dates = note.dates_between(sentence.start, max(sentence.end, course.right))
    period = details.period(
        note.text,
        dates,
        course.left,
        hit.start,
        hit.end,
        course.right,
        single=concept in ("live_vaccine", "transfusion"),
        near_only=concept != "live_vaccine",
    )
    if (
        period.start is not None
        and period.end is None
        and (_OVER.search(note.folded[sentence.start : hit.start]) or _OVER_BEHIND.match(after))
    ):
        # "finished her prednisolone wean on 12 September": the day is the last one
        period = dataclasses.replace(period, start=None, end=period.start)
    if status in ("received", "ongoing"):
        period = of_list_entry(note, course, of_today(note, course, hit, after, period))
        period = with_length(of_line(note, course, period), after)
    if _STILL_COLUMN.search(before):
        period = details.Period(period.start, None)
    attributes |= period.attributes()
    if attributes.get("status") == "ongoing" and is_over(period, note.note_date):
        attributes["status"] = "received"
    if attributes.get("status") == "received" and goes_on(period, note.note_date):
        attributes["status"] = "ongoing"
    value: float | None = None
    written: str | None = None
    end = hit.end
    if concept == "systemic_steroid" and assertion != "absent":
        brand = _BRAND.match(after)  # "prednisone (DELTASONE) 10 mg tablet"
        skipped = brand.end() if brand else 0
        dated = note.dates_between(hit.end, hit.end + 8) and drug not in ("hydrocortisone", "cortisone")
        value, written, length = (None, None, 0) if dated and _DATE_ONLY.match(after) else daily_dose(after[skipped:])
        end = hit.end + length + (skipped if length else 0)
        tablets = _TABLETS.search(after[:90]) if value is not None else None
        if tablets and value is not None:
            value *= _COUNT.get(tablets.group(1)) or float(tablets.group(1))
        if value is None and drug:
            value, written = dose_before(before)
            end = hit.end
    return Draft(
        family=FAMILY,
        concept=concept,
        start=hit.start,
        end=end,
        anchor=(hit.start, hit.end),
        rule_id=hit.concept.rule_id,
        value=value,
        unit="mg/d" if value is not None else None,
        value_as_written=written,
        unit_as_written="mg" if written else None,
        value_text=drug,
        assertion=assertion,
        date=period.or_note(note.note_date),
        attributes=attributes,
    )


def _status(course: Course, before: str, after: str, concept: str) -> tuple[str | None, str | None]:
    """Status and, where a word decides it, the assertion."""
    if _UNCHECKED.search(before):
        return "not_given", "absent"
    if _STILL_COLUMN.search(before):
        return "ongoing", "present"
    off = _OFF.search(before)
    if off:
        return ("ongoing", "present") if off["wish"] else ("not_given", "absent")
    found = _KNOWN.cues.status(before, after)
    if found != "ongoing" and _BEGIN.search(before) and _ON_CONDITION.match(course.sentence.note.folded, course.end, course.sentence.end):
        found = "planned"
    if (
        found == "planned"
        and re.search(r"\bto (?:start|begin|receive)\b|\bprn\b", after[:30]) is None
        and course.sentence.section == "medications"
    ):
        found = None
    if found in ("planned", "declined", "not_given"):
        return found, ASSERTION[found]
    if found:
        return found, "present"
    region = before[-60:] + " # " + after[:80]
    if _KNOWN.cues.has_stopped(after[:80]) or _OVER_BEHIND.match(after) or re.search(r"\b(?:tapered|weaned) off\b", after[:80]):
        return "received", "present"
    if re.search(r"\bsous\s+$", before) or re.match(r"\W*(?:depuis|since)\b", after):  # "sous azathioprine"
        return "ongoing", "present"
    if (
        course.sentence.section == "medications"
        or _TAKEN.search(region)
        or (_BEGUN.search(before[-40:]) and not _DAY.search(after[:60]))
    ) and not re.search(r"\b(?:received|was given|were given|had been|treated with|completed)\b", before[-60:]):
        return "ongoing", "present"
    return "received", "present"


def _indication(concept: str, hit: Hit, before: str, after: str, sentence: str) -> str | None:
    if concept not in ("systemic_steroid", "anticonvulsant", "immunosuppressant"):
        return None
    near = before[-70:] + " # " + after[:90]
    names = (
        ("prophylaxis", "seizure", "pain", "cns")
        if concept == "anticonvulsant"
        else ("adrenal", "contrast", "irae", "antiemetic", "copd", "cns", "allergy", "appetite", "inflammatory")
    )
    for text in (near, sentence):
        for name in names:
            found = _KNOWN.indication[name].search(text)
            if found and not re.search(r"\b(?:no|without|denies)\W+(?:\w+\W+)?$", text[: found.start()]):
                return name
    return None


def daily_dose(after: str) -> tuple[float | None, str | None, int]:
    """Daily dose in mg from the text behind a drug's name, as written, and where the dose ends.

    >>> daily_dose(" 4 mg bid for edema")[0], daily_dose(" 40 mg daily")[0], daily_dose(" 1 mg/kg iv q12h")[0]
    (8.0, 40.0, None)
    >>> daily_dose(" 1 mg/kg (70 mg/day) from 6/3")[0]
    70.0
    >>> daily_dose(" 15/5 for ai")[0]
    20.0
    """
    window = after[:45]
    by_weight = _BY_WEIGHT.match(window)
    if by_weight:
        value, written, length = daily_dose(after[by_weight.end() :]) if by_weight["total"] is not None else (None, None, 0)
        return value, written, by_weight.end() + length if length else 0
    pair = _PAIR.match(window.lstrip())
    if pair and not re.match(r"\s*\d{1,2}/\d{1,2}\b(?!\s*(?:mg|for|daily|$|,|\.|;))", window):
        numbers = [float(n) for n in pair.groups() if n]
        return sum(numbers), pair.group(), len(window) - len(window.lstrip()) + pair.end()
    found = _DOSE.search(window)
    gap = window[: found.start()] if found else ""
    if found and not re.search(r"[;.)]|\band\b|\d{1,2}/\d|, (?!po|iv)[a-z]{5,}", gap):
        amount = float(found.group(1).replace(",", "."))
        unit = found.group(2)
        amount = amount * 1000 if unit == "g" else amount / 1000 if unit in ("mcg", "µg") else amount
        rest = after[found.end("rest") - len(found.group("rest")) :][:40]
        return amount * _factor(rest), found.group(1), found.start("rest")
    bare = _BARE.match(after)
    if bare and re.search(r"\b(?:daily|bid|tid|qd|qam|mg|q ?\d{1,2}h?|iv|im|x\s?\d+\s?d(?:ays?)?)\b", bare.group("rest")):
        return float(bare.group(1)) * _factor(bare.group("rest")), bare.group(1), bare.end(1)
    return None, None, 0


def dose_before(before: str) -> tuple[float | None, str | None]:
    """Daily dose written before the name: "20 mg/day dexamethasone", "40 mg of prednisone"."""
    found = re.search(
        r"(\d+(?:[.,]\d+)?)\s?mg(?:\s?/\s?(?:day|d|body))?(?: (?:a day|daily|oral|iv|po|of|bid|tid|dose of))*\s*$",
        before,
    )
    if not found:
        return None, None
    return float(found.group(1).replace(",", ".")) * _factor(found.group()), found.group(1)


def _factor(text: str) -> float:
    """How many times a day: the first frequency behind the dose ("4 mg q6h, to taper: 4 mg BID")."""
    own = re.split(r";|\.\s|\bthen\b|\bfor \d", text)[0]
    found = [(match.start(), times) for expression, times in _TIMES if (match := expression.search(own))]
    return min(found)[1] if found else 1


def depot_months(text: str) -> float | None:
    """Interval of a depot in months; None where it is not said.

    >>> depot_months("22.5 mg q3 months"), depot_months("monthly"), depot_months("every 12 weeks")
    (3, 1, 3)
    """
    text = _TOUS_LES.sub(lambda m: f"every {m[1]} {'months' if m[2] == 'mois' else 'weeks'}", text)
    found = _DEPOT.search(text)
    if found:
        if found.group(4):
            return 1 if found.group(4) == "monthly" else 3
        if found.group(3):
            return int(found.group(3))
        number = found.group(1)
        amount = (
            1
            if not number
            else int(number)
            if number.isdigit()
            else {"one": 1, "three": 3, "four": 4, "six": 6}[number]
        )
        if found.group(2).startswith("w"):
            return {4: 1, 12: 3, 16: 4, 24: 6}.get(amount)
        return amount if amount in (1, 3, 4, 6, 12) else None
    depot = {"7.5": 1, "3.75": 1, "3.6": 1, "11.25": 3, "22.5": 3, "10.8": 3, "30": 4, "45": 6}
    dose = re.search(r"\b(7\.5|3\.75|3\.6|11\.25|22\.5|10\.8|30|45)\s?mg\b", text)
    return depot[dose.group(1)] if dose else None
