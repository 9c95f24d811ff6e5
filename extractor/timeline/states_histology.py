"""Cohort, tissue, extent, well-differentiated tumours, curative plan (I2, I3.1, I3.2, E2, E3)."""

from __future__ import annotations

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import tumour as t
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth


def _cohort_state(patient: Patient, settings: Settings, cohort: str) -> Answer:
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the histology", missing="pathology report")
    truth = Truth.T if found.cohorts == {cohort} else Truth.F if cohort not in found.cohorts else Truth.U
    return time.say(truth, found.reason, found.facts, review=found.review)


@state("is_sclc")
def is_sclc(patient: Patient, settings: Settings) -> Answer:
    return _cohort_state(patient, settings, "sclc")


@state("is_nec")
def is_nec(patient: Patient, settings: Settings) -> Answer:
    return _cohort_state(patient, settings, "nec")


@state("is_mtc")
def is_mtc(patient: Patient, settings: Settings) -> Answer:
    return _cohort_state(patient, settings, "mtc")


@state("histology_eligible")
def histology_eligible(patient: Patient, settings: Settings) -> Answer:
    """I2.a: small cell lung, poorly differentiated neuroendocrine, or medullary thyroid carcinoma."""
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the histology", missing="pathology report")
    truth = Truth.T if "none" not in found.cohorts else Truth.F if found.cohorts == {"none"} else Truth.U
    return time.say(
        truth,
        found.reason,
        found.facts,
        review=found.review,
        missing="" if truth is not Truth.U else "pathology review of the newest specimen",
    )


@state("primary_prostate")
def primary_prostate(patient: Patient, settings: Settings) -> Answer:
    """Neuroendocrine carcinoma of the prostate: the NEPC path of I3.4, I5 and I6."""
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the primary site", missing="pathology report")
    if "nec" not in found.cohorts:
        return time.say(Truth.F, "Not a neuroendocrine carcinoma of the prostate.", found.facts)
    site = found.prostate
    return time.say(
        site, f"Primary site: {', '.join(sorted(found.sites)) or 'not stated, not the prostate'}.", found.facts
    )


@state("tissue_proven")
def tissue_proven(patient: Patient, settings: Settings) -> Answer:
    """I2.b: biopsy, resection or cell block; a smear alone is open; a clinical diagnosis without tissue fails."""
    none = [fact for fact in patient.facts("no_tissue") if fact.assertion == "present"]
    proofs = [
        fact
        for fact in patient.facts("tissue_proof")
        if fact.assertion == "present" and fact.attributes.get("diagnostic") != "no"
    ]
    reports = [
        fact
        for fact in t.histology(patient)
        if fact.assertion == "present" and t.is_pathology(fact) and "cytolog" not in fact.note_type.lower()
    ]
    solid = [fact for fact in proofs if fact.attributes.get("specimen") != "cytology"]
    if none and not reports:
        newest_none = max(time.last_day(fact) for fact in none)
        if not any(time.last_day(fact) > newest_none for fact in solid):
            return time.say(Truth.F, "A clinical diagnosis without tissue.", none)
    if solid or reports:
        block = solid and not reports and all(fact.attributes.get("specimen") == "cell_block" for fact in solid)
        return time.say(
            Truth.T, "Tissue stands behind the diagnosis.", (solid + reports)[-4:], review=("R6",) if block else ()
        )
    markers = [
        fact
        for fact in patient.facts(
            (
                "ki67",
                "synaptophysin",
                "chromogranin",
                "cd56",
                "dll3_percent",
                "dll3_status",
                "insm1",
                "mitotic_rate",
                "ttf1",
            ),
            "biomarker",
        )
    ]
    if markers:
        return time.say(Truth.T, "Stains were read on the tumour tissue.", markers[-4:], review=("R5",))
    if proofs:
        return time.say(Truth.U, "Cytology without a cell block.", proofs, missing="histology report")
    return time.silent("the tissue diagnosis", missing="pathology report")


@state("latest_metastatic_specimen_supports")
def latest_metastatic_specimen_supports(patient: Patient, settings: Settings) -> Answer:
    """I2.d: does the newest biopsy of a metastatic site show the tumour? Never decides alone (policy A-4)."""
    found = t.tumour(patient, settings)
    proofs = [
        fact
        for fact in patient.facts("tissue_proof")
        if fact.attributes.get("metastatic") == "yes"
        and fact.assertion == "present"
        and fact.attributes.get("diagnostic") != "no"
    ]
    if not found.cohorts:
        return time.silent("the specimens", missing="pathology report")
    if "R1" in found.review:
        return time.say(Truth.U, found.reason, found.newest, review=("R1", "R8"))
    if proofs:
        return time.say(Truth.T, f"Metastatic specimen of {time.day(time.last_day(proofs[-1]))}.", proofs)
    return time.say(
        Truth.T, "No specimen of a metastatic site is named; the one there is supports it.", found.facts, review=("R6",)
    )


@state("expert_review_confirms")
def expert_review_confirms(patient: Patient, settings: Settings) -> Answer:
    """I3.1: fails only where an expert review contradicts neuroendocrine carcinoma."""
    facts = [fact for fact in patient.facts("expert_review") if fact.assertion != "hypothetical"]
    done = [
        fact for fact in facts if fact.assertion == "present" and fact.value_text in ("confirms", "contradicts", None)
    ]
    if not facts:
        return time.silent("an expert review of the pathology", missing="expert pathology review")
    if not done:
        return time.say(Truth.U, "The expert review is pending.", facts, missing="result of the expert review")
    newest = time.newest(done)
    against = [fact for fact in newest if fact.value_text == "contradicts"]
    if against and "none" in t.tumour(patient, settings).cohorts:
        return time.say(Truth.F, "An expert review contradicts the diagnosis.", against)
    return time.say(Truth.T, "An expert reviewed the pathology.", newest)


@state("nec_subtype_accepted")
def nec_subtype_accepted(patient: Patient, settings: Settings) -> Answer:
    """I3.2: large cell, small cell or not otherwise specified; a mixed tumour is open."""
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the subtype", missing="pathology report")
    if found.cohorts == {"none"}:
        return time.say(Truth.F, found.reason, found.facts)
    if "mixed" in found.subtypes or "none" in found.cohorts:
        return time.say(Truth.U, found.reason or "The subtype is mixed.", found.facts, review=("R8",))
    kinds = ", ".join(sorted(found.subtypes)).replace("_", " ") or "not otherwise specified"
    return time.say(
        Truth.T,
        f"Neuroendocrine carcinoma, {kinds}.",
        found.facts,
        review=("R8",) if any(f.concept == "merkel_cell" for f in found.facts) else (),
    )


#: organs in which a carcinoma of the cohorts has no primary: a specimen of them is a metastasis
METASTATIC_SPECIMENS = frozenset({"liver", "bone", "brain", "adrenal", "peritoneum"})
EXTENT = ("extensive_stage", "limited_stage", "metastatic", "locally_advanced", "stage_group", "metastatic_site", "tnm")


def _extent_value(fact: Fact) -> str:
    """One of metastatic, locally_advanced, limited, localized, or empty where the fact does not say."""
    if fact.concept in ("extensive_stage", "metastatic", "metastatic_site"):
        return "metastatic"
    if fact.concept == "locally_advanced":
        return "locally_advanced"
    if fact.concept == "limited_stage":
        return "limited"
    text = (fact.value_text or "").upper()
    if fact.concept == "stage_group":
        return (
            "metastatic"
            if text.startswith("IV") or text.startswith("4")
            else "locally_advanced"
            if text.startswith("III") or text.startswith("3")
            else "localized"
        )
    if "M1" in text:
        return "metastatic"
    return ""


@state("advanced_disease")
def advanced_disease(patient: Patient, settings: Settings) -> Answer:
    """I2.c: metastatic, extensive or locally advanced. Once metastatic, always; limited stage alone is open."""
    facts = [fact for fact in patient.facts(EXTENT) if fact.family in ("stage", "condition")]
    brain_liver = [
        fact
        for fact in patient.facts(("liver_metastases", "brain_metastases"), "condition")
        if fact.assertion == "present"
    ]
    firm = [fact for fact in facts if fact.assertion == "present"]
    by_extent: dict[str, list[Fact]] = {}
    for fact in firm:
        by_extent.setdefault(_extent_value(fact), []).append(fact)
    spread = by_extent.get("metastatic", []) + brain_liver
    if spread:
        return time.say(Truth.T, "Metastatic or extensive disease.", spread[-4:])
    if by_extent.get("locally_advanced"):
        return time.say(Truth.T, "Locally advanced disease (stage III).", by_extent["locally_advanced"])
    specimens = [
        fact
        for fact in patient.facts("tissue_proof")
        if fact.assertion == "present"
        and fact.attributes.get("site") in METASTATIC_SPECIMENS
        and fact.attributes.get("diagnostic") != "no"
    ]
    if specimens and t.tumour(patient, settings).cohorts:
        return time.say(Truth.T, "A metastasis was biopsied.", specimens, review=("R9",))
    relapse = [
        fact
        for fact in patient.facts("progression", "response") + patient.facts("growth")
        if fact.assertion == "present"
    ]
    if relapse and t.tumour(patient, settings).cohorts:
        return time.say(Truth.T, "The disease has recurred or progressed.", relapse[-3:], review=("R6",))
    if by_extent.get("limited"):
        return time.say(
            Truth.U,
            "Limited stage without a later event.",
            by_extent["limited"],
            missing="current extent of the disease",
        )
    if by_extent.get("localized"):
        return time.say(Truth.F, "Localised disease.", by_extent["localized"])
    possible = [fact for fact in facts if fact.assertion == "possible" and _extent_value(fact) == "metastatic"]
    if possible:
        return time.say(Truth.U, "Metastases are only suspected.", possible, review=("R5",))
    return time.silent("the extent of the disease", missing="stage or imaging")


@state("curative_treatment_possible")
def curative_treatment_possible(patient: Patient, settings: Settings) -> Answer:
    """E2: a plan of treatment with curative intent now. Distant metastases without such a plan: no."""
    plans = [
        fact
        for fact in patient.facts("curative_plan")
        if not (time.is_dated(fact) and fact.temporality == "historical")
    ]
    plans = [
        fact
        for fact in plans
        if fact.value_text != "ablative"
        or not (time.is_dated(fact) and fact.note_date and time.last_day(fact) < fact.note_date)
    ]
    last = patient.last_note_date or patient.index_date
    recent = [fact for fact in plans if not fact.note_date or (last - fact.note_date).days <= 120]
    firm = [
        fact
        for fact in recent
        if fact.value_text != "ablative"
        and (fact.assertion == "present" or (fact.assertion == "hypothetical" and fact.temporality == "future"))
    ]
    open_ = [fact for fact in recent if fact.assertion != "absent" and fact not in firm]
    denied = [fact for fact in recent if fact.assertion == "absent"]
    palliative = [fact for fact in patient.facts("palliative_intent") if fact.assertion == "present"]
    newest_denied = max((time.last_day(fact) for fact in denied + palliative), default=None)
    firm = [fact for fact in firm if newest_denied is None or time.last_day(fact) >= newest_denied]
    extent = advanced_disease(patient, settings)
    metastatic = extent.truth is Truth.T and extent.reason.startswith("Metastatic")
    if firm and not denied:
        if metastatic and all(fact.assertion != "present" for fact in firm):
            return time.say(Truth.U, "Treatment with curative intent is under discussion.", firm, review=("R11",))
        if not metastatic or max(time.last_day(f) for f in firm) >= max(
            (time.last_day(f) for f in patient.facts(EXTENT) if _extent_value(f) == "metastatic"), default=last
        ):
            return time.say(Truth.T, "Treatment with curative intent is planned.", firm, review=("R11",))
    if open_ and not denied:
        return time.say(Truth.U, "Treatment with curative intent is under discussion.", open_, review=("R11",))
    if denied or palliative:
        return time.say(Truth.F, "Curative treatment is ruled out or the intent is palliative.", denied + palliative)
    if metastatic:
        return Answer(
            Truth.F, "Metastatic or extensive disease and no plan of curative treatment.", extent.evidence, ("R7",)
        )
    progressed = [fact for fact in patient.facts("progression", "response") if fact.assertion == "present"]
    if extent.truth is Truth.T and progressed:
        return Answer(
            Truth.U,
            "Locally advanced or recurrent disease; a curative option is not ruled out.",
            extent.evidence,
            ("R11",),
            missing="intent of treatment",
        )
    return time.silent("the intent of treatment", missing="intent of treatment")


@state("well_differentiated_net")
def well_differentiated_net(patient: Patient, settings: Settings) -> Answer:
    """E3: the study tumour is a NET of any grade, phaeochromocytoma, paraganglioma or low-grade MTC."""
    found = t.tumour(patient, settings)
    if not found.cohorts:
        return time.silent("the histology", missing="pathology report")
    beside = [
        fact
        for fact in t.histology(patient)
        if fact.concept in t.WELL_DIFFERENTIATED | t.PARAGANGLIAL and fact.assertion == "present"
    ]
    if found.cohorts == {"none"}:
        if beside:
            return time.say(Truth.T, "The tumour is a well-differentiated neuroendocrine tumour.", beside)
        return time.say(Truth.F, found.reason, found.facts)
    if "none" in found.cohorts:
        only_sampling = not beside and "R1" in found.review
        return time.say(Truth.F if only_sampling else Truth.U, found.reason, found.facts, review=("R8",))
    if found.cohorts == {"mtc"}:
        from extractor.timeline.states_biomarkers import mtc_high_grade

        grade = mtc_high_grade(patient, settings)
        if grade.truth is Truth.F:
            return Answer(Truth.T, "Low-grade medullary thyroid carcinoma.", grade.evidence, grade.review)
        if grade.truth is Truth.U and not beside:
            return Answer(
                Truth.U,
                "The grade of the medullary thyroid carcinoma is not known.",
                grade.evidence,
                missing="IMTCGS grade",
            )
    newer = [fact for fact in beside if not _cured_long_ago(fact, patient) and _is_beside(fact, found)]
    if newer:
        return time.say(
            Truth.U,
            "A neuroendocrine tumour, phaeochromocytoma or paraganglioma beside the study tumour.",
            newer,
            review=("R6",),
            missing="is the other neuroendocrine tumour active",
        )
    return time.say(Truth.F, found.reason, list(found.facts) + beside, review=("R6",) if beside else ())


def _is_beside(fact: Fact, found: t.Tumour) -> bool:
    """Another tumour, not a name from the differential diagnosis of this one."""
    site = t._site(fact)
    return (
        fact.concept in t.PARAGANGLIAL
        or t._in_history(fact)
        or (time.is_dated(fact) and fact.note_id not in {item.note_id for item in found.facts})
        or bool(site and found.sites and site not in found.sites)
    )


def _cured_long_ago(fact: Fact, patient: Patient) -> bool:
    event = time.past_event(fact)
    return bool(event and event[1] <= time.months_before(patient.index_date, 36)) and (
        fact.concept in t.WELL_DIFFERENTIATED
    )
