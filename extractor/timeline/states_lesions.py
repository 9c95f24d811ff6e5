"""Measurable lesions (I9) and other malignancies (E12)."""

from __future__ import annotations

import re

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import tumour as t
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_cns import overruled
from extractor.timeline.treatment import given
from extractor.truth import Answer, Truth

#: RECIST 1.1: longest diameter of a lesion, short axis of a lymph node, mm
LESION_MM, NODE_MM, X_RAY_MM = 10.0, 15.0, 20.0
LOOK_BACK_MONTHS = 36


def lesion_measurable(fact: Fact) -> Truth:
    """Is one measured lesion a target by RECIST 1.1? Nodes count by their short axis, irradiated ones once they grow."""
    note = fact.attributes
    site = str(note.get("site") or "").lower()
    if note.get("bone") == "yes" or site in ("bone", "brain", "effusion", "ascites", "cyst"):
        return Truth.F
    if note.get("irradiated") == "yes" and note.get("progressed") != "yes":
        return Truth.F
    longest = (
        max(value for value in (fact.value, fact.value_high) if value is not None) if fact.value is not None else None
    )
    if note.get("node") == "yes":
        short = note.get("short_axis_mm")
        if short is None and note.get("axis") == "short":
            short = fact.value
        if short is not None:
            return Truth.T if float(short) >= NODE_MM else Truth.F
        if longest is None:
            return Truth.U
        return Truth.F if longest < NODE_MM else Truth.U
    if longest is None:
        return Truth.U
    limit = X_RAY_MM if str(note.get("modality", "")).lower() in ("x-ray", "cxr", "xray") else LESION_MM
    return Truth.T if longest >= limit else Truth.F


@state("measurable_lesion")
def measurable_lesion(patient: Patient, settings: Settings) -> Answer:
    """I9: one measurable lesion on imaging of the last 42 days, or a statement that there is (or is not) one."""
    days = settings.window("imaging_lesions")
    index = patient.index_date
    lesions = [
        fact
        for fact in patient.facts("lesion")
        if fact.assertion in ("present", "possible") and fact.temporality != "historical"
    ]
    stated = [fact for fact in patient.facts("measurable_disease", "stage") if fact.assertion in ("present", "absent")]

    def fresh(fact: Fact) -> bool:
        return time.is_fresh(fact, index, days=days)

    yes = [fact for fact in stated if fresh(fact) and fact.assertion == "present" and fact.value_text != "negative"]
    no = [fact for fact in stated if fresh(fact) and (fact.assertion == "absent" or fact.value_text == "negative")]
    inside = [fact for fact in lesions if fresh(fact)]
    if yes and not no:
        return time.say(Truth.T, "Measurable disease is stated.", yes)
    if no and not yes:
        return time.say(Truth.F, "The report says that there is no measurable disease.", no, correctable=True)
    truths = [(fact, lesion_measurable(fact)) for fact in inside]
    good = [fact for fact, truth in truths if truth is Truth.T]
    if good:
        fact = good[-1]
        return time.say(
            Truth.T,
            f"Lesion of {fact.value or fact.attributes.get('short_axis_mm'):g} mm ({time.day(time.last_day(fact))}).",
            good[-3:],
        )
    unsure = [fact for fact, truth in truths if truth is Truth.U]
    irradiated = [
        fact
        for fact, _ in truths
        if fact.attributes.get("irradiated") == "yes" and fact.attributes.get("progressed") != "yes"
    ]
    if unsure:
        return time.say(
            Truth.U, "Lesions without a size, or nodes without a short axis.", unsure, missing="size of the lesions"
        )
    if irradiated:
        return time.say(
            Truth.U,
            "The lesions that are large enough were irradiated.",
            irradiated,
            missing="lesion outside the field",
        )
    if inside:
        whole = patient.context("chest_ct", settings).truth is Truth.T or len(inside) > 1
        return time.say(
            Truth.F if whole else Truth.U,
            "All lesions are below the size of RECIST 1.1.",
            inside,
            correctable=True,
            missing="" if whole else "complete imaging",
        )
    old = [fact for fact in lesions if lesion_measurable(fact) is Truth.T]
    if old or stated:
        return time.say(
            Truth.U,
            f"The imaging is older than {days} days.",
            (old or stated)[-2:],
            review=("R12",),
            provisional=Truth.T if old or stated[-1].assertion == "present" else Truth.F,
            missing="CT of the last 42 days",
        )
    if lesions:
        return time.say(
            Truth.U,
            "No lesion of sufficient size on older imaging.",
            lesions[-2:],
            review=("R12",),
            missing="CT of the last 42 days",
        )
    return time.silent("measurable lesions", missing="size of the lesions")


HAEMATOLOGICAL = ("leukemia", "leukaemia", "lymphoma", "myeloma", "myelodysplas", "mds", "cll", "sll", "aml", "cml",
                  "waldenstr", "myeloprolif", "polycythemia", "polycythaemia", "thrombocyth", "myelofibrosis", "hodgkin")  # fmt: skip
NOT_CANCER = ("mgus", "monoclonal gammopathy", "adenoma", "meningioma", "hemangioma", "haemangioma", "polyp", "nevus")
SKIN = (
    "basal cell",
    "bcc",
    "squamous cell carcinoma of skin",
    "cutaneous squamous",
    "actinic",
    "non-melanoma",
    "nmsc",
    "skin",
)
SAME_LINEAGE = {"prostate": ("nec",), "lung": ("sclc", "nec"), "thyroid": ("mtc",)}


@state("second_malignancy")
def second_malignancy(patient: Patient, settings: Settings) -> Answer:
    """E12: another malignancy in 3 years. Exceptions: skin, in situ, curatively treated solid tumours (A-24).

    A haematological malignancy counts while active or treated in 3 years; surveillance is active disease (R6). The
    index tumour and its lineage never count.
    """
    index = patient.index_date
    found = t.tumour(patient, settings)
    answers = []
    done = patient.facts(("nmsc", "in_situ", "curatively_treated"))
    cured_names = [(fact.value_text or "").lower() for fact in done if fact.assertion == "present"]
    surveillance = [fact for fact in patient.facts("surveillance") if fact.assertion == "present"]
    blood = [fact for fact in patient.facts("haematological") if fact.assertion in ("present", "possible")]
    others = [
        fact
        for fact in patient.facts(
            (
                "other_malignancy",
                "adenocarcinoma",
                "squamous_cell_carcinoma",
                "net",
                "typical_carcinoid",
                "atypical_carcinoid",
                "merkel_cell",
            ),
            "histology",
        )
        if fact.assertion in ("present", "possible") and fact not in found.facts
    ]
    excluded = [fact for fact in patient.facts("other_malignancy", "histology") if fact.assertion == "absent"]
    others = [
        fact
        for fact in others
        if fact.assertion != "possible"
        or not overruled([fact], [no for no in excluded if no.value_text == fact.value_text])
    ]
    for fact in done:
        if fact.assertion == "present":
            answers.append(
                time.say(
                    Truth.F,
                    f"Another tumour ({fact.value_text or fact.concept.replace('_', ' ')}), "
                    "an exception of the criterion.",
                    [fact],
                )
            )
    for fact in surveillance:
        answers.append(
            time.say(
                Truth.T,
                f"{fact.value_text or 'Another cancer'} under surveillance.",
                [fact],
                review=("R6",),
                correctable=False,
            )
        )
    for fact in blood + [fact for fact in others if _has(fact, HAEMATOLOGICAL)]:
        answer = _haematological(patient, fact)
        if fact.assertion == "possible" and answer.truth is Truth.T:
            answer = time.say(
                Truth.U, f"{fact.value_text or 'A haematological malignancy'} is suspected.", [fact], review=("R5",)
            )
        answers.append(answer)
    # an old date in one note settles an undated mention of the same tumour in another
    dated_old = {
        (fact.value_text or fact.concept).lower()
        for fact in others
        if (event := time.past_event(fact)) and time.within_months(event, index, LOOK_BACK_MONTHS) is Truth.F
    }
    for fact in others:
        name = (fact.value_text or fact.concept).lower()
        if _has(fact, HAEMATOLOGICAL) or any(word in name for word in NOT_CANCER):
            continue
        if _same_lineage(fact, found, name) or found.cohorts in ({"none"}, set()):
            continue
        site = t._site(fact)
        if any(
            (name and (name in cured or cured in name)) or (site and site in cured) for cured in cured_names if cured
        ):
            continue
        if any(word in name for word in SKIN) or "in situ" in name or "dcis" in name:
            answers.append(time.say(Truth.F, f"{name}, an exception of the criterion.", [fact]))
            continue
        event = time.past_event(fact)
        old = event is not None and time.within_months(event, index, LOOK_BACK_MONTHS) is Truth.F
        state_ = str(fact.attributes.get("status") or "")
        if state_ == "active" and not site:  # may be the index tumour by another name
            answers.append(time.say(Truth.U, f"{name}, active.", [fact], missing=f"is the {name} another cancer"))
        elif state_ in ("active", "surveillance", "metastatic"):
            answers.append(time.say(Truth.T, f"{name}, {state_}.", [fact], review=("R6",), correctable=False))
        elif state_ in ("resolved", "ned", "cured", "resected", "curatively_treated"):
            answers.append(
                time.say(Truth.F, f"{name}, curatively treated.", [fact], review=() if event else ("R4", "R6"))
            )
        elif old and "breast" in name and _under_hormones(patient):
            answers.append(time.say(Truth.U, f"{name} under hormone therapy.", [fact], missing=f"is the {name} active"))
        elif old and event:
            answers.append(time.say(Truth.F, f"{name} {time.span(event)}, more than 3 years ago.", [fact]))
        elif event is None and name in dated_old:
            continue
        elif fact.temporality == "historical" or (fact.section or "") in (
            "past_medical_history",
            "past_surgical_history",
            "problem_list",
        ):
            answers.append(
                time.say(
                    Truth.U,
                    f"{name}, date or treatment not written.",
                    [fact],
                    review=("R4",),
                    missing=f"treatment of the {name}",
                )
            )
        elif fact.concept == "other_malignancy" and fact.assertion == "present" and name not in dated_old:
            # recent or undated, and nothing says what became of it
            answers.append(
                time.say(
                    Truth.U,
                    f"{name}, treatment not written.",
                    [fact],
                    review=("R4",),
                    missing=f"treatment of the {name}",
                )
            )
    if answers:
        return time.any_answer(answers, answers[0])
    denied = [fact for fact in patient.facts(("other_malignancy",), "histology") if fact.assertion == "absent"]
    if denied:
        return time.say(Truth.F, "No other malignancy, as stated.", denied)
    return time.silent("other malignancies", missing="past medical history")


def _under_hormones(patient: Patient) -> bool:
    """An antioestrogen or aromatase inhibitor that goes on."""
    return any(course.ongoing for course in given(patient, "aromatase_or_oestrogen"))


def _has(fact: Fact, words: tuple[str, ...]) -> bool:
    name = (fact.value_text or "").lower()
    return any(word in name.split() if len(word) <= 3 else word in name for word in words)


def _same_lineage(fact: Fact, found: t.Tumour, name: str) -> bool:
    """Adenocarcinoma before NEPC, lung adenocarcinoma before transformation, a component of a combined tumour."""
    site = t._site(fact)
    if site and site in found.sites:
        return True
    if any(
        site.startswith(place)
        and found.cohorts & set(cohorts)
        and (place != "prostate" or found.prostate is not Truth.F)
        for place, cohorts in SAME_LINEAGE.items()
    ):
        return True
    if "prostate" in name and found.prostate is not Truth.F:
        return True
    return (
        fact.concept in ("adenocarcinoma", "squamous_cell_carcinoma", "net")
        and not site
        and fact.temporality != "historical"
        and (fact.section or "") not in ("past_medical_history", "problem_list")
    )


_CHRONIC = re.compile(
    r"\b(?:cll|sll|cml|mds|mpn|aml with mds)\b|chronic|myeloma|myelodysplas|myelofibros|polycythemia|thrombocyth|waldenstr|follicular|"
    r"marginal zone|mantle|indolent|smou?ldering"
)


def _haematological(patient: Patient, fact: Fact) -> Answer:
    """Active, or treated in the last 3 years: T; in remission for longer: F."""
    name = fact.value_text or "haematological malignancy"
    if any(word in name.lower() for word in NOT_CANCER):
        return time.say(Truth.F, f"{name} is no cancer.", [fact])
    state_ = str(fact.attributes.get("status") or "")
    event = time.past_event(fact)
    # a chronic one of the past history lasts until it is said to rest
    lasting = _CHRONIC.search(f"{name} {fact.text}".lower()) is not None
    inactive = state_ in ("resolved", "remission", "cured", "inactive", "curatively_treated") or (
        fact.temporality == "historical" and not lasting
    )
    if event is None:
        if inactive:
            return time.say(
                Truth.U,
                f"{name} in the past, no date.",
                [fact],
                review=("R4",),
                missing=f"last treatment of the {name}",
            )
        return time.say(Truth.T, f"{name}, active or untreated.", [fact], correctable=False)
    inside = time.within_months(event, patient.index_date, LOOK_BACK_MONTHS)
    if inside is Truth.F and (inactive or not (lasting or state_)):
        return time.say(Truth.F, f"{name} {time.span(event)}, more than 3 years ago.", [fact])
    if inside is Truth.F and not inactive:
        return time.say(Truth.T, f"{name} since {time.span(event)}.", [fact], correctable=False)
    return time.say(Truth.T if inside is Truth.T else Truth.U, f"{name} {time.span(event)}.", [fact], correctable=False)
