"""DLL3, proliferation, MTC grade, NEPC phenotype and RET (I2.e, I3.3, I3.4, I4, I5.ret)."""

from __future__ import annotations

from collections.abc import Iterable

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import tumour as t
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived, state
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth, any_of

#: microscope field of unknown size: area 0.159 to 0.30 mm2 (judgement of the specification, 3.6)
FIELD_FACTORS = (0.67, 1.26)


def h_score(weak: float, moderate: float, strong: float) -> float:
    """DLL3 H-score, 0 to 300: per cent of cells times intensity.

    >>> h_score(20, 40, 10)
    130.0
    """
    return float(weak + 2 * moderate + 3 * strong)


def mitoses_per_2mm2(count: float, *, field_area_mm2: float | None = None) -> tuple[float, float]:
    """Mitoses per 2 mm2 of a count per 10 high-power fields; an interval where the field's size is not known.

    >>> round(mitoses_per_2mm2(20, field_area_mm2=0.2376)[0], 1)
    16.8
    """
    if field_area_mm2:
        exact = count * 2 / (10 * field_area_mm2)
        return exact, exact
    return count * FIELD_FACTORS[0], count * FIELD_FACTORS[1]


def measure_of(fact: Fact, **more) -> Measure:
    return from_value(
        fact.value,
        fact.value_high,
        fact.comparator,
        fact.unit,
        date=time.when(fact),
        evidence=(fact.fact_id,),
        name=fact.concept,
        **more,
    )


def own_specimen(patient: Patient, facts: Iterable[Fact]) -> list[Fact]:
    """Facts of the specimen that counts: the newest metastatic one that has them, else the newest that has them."""
    known = [fact for fact in facts if fact.assertion == "present" and fact.attributes.get("tumour") != "other"]
    if not known:
        return []
    metastatic = [fact for fact in known if fact.attributes.get("metastatic") == "yes"]
    primary = [fact for fact in known if fact.attributes.get("metastatic") == "no"]
    pool = metastatic or known
    if metastatic and not primary:
        pool = known
    return time.newest(pool)


def _on_tissue(fact: Fact) -> bool:
    return fact.attributes.get("method", fact.attributes.get("assay", "ihc")).lower() not in (
        "rna",
        "ctdna",
        "pet",
        "rna-seq",
        "blood",
        "serum",
        "imaging",
    )


@state("dll3_positive")
def dll3_positive(patient: Patient, settings: Settings) -> Answer:
    """I2.e: at least 1 % of tumour cells or an H-score of at least 1, by immunohistochemistry."""
    facts = [fact for fact in patient.facts(("dll3_percent", "dll3_h_score", "dll3_status"), "biomarker")]
    usable = [
        fact
        for fact in facts
        if fact.assertion == "present"
        and _on_tissue(fact)
        and (fact.value is not None or fact.value_text in ("positive", "negative"))
    ]
    if not usable:
        if facts:
            return time.say(
                Truth.U, "DLL3 has no result by immunohistochemistry.", facts, missing="DLL3 immunohistochemistry"
            )
        return time.silent("DLL3", missing="DLL3 immunohistochemistry")
    chosen = own_specimen(patient, usable)
    same = [
        fact
        for fact in usable
        if fact.note_id in {item.note_id for item in chosen} and time.last_day(fact) == time.last_day(chosen[0])
    ]
    answers = [_dll3(fact) for fact in same or chosen]
    truth = any_of(answer.truth for answer in answers)
    deciding = [answer for answer in answers if answer.truth is truth]
    return Answer(
        truth,
        deciding[0].reason,
        tuple(e for a in deciding for e in a.evidence),
        tuple(sorted({c for a in deciding for c in a.review})),
        missing="DLL3 percentage" if truth is Truth.U else "",
    )


def _dll3(fact: Fact) -> Answer:
    if fact.value is None:
        positive = fact.value_text == "positive"
        return time.say(
            Truth.T if positive else Truth.F,
            f"DLL3 {fact.value_text}, no number.",
            [fact],
            review=("R5",) if positive else (),
        )
    measure = measure_of(fact)
    truth = measure.compare(">=", 1)
    label = "DLL3 H-score" if fact.concept == "dll3_h_score" else "DLL3"
    return time.say(
        truth, f"{label} {measure.text()} against at least 1.", [fact], review=("R2",) if measure.near(1) else ()
    )


@derived("ki67")
def ki67(patient: Patient, settings: Settings) -> Measure | None:
    """Ki-67 of the specimen that counts, %; the hot spot where there are several values."""
    chosen = own_specimen(patient, [fact for fact in patient.facts("ki67", "biomarker") if fact.value is not None])
    if not chosen:
        return None
    measures = [measure_of(fact) for fact in chosen]
    return max(measures, key=lambda item: (item.high, item.low))


@derived("mitotic_rate")
def mitotic_rate(patient: Patient, settings: Settings) -> Measure | None:
    """Mitoses per 10 high-power fields as printed; per 2 mm2 is the same unless a field size is printed."""
    chosen = own_specimen(
        patient, [fact for fact in patient.facts("mitotic_rate", "biomarker") if fact.value is not None]
    )
    if not chosen:
        return None
    measure = max((measure_of(fact) for fact in chosen), key=lambda item: item.high)
    areas = [fact.value for fact in patient.facts("field_area") if fact.value]
    if areas and chosen[-1].unit == "/10[HPF]":
        factor = 2 / (10 * areas[-1])
        converted = Measure(
            measure.low * factor,
            measure.high * factor,
            measure.low_open,
            measure.high_open,
            "/2mm2",
            measure.date,
            measure.evidence,
            name="mitotic_rate",
        )
        if converted.compare(">", 20) is not measure.compare(">", 20):
            return Measure(
                min(measure.low, converted.low),
                max(measure.high, converted.high),
                unit=measure.unit,
                date=measure.date,
                evidence=measure.evidence,
                review=("R2",),
                name="mitotic_rate",
            )
    return measure


@state("high_proliferation")
def high_proliferation(patient: Patient, settings: Settings) -> Answer:
    """I3.3: Ki-67 above 20 % or more than 20 mitoses per 10 high-power fields; both are strict."""
    answers = []
    for measure, label in ((ki67(patient, settings), "Ki-67"), (mitotic_rate(patient, settings), "Mitoses")):
        if measure is None:
            continue
        truth = measure.compare(">", 20)
        review = set(measure.review) | ({"R2"} if measure.near(20) else set())
        answers.append(
            Answer(truth, f"{label} {measure.text()} against more than 20.", measure.evidence, tuple(sorted(review)))
        )
    if not answers:
        words = patient.facts(("ki67", "mitotic_rate"), "biomarker")
        if words:
            return time.say(
                Truth.U, "Ki-67 or mitoses are mentioned without a number.", words, missing="Ki-67 percentage"
            )
        return time.silent("Ki-67 and mitoses", missing="Ki-67 percentage")
    truth = any_of(answer.truth for answer in answers)
    if truth is Truth.F and len(answers) == 1:
        return Answer(
            Truth.U,
            f"{answers[0].reason} The other one is not known.",
            answers[0].evidence,
            answers[0].review,
            missing="mitotic count" if "Ki-67" in answers[0].reason else "Ki-67 percentage",
        )
    deciding = [answer for answer in answers if answer.truth is truth]
    return Answer(
        truth,
        " ".join(answer.reason for answer in deciding),
        tuple(e for a in deciding for e in a.evidence),
        tuple(sorted({c for a in deciding for c in a.review})),
        missing="Ki-67 percentage" if truth is Truth.U else "",
    )


@state("mtc_high_grade")
def mtc_high_grade(patient: Patient, settings: Settings) -> Answer:
    """I4: IMTCGS high grade - five or more mitoses per 2 mm2, Ki-67 of 5 % or more, or tumour necrosis.

    A pathologist's explicit grade outranks the components; the newest metastatic specimen wins.
    """
    stated = [
        fact
        for fact in patient.facts("mtc_grade")
        if fact.assertion == "present" and fact.value_text in ("high", "low")
    ]
    graded = [
        fact
        for fact in patient.facts("mtc", "histology")
        if fact.assertion == "present" and fact.attributes.get("grade") in ("high", "low")
    ]
    stated += [fact for fact in graded if t.is_pathology(fact)]
    components = [
        fact
        for fact in patient.facts(("ki67", "mitotic_rate", "tumor_necrosis"), "biomarker")
        if fact.assertion == "present" and fact.attributes.get("tumour") != "other"
    ]
    if not stated and not components and not graded:
        return time.silent("the grade of the medullary carcinoma", missing="IMTCGS grade")
    if not stated and graded and len({fact.concept for fact in components}) < 3:
        found = _components(patient, time.newest(components), components) if components else None
        if found is not None and found.truth is Truth.T and graded[-1].attributes["grade"] == "high":
            return found
        return time.say(
            Truth.U,
            f"Called {graded[-1].attributes['grade']} grade in a note; no report grades it.",
            graded,
            review=("R9",),
            missing="IMTCGS grade of the pathology report",
        )
    pool = stated + components
    metastatic = [fact for fact in pool if fact.attributes.get("metastatic") == "yes"]
    chosen = time.newest(stated) if stated else []
    newest_all = time.newest(metastatic or pool)
    if chosen and time.last_day(chosen[0]) >= time.last_day(newest_all[0]):
        grades = {fact.value_text if fact.concept == "mtc_grade" else fact.attributes["grade"] for fact in chosen}
        if len(grades) == 1:
            high = grades == {"high"}
            return time.say(Truth.T if high else Truth.F, f"Graded {grades.pop()} by the pathologist.", chosen)
        return time.say(Truth.U, "The stated grades contradict each other.", chosen, review=("R1",))
    return _components(patient, newest_all, components)


def _components(patient: Patient, newest_all: list[Fact], components: list[Fact]) -> Answer:
    day = time.last_day(newest_all[0])
    same = [fact for fact in components if time.last_day(fact) == day]
    truths: dict[str, Truth] = {}
    review: set[str] = set()
    for fact in same:
        if fact.concept == "ki67" and fact.value is not None:
            truths["Ki-67"] = any_of((truths.get("Ki-67", Truth.F), measure_of(fact).compare(">=", 5)))
        elif fact.concept == "mitotic_rate" and fact.value is not None:
            measure = measure_of(fact)
            if fact.unit == "/10[HPF]":
                areas = [item.value for item in patient.facts("field_area") if item.value]
                low = mitoses_per_2mm2(measure.low, field_area_mm2=areas[-1] if areas else None)[0]
                high = mitoses_per_2mm2(measure.high, field_area_mm2=areas[-1] if areas else None)[1]
                measure = Measure(low, high)
            truths["mitoses"] = any_of((truths.get("mitoses", Truth.F), measure.compare(">=", 5)))
            if truths["mitoses"] is Truth.U:
                review.add("R2")
        elif fact.concept == "tumor_necrosis":
            truths["necrosis"] = any_of(
                (
                    truths.get("necrosis", Truth.F),
                    Truth.T if fact.value_text == "positive" else Truth.F if fact.value_text == "negative" else Truth.U,
                )
            )
    truth = any_of(truths.values()) if truths else Truth.U
    if truth is Truth.F and len(truths) < 3:
        missing = sorted({"Ki-67", "mitoses", "necrosis"} - set(truths))
        return time.say(
            Truth.U,
            f"Not high grade by what is known; {', '.join(missing)} not stated.",
            same,
            review=review,
            missing=", ".join(missing),
        )
    told = ", ".join(
        f"{name} {'reaches' if value is Truth.T else 'is below' if value is Truth.F else 'may reach'} the limit"
        for name, value in sorted(truths.items())
    )
    return time.say(
        truth,
        f"IMTCGS components: {told}.",
        same,
        review=review,
        missing="field size of the mitotic count" if truth is Truth.U else "",
    )


@state("nepc_phenotype")
def nepc_phenotype(patient: Patient, settings: Settings) -> Answer:
    """I3.4: small cell or neuroendocrine prostate carcinoma on tissue, with a marker in most of it or TP53, RB1 or PTEN."""
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the NEPC phenotype", missing="pathology report")
    if found.prostate is Truth.F or "nec" not in found.cohorts:
        return time.say(Truth.F, "Not a neuroendocrine carcinoma of the prostate.", found.facts)
    diagnosis = tuple(fact for fact in found.facts if fact.concept in ("nepc", "sc_nec", "lcnec", "nec_nos", "sclc"))
    answers = []
    for fact in patient.facts(("nse_tissue", "chromogranin", "cd56", "synaptophysin", "insm1"), "biomarker"):
        if fact.assertion == "present" and fact.value_text == "positive":
            focal = fact.attributes.get("extent") in ("focal", "patchy", "rare", "weak")
            answers.append(
                time.say(
                    Truth.U if focal else Truth.T, f"{fact.concept} positive{' in a part' if focal else ''}.", [fact]
                )
            )
    for fact in patient.facts(("tp53", "rb1", "pten"), "biomarker"):
        if fact.assertion == "present" and fact.value_text in ("lost", "mutated", "aberrant"):
            answers.append(time.say(Truth.T, f"{fact.concept.upper()} {fact.value_text}.", [fact]))
    support = time.any_answer(
        answers,
        Answer(
            Truth.U,
            "No neuroendocrine marker or TP53, RB1, PTEN result is written.",
            missing="neuroendocrine markers or TP53, RB1, PTEN",
        ),
    )
    if "none" in found.cohorts or not diagnosis or found.prostate is Truth.U:
        return time.say(Truth.U, found.reason, found.facts, review=("R8",))
    return Answer(
        support.truth,
        support.reason,
        support.evidence,
        tuple(sorted({*support.review, "R11"})),
        missing=support.missing,
    )


def ret_status(patient: Patient) -> Answer:
    """T mutated or fused, F wild type (a negative germline test alone is not), U unknown or only a variant."""
    facts = [fact for fact in patient.facts("ret", "biomarker") if fact.assertion == "present"]
    altered = [
        fact
        for fact in facts
        if fact.value_text in ("mutated", "fusion")
        and not str(fact.attributes.get("significance", "")).lower().startswith(("vus", "uncertain"))
    ]
    wild = [fact for fact in facts if fact.value_text == "wild_type"]
    somatic = [fact for fact in wild if fact.attributes.get("origin", "somatic") != "germline"]
    if altered:
        return time.say(Truth.T, "RET is mutated.", altered)
    if somatic:
        return time.say(Truth.F, "RET is wild type.", somatic)
    if facts:
        return time.say(
            Truth.U, "RET is not settled in the tumour.", facts, review=("R6",), missing="RET status of the tumour"
        )
    return time.silent("RET", missing="RET status of the tumour")


@state("ret_mutated")
def ret_mutated(patient: Patient, settings: Settings) -> Answer:
    return ret_status(patient)
