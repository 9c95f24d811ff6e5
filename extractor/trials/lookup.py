"""Numbers, findings and events of one patient for the generic parts of a rule: no clinical knowledge lives here.

Clinical state machines (washout, brain metastases, lines of therapy …) are states of the timeline; a rule that names a
concept of the vocabulary is answered here from its facts. The newest value inside the window counts, a copied one never
refreshes a window, an older one is only a provisional answer (R12), and two values of one day on both sides of a
threshold are unknown (R1).
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import knowledge
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.trials.language import ULN, Compare, Event, Is, Present, Received, Window
from extractor.truth import Answer, Truth, any_of

#: concepts that are read from the patient and not from a family of dated values
AGE, SEX = "age", "sex"


def spoken(name: str) -> str:
    """A concept's name in a sentence.

    >>> spoken("bilirubin_total")
    'bilirubin total'
    """
    return name.replace("_", " ")


def _inside(interval: time.Interval | None, index: datetime.date, window: Window | None) -> Truth:
    if interval is None:
        return Truth.U
    if window is None:
        return Truth.F if interval[0] > index else Truth.T if interval[1] <= index else Truth.U
    if window.days is not None:
        return time.within_days(interval, index, window.days)
    return time.within_months(interval, index, window.months or 0)


def _limits(name: str, facts: Sequence[Fact], fact: Fact, sex: str | None) -> tuple[tuple[float, float] | None, bool]:
    """Upper limit of normal of a value as an interval, and whether it comes from the table of defaults.

    Order: the range beside the value, the range of the same analyte in the same note, in another note, the table.
    A flag ``H`` says that the limit lies at or below the value.
    """
    if fact.ref_high is not None:
        return (fact.ref_high, fact.ref_high), False
    others = [f for f in facts if f.ref_high is not None]
    near = [f.ref_high for f in others if f.note_id == fact.note_id] or [f.ref_high for f in others]
    if near and near[-1] is not None:
        return (near[-1], near[-1]), False
    default = knowledge.uln(name, sex)
    if default is not None and fact.attributes.get("flag") == "H" and fact.value is not None:
        low, high = default
        default = (min(low, fact.value), min(high, fact.value))
    return default, True


def _measure(name: str, fact: Fact, facts: Sequence[Fact], patient: Patient, *, stale: bool) -> Measure:
    limits, default = _limits(name, facts, fact, patient.sex)
    return from_value(
        fact.value,
        fact.value_high,
        fact.comparator,
        fact.unit,
        date=time.when(fact),
        evidence=(fact.fact_id,),
        uln=limits,
        uln_default=default,
        stale=stale,
        name=name,
    )


def readings(patient: Patient, name: str, window: Window | None) -> list[Measure]:
    """The newest values of a concept: all of the newest day inside the window, else the newest older ones (stale)."""
    facts = [f for f in patient.facts(name) if f.assertion == "present" and f.value is not None]
    past = [f for f in facts if (span := time.when(f)) and span[0] <= patient.index_date and f.temporality != "future"]
    original = [f for f in past if not f.copied_from] or past
    fresh = [f for f in original if not f.copied_from and _inside(time.when(f), patient.index_date, window) is Truth.T]
    chosen, stale = (fresh, False) if fresh else (original, True)
    return [_measure(name, f, facts, patient, stale=stale) for f in time.newest(chosen)]


def _converted(measure: Measure, unit: str, name: str) -> Measure | None:
    """The measure in the rule's unit; None where the units are of another kind."""
    if not unit or unit == measure.unit or not measure.unit:
        return measure
    if measure.unit in (ULN, "{ULN}"):
        return None
    from extractor import units  # loaded only where a rule writes another unit than the facts

    code = units.parse(unit) or unit
    if code == measure.unit:
        return measure
    try:
        low = measure.low if abs(measure.low) == float("inf") else units.convert(measure.low, measure.unit, code, name)
        high = measure.high if measure.high == float("inf") else units.convert(measure.high, measure.unit, code, name)
    except ValueError:
        return None
    return replace(measure, low=low, high=high, unit=code)


def judge(node: Compare, measures: Sequence[Measure], patient: Patient, *, default_policy: bool = True) -> Answer:
    """The comparison of a rule with the values found: answer with value, date and threshold in words."""
    what = spoken(node.name)
    limit = f"{node.operator} {node.value:g} {'x ULN' if node.unit == ULN else node.unit}".strip()
    if not measures:
        return _not_recorded(what, limit, f" within {node.window}" if node.window else "")
    truths, review, said, usable = [], set(), [], []
    for measure in measures:
        if node.unit == ULN and measure.unit == ULN:
            truths.append(measure.compare(node.operator, node.value))
        elif node.unit == ULN:
            truth = measure.compare_uln(node.operator, node.value)
            truths.append(truth)
            if truth is Truth.U and measure.uln_default:
                review.add("R3")
            if measure.uln and measure.uln[0] == measure.uln[1] and measure.near(node.value * measure.uln[0]):
                review.add("R2")
        else:
            converted = _converted(measure, node.unit, node.name)
            if converted is None:
                continue
            truths.append(converted.compare(node.operator, node.value))
            if converted.near(node.value) and node.name != AGE:
                review.add("R2")
        usable.append(measure)
        said.append(_said(measure, patient, ratio=node.unit == ULN))
    if not truths:
        return Answer(
            Truth.U,
            f"The {what} is given in a unit that cannot be compared; required {limit}.",
            tuple(fact for measure in measures for fact in measure.evidence),
            ("R10",),
            missing=f"{what} in {node.unit}",
        )
    truth = truths[0] if len(set(truths)) == 1 else Truth.U
    if len(set(truths)) > 1:
        review.add("R1")
    for measure in usable:
        review.update(measure.review)
    evidence = tuple(dict.fromkeys(fact for measure in usable for fact in measure.evidence))
    reason = f"{what.capitalize()} {', '.join(dict.fromkeys(said))}; required {limit}"
    codes = tuple(sorted(review, key=lambda code: int(code[1:])))
    if any(measure.stale for measure in usable):
        return Answer(
            Truth.U,
            f"{reason} within {node.window or 'the window'}: the newest value is older or not dated inside it.",
            evidence,
            tuple(sorted({*codes, "R12"}, key=lambda code: int(code[1:]))),
            provisional=None if truth is Truth.U else truth,
            missing=f"{what} within {node.window or 'the window'}",
        )
    missing = "" if truth is not Truth.U else next((m.missing for m in usable if m.missing), "") or f"an exact {what}"
    return Answer(truth, f"{reason}.", evidence, codes, missing=missing)


@functools.cache
def _not_recorded(what: str, limit: str, inside: str) -> Answer:
    reason = f"No value of {what} is recorded; required {limit}."
    return time.constant(Answer(Truth.U, reason, asserted=False, missing=f"{what}{inside}"))


def _said(measure: Measure, patient: Patient, *, ratio: bool) -> str:
    words = measure.text()
    if ratio and measure.uln and measure.unit != ULN:
        low, high = measure.uln
        limit = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        words += f" (ULN {limit}{' by default' if measure.uln_default else ''})"
    if measure.date:
        days = (patient.index_date - measure.date[1]).days
        words += f" on {time.span(measure.date)} ({days} days before the index date)"
    return words


def compare_age(node: Compare, patient: Patient) -> Answer:
    measure = patient.age
    if measure is None:
        return judge(node, [], patient)
    answer = judge(node, [replace(measure, unit=measure.unit or "a", date=None, stale=False)], patient)
    return replace(answer, clear_date=measure.notes.get("clear_date")) if answer.truth is Truth.F else answer


def _text_matches(fact: Fact, text: str) -> bool:
    return not text or (fact.value_text or "").lower() == text.lower() or fact.concept.lower() == text.lower()


def _silent(what: str) -> Answer:
    return time.silent(what)


def present(node: Present, patient: Patient) -> Answer:
    """The newest statement on a finding: present true, absent false, possible unknown (R5)."""
    what = spoken(f"{node.name} {node.text}".strip())
    facts = [
        f
        for f in time.first_stated(patient, patient.facts(node.name))
        if _text_matches(f, node.text) and (time.when(f) or (patient.index_date,))[0] <= patient.index_date
    ]
    if not facts:
        return _silent(what)
    if node.window:
        fresh = [f for f in facts if time.when(f) and _inside(time.when(f), patient.index_date, node.window) is Truth.T]
        if not fresh:
            answer = _newest(what, time.newest(facts))
            if answer.truth is Truth.F:  # an old absence cannot speak for the window
                return replace(answer, truth=Truth.U, provisional=Truth.F, missing=f"{what} within {node.window}")
            touching = [f for f in facts if _inside(time.when(f), patient.index_date, node.window) is not Truth.F]
            if touching:
                return replace(answer, truth=Truth.U, review=("R4",), missing=f"the date of {what}")
            return replace(answer, truth=Truth.F, reason=f"{answer.reason[:-1]}, before the last {node.window}.")
        facts = fresh
    return _newest(what, time.newest(facts))


def _newest(what: str, facts: Iterable[Fact]) -> Answer:
    facts = list(facts)
    said = {f.assertion for f in facts}
    on = time.day(time.last_day(facts[-1]))
    if said == {"present"}:
        return time.say(Truth.T, f"{what.capitalize()} is stated on {on}.", facts)
    if said == {"absent"}:
        return time.say(Truth.F, f"No {what} as stated on {on}.", facts)
    if "present" in said and "absent" in said:
        return time.say(
            Truth.U, f"The notes contradict each other on {what} ({on}).", facts, review=("R1",), missing=what
        )
    return time.say(Truth.U, f"{what.capitalize()} is only possible ({on}).", facts, review=("R5",), missing=what)


def event(node: Event, patient: Patient) -> Answer:
    """Did it happen (inside the window)? A dated event by its date; an undated one is unknown inside a window (R4)."""
    what = spoken(f"{node.name} {node.text}".strip())
    facts = [f for f in time.first_stated(patient, patient.facts(node.name)) if _text_matches(f, node.text)]
    return _happened(what, facts, node.window, patient)


def _happened(what: str, facts: list[Fact], window: Window | None, patient: Patient) -> Answer:
    if not facts:
        return _silent(what)
    happened = [f for f in facts if f.assertion == "present" and f.temporality != "future"]
    if not happened:
        return _newest(what, time.newest(facts))
    index = patient.index_date
    answers = []
    for fact in happened:
        dated = time.past_event(fact)
        if window is None:
            truth = Truth.F if dated and dated[0] > index else Truth.T
        elif dated:
            truth = _inside(dated, index, window)
        else:  # undated: not after its note, so an old note puts it outside
            written = fact.note_date
            outside = written and written <= index and _inside((written, written), index, window) is Truth.F
            truth = Truth.F if outside else Truth.U
        answers.append((truth, fact, dated))
    truth = any_of(item[0] for item in answers)
    deciding = [item for item in answers if item[0] is truth]
    dates = [item[2] for item in deciding if item[2]]
    said = time.span(max(dates, key=lambda span: span[1])) if dates else "an unknown date"
    place = "inside" if truth is Truth.T else "outside" if truth is Truth.F else "perhaps inside"
    reason = f"{what.capitalize()} on {said}" + (f", {place} the last {window}." if window else ".")
    clear = None
    if truth is Truth.T and window:
        clear = max(_clears(span, window) for span in dates)
    review = ("R4",) if truth is Truth.U else ()
    missing = f"the date of {what}" if truth is Truth.U else ""
    return time.say(truth, reason, [i[1] for i in deciding], review=review, clear_date=clear, missing=missing)


def _clears(span: time.Interval, window: Window) -> datetime.date:
    if window.days is not None:
        return span[1] + datetime.timedelta(days=window.days + 1)
    return time.months_before(span[1], -(window.months or 0))


def received(node: Received, patient: Patient) -> Answer:
    """Was a drug, or a drug of the class, given? Planned, declined and never started ones were not."""
    members = knowledge.classes().get(node.name, frozenset({node.name.lower()}))
    facts = patient.facts(sorted(members), "therapy") + [
        f for f in patient.facts(family="medication") if (f.value_text or "").lower() in members
    ]
    given = [f for f in facts if f.assertion == "present" and f.attributes.get("status") not in ("planned", "declined")]
    stated = given or [f for f in facts if f.assertion in ("absent", "possible")]
    return _happened(spoken(node.name), stated, node.window, patient)


def is_one_of(node: Is, patient: Patient) -> Answer:
    """A word of the patient is one of those named; a single other word is false, several differing ones are unknown."""
    what, wanted = spoken(node.name), " or ".join(spoken(value) for value in node.values)
    if node.name == SEX:
        sex = patient.sex
        if sex is None:
            return _silent("sex")
        truth = Truth.T if sex in node.values else Truth.F
        return time.say(truth, f"The patient is {sex}.", [f for f in patient.facts(SEX) if f.value_text == sex])
    facts = [f for f in time.first_stated(patient, patient.facts(node.name)) if f.value_text or f.attributes]
    if not facts:
        return _silent(what)
    newest = time.newest(facts)
    words = {(f.value_text or "").lower() for f in newest if f.assertion == "present"}
    values = {value.lower() for value in node.values}
    on = time.day(time.last_day(newest[-1]))
    if words and words <= values:
        return time.say(Truth.T, f"{what.capitalize()}: {', '.join(sorted(words))} on {on}.", newest)
    if words and not words & values:
        return time.say(Truth.F, f"{what.capitalize()}: {', '.join(sorted(words))} on {on}, not {wanted}.", newest)
    review = ("R1",) if words else ("R5",)
    return time.say(Truth.U, f"{what.capitalize()} is not clear on {on}.", newest, review=review, missing=what)
