"""Which tumour is it: cohort, primary site, subtype, and what else the histology facts say (criteria 2.1, I2-I4, E3).

Facts are keyed by specimen: the note of a pathology report, or the day that the text gives. The newest metastatic
specimen wins, other specimens are support; a specimen that an expert review overturned does not count. Look-alikes
(carcinoid, NET, adenocarcinoma with neuroendocrine differentiation) never make a cohort.
"""

from __future__ import annotations

from dataclasses import dataclass

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.patient import Patient
from extractor.timeline.settings import Settings
from extractor.timeline.treatment import given
from extractor.truth import Truth

#: histology concept → cohort ("none": a firm other tumour)
COHORT_OF = {
    "sclc": "sclc", "combined_sclc": "sclc", "lcnec": "nec", "sc_nec": "nec", "nec_nos": "nec", "nepc": "nec",
    "merkel_cell": "nec", "mtc": "mtc",
}  # fmt: skip
WELL_DIFFERENTIATED = frozenset({"net", "typical_carcinoid", "atypical_carcinoid"})
PARAGANGLIAL = frozenset({"pheochromocytoma", "paraganglioma"})
OTHER = frozenset({"adenocarcinoma", "squamous_cell_carcinoma", "other_malignancy"})
HISTOLOGIES = (*COHORT_OF, *sorted(WELL_DIFFERENTIATED), *sorted(PARAGANGLIAL), *sorted(OTHER), "minen")
LUNG = frozenset({"lung", "bronchus", "mediastinum", "hilum", "pulmonary", "chest", "trachea", "pleura"})
SUBTYPES = {
    "lcnec": "large_cell",
    "sc_nec": "small_cell",
    "nepc": "small_cell",
    "nec_nos": "NOS",
    "merkel_cell": "NOS",
    "sclc": "small_cell",
}


@dataclass(frozen=True)
class Tumour:
    """What the tumour may be. ``cohorts`` is the candidate set over sclc, nec, mtc, none (empty: nothing is said)."""

    cohorts: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    subtypes: frozenset[str] = frozenset()
    facts: tuple[Fact, ...] = ()
    review: tuple[str, ...] = ()
    reason: str = ""
    newest: tuple[Fact, ...] = ()

    @property
    def prostate(self) -> Truth:
        """Is the primary the prostate?"""
        if not self.sites:
            return Truth.F if self.cohorts else Truth.U
        if self.sites == {"prostate"}:
            return Truth.T
        return Truth.U if "prostate" in self.sites else Truth.F


def is_pathology(fact: Fact) -> bool:
    kind = fact.note_type.lower()
    return (
        "path" in kind
        or "histolog" in kind
        or "cytolog" in kind
        or "biops" in kind
        or ((fact.section or "") in ("pathology", "final_diagnosis", "microscopic", "specimen", "diagnosis"))
    )


def specimen_day(fact: Fact):
    interval = time.when(fact)
    return interval[1] if interval else None


def histology(patient: Patient) -> list[Fact]:
    """The patient's tumour names, without those of an earlier specimen that a review overturned."""
    return [
        fact
        for fact in patient.facts(HISTOLOGIES, "histology")
        if fact.attributes.get("overturned") not in (True, "yes")
    ]


def tumour(patient: Patient, settings: Settings) -> Tumour:
    key = "tumour"
    if key not in patient.cache:
        patient.cache[key] = _tumour(patient)
    return patient.cache[key]


def _site(fact: Fact) -> str:
    return str(fact.attributes.get("primary_site") or "").lower().replace(" ", "_")


def _overturned(patient: Patient, facts: list[Fact]) -> set[str]:
    """Names of well-differentiated tumours whose specimen an expert review read as carcinoma, and the other way round."""
    reviews = [fact for fact in patient.facts("expert_review") if (fact.value_text or "") == "contradicts"]
    if not reviews:
        return set()
    day = max(time.last_day(fact) for fact in reviews)
    notes = {fact.note_id for fact in reviews if time.last_day(fact) == day}
    in_review = {fact.concept for fact in facts if fact.note_id in notes and fact.assertion == "present"}
    if in_review & set(COHORT_OF) and not in_review & WELL_DIFFERENTIATED:
        return set(WELL_DIFFERENTIATED)
    if in_review & WELL_DIFFERENTIATED and not in_review & set(COHORT_OF):
        return set(COHORT_OF)
    return set()


def _tumour(patient: Patient) -> Tumour:
    facts = histology(patient)
    gone = _overturned(patient, facts)
    facts = [fact for fact in facts if fact.concept not in gone]
    firm = _by_report([fact for fact in facts if fact.assertion == "present"], facts)
    maybe = [fact for fact in facts if fact.assertion in ("possible", "hypothetical")]
    ne = [fact for fact in firm if fact.concept in COHORT_OF]
    review: set[str] = set()
    minen = [fact for fact in firm if fact.concept == "minen"]
    mixed = [fact for fact in patient.facts("mixed_histology") if fact.assertion in ("present", "possible")]
    transformed = [fact for fact in patient.facts("transformed") if fact.assertion == "present"]
    if not facts and not mixed:
        return Tumour()
    if minen:
        review.add("R8")
        pure = [fact for fact in ne if time.last_day(fact) > max(time.last_day(item) for item in minen)]
        if not pure:
            return Tumour(
                frozenset({"nec", "none"}),
                _sites(minen + ne),
                frozenset({"mixed", *_subtypes(ne)}),
                tuple(minen + ne),
                ("R8",),
                "A mixed neuroendocrine-non-neuroendocrine neoplasm: no cohort names it.",
                tuple(minen),
            )
    hypercalcaemic = [fact for fact in patient.facts("hypercalcaemic_type") if fact.assertion == "present"]
    if not ne and hypercalcaemic:
        reason = "Small cell carcinoma of the ovary of hypercalcaemic type."
        return Tumour(frozenset({"nec", "none"}), frozenset({"ovary"}), frozenset(), tuple(firm), ("R8",), reason)
    if not ne:
        return _without_carcinoma(firm, maybe, mixed)
    cohorts, sites, reason = _cohorts(ne, review)
    if _follows_prostate_cancer(patient, firm, ne, bool(transformed)):
        cohorts, sites = frozenset({"nec"}), frozenset({"prostate"})
        reason = "Neuroendocrine carcinoma after a treated prostate adenocarcinoma."
        review.add("R8")
    if any(fact.concept == "combined_sclc" for fact in ne) or transformed or mixed:
        review.add("R8")
    if any(fact.concept == "merkel_cell" for fact in ne):
        review.add("R8")
    if cohorts == {"nec"} and "prostate" not in sites and not sites - {"unknown"}:
        review.add("R8")
    if hypercalcaemic:
        cohorts = frozenset({*cohorts, "none"})
        review.add("R8")
    newest = _newest_specimen(firm)
    denied = {fact.note_id for fact in facts if fact.concept in COHORT_OF and fact.assertion == "absent"}
    newest = [fact for fact in newest if not (fact.concept in COHORT_OF and fact.note_id in denied)]
    others = [fact for fact in newest if fact.concept in OTHER | WELL_DIFFERENTIATED | PARAGANGLIAL]
    if (
        newest
        and others
        and len(others) == len(newest)
        and _denies_or_alone(others, ne, denied)
        and _contradicts(others, ne, patient)
    ):
        review |= {"R1", "R8"}
        cohorts = frozenset({*cohorts, "none"})
        reason = f"The newest specimen ({time.day(time.last_day(newest[0]))}) shows another tumour than the older ones."
    wellness = [fact for fact in firm if fact.concept in WELL_DIFFERENTIATED and not _is_past(fact, patient)]
    if wellness and cohorts != {"mtc"} and "none" not in cohorts and _net_is_this_tumour(wellness, ne):
        review |= {"R1", "R8"}
        cohorts = frozenset({*cohorts, "none"})
        reason = "The notes call the tumour a carcinoma and a well-differentiated tumour."
    return Tumour(cohorts, sites, frozenset(_subtypes(ne)), tuple(ne), tuple(sorted(review)), reason, tuple(newest))


def _is_weak_carcinoma(fact: Fact) -> bool:
    """ "Neuroendocrine carcinoma" without a word on differentiation, as older texts and billing call any of them."""
    return fact.concept == "nec_nos" and fact.attributes.get("differentiation") != "poor" and not is_pathology(fact)


def _by_report(firm: list[Fact], every: list[Fact]) -> list[Fact]:
    """Reports outrank what other notes call the tumour: a carcinoma that no report names, and that a report denies or
    names otherwise (a graded well-differentiated tumour), does not count."""
    reports = [fact for fact in firm if is_pathology(fact)]
    if any(fact.concept in COHORT_OF or fact.concept == "minen" for fact in reports):
        return firm
    denied = {
        fact.note_id
        for fact in every
        if fact.concept in COHORT_OF and fact.assertion == "absent" and is_pathology(fact)
    }
    if any(fact.concept in OTHER | WELL_DIFFERENTIATED and fact.note_id in denied for fact in reports):
        return [fact for fact in firm if fact.concept not in COHORT_OF]
    graded = [
        fact
        for fact in firm
        if fact.concept in WELL_DIFFERENTIATED
        and (fact.attributes.get("grade") or fact.attributes.get("differentiation") == "well")
        and not _in_history(fact)
    ]
    if graded:
        return [fact for fact in firm if not _is_weak_carcinoma(fact)]
    return firm


def _in_history(fact: Fact) -> bool:
    return fact.temporality == "historical" or (fact.section or "") in (
        "past_medical_history",
        "past_surgical_history",
        "problem_list",
    )


#: organs that a specimen of a metastasis comes from
METASTATIC_SITES = frozenset({"liver", "bone", "brain", "adrenal", "lymph_node", "peritoneum", "pleura", "soft tissue"})
#: words in a name that place a small cell carcinoma in the lung
_LUNG_NAMES = ("lung", "sclc", "pulm", "bronch", "cbpc", "cppc", "poumon")


def _follows_prostate_cancer(patient: Patient, firm: list[Fact], ne: list[Fact], transformed: bool) -> bool:
    """A carcinoma that no note places in another organ, in a man whose prostate adenocarcinoma transformed or is under
    hormones: treatment-emergent NEPC (specification 3.8, after the definition of de novo and treatment-emergent)."""
    signalling = given(patient, "arsi")  # drugs of prostate cancer alone
    known = any(fact.concept in ("adenocarcinoma", "other_malignancy") and _site(fact) == "prostate" for fact in firm)
    if not known and not signalling:
        return False
    if not {fact.concept for fact in ne} <= {"sclc", "sc_nec", "nec_nos", "nepc", "lcnec"}:
        return False
    named = [fact for fact in ne if any(word in fact.text.lower() for word in _LUNG_NAMES)]
    placed = _sites([fact for fact in ne if fact.concept != "sclc"]) - {"prostate", "unknown", *METASTATIC_SITES}
    lung_stage = [
        fact for fact in patient.facts(("extensive_stage", "limited_stage"), "stage") if fact.assertion == "present"
    ]
    if named or placed or lung_stage:
        return False
    if any(fact.concept == "adenocarcinoma" and _site(fact) not in ("prostate", "") for fact in firm):
        return False
    emergent = [fact for fact in patient.facts("nepc_origin") if fact.value_text == "treatment_emergent"]
    hormones = [course for course in given(patient, "androgen_deprivation") if course.ongoing]
    return bool(transformed or emergent or signalling or hormones)


def _subtypes(facts: list[Fact]) -> set[str]:
    found = {SUBTYPES[fact.concept] for fact in facts if fact.concept in SUBTYPES}
    return found - {"NOS"} or found


def _sites(facts: list[Fact]) -> frozenset[str]:
    return frozenset(_site(fact) or ("prostate" if fact.concept == "nepc" else "") for fact in facts) - {""}


def _cohorts(ne: list[Fact], review: set[str]) -> tuple[frozenset[str], frozenset[str], str]:
    """Cohorts of firm neuroendocrine carcinoma facts."""
    names = {fact.concept for fact in ne}
    sites = _sites(ne)
    extrapulmonary = sites - LUNG - {"unknown"}
    if "nepc" in names or sites == {"prostate"}:
        return frozenset({"nec"}), frozenset({"prostate"}), "Neuroendocrine prostate cancer."
    if "mtc" in names:
        rest = names - {"mtc", "nec_nos"}
        if not rest:
            return frozenset({"mtc"}), frozenset({"thyroid"}), "Medullary thyroid carcinoma."
        counts = {cohort: sum(COHORT_OF[fact.concept] == cohort for fact in ne) for cohort in ("sclc", "nec", "mtc")}
        review |= {"R1", "R8"}
        return (
            frozenset(c for c, n in counts.items() if n),
            sites,
            "The notes name more than one neuroendocrine carcinoma.",
        )
    if names & {"sclc", "combined_sclc"}:
        if names & {"sc_nec", "merkel_cell"} and extrapulmonary and not sites & LUNG:
            return (
                frozenset({"nec"}),
                extrapulmonary,
                f"Small cell carcinoma of the {', '.join(sorted(extrapulmonary))}.",
            )
        if extrapulmonary and not sites & LUNG and "combined_sclc" not in names:
            return (
                frozenset({"nec"}),
                extrapulmonary,
                f"Small cell carcinoma of the {', '.join(sorted(extrapulmonary))}.",
            )
        if "lcnec" in names and "combined_sclc" not in names:
            review.add("R8")
            lcnec = [fact for fact in ne if fact.concept == "lcnec" and is_pathology(fact)]
            small = [fact for fact in ne if fact.concept in ("sclc", "combined_sclc") and is_pathology(fact)]
            if lcnec and not small:
                return frozenset({"nec", "sclc"}), sites, "Small cell and large cell carcinoma are both named."
        return frozenset({"sclc"}), sites, "Small cell lung carcinoma."
    kind = ", ".join(sorted(names)).replace("_", " ")
    return frozenset({"nec"}), extrapulmonary or sites, f"Neuroendocrine carcinoma ({kind})."


def _without_carcinoma(firm: list[Fact], maybe: list[Fact], mixed: list[Fact]) -> Tumour:
    """No firm carcinoma of a cohort: possible ones, look-alikes, or firmly another tumour."""
    settled = {fact.note_id for fact in firm}
    newest_report = max((time.last_day(fact) for fact in firm if is_pathology(fact)), default=None)
    possible = [
        fact
        for fact in maybe
        if (fact.concept in COHORT_OF or fact.concept == "minen")
        and fact.note_id not in settled
        and (newest_report is None or time.last_day(fact) > newest_report)
    ]
    names = {fact.concept for fact in firm}
    if possible:
        cohorts = {COHORT_OF.get(fact.concept, "nec") for fact in possible} | {"none"}
        return Tumour(
            frozenset(cohorts),
            _sites(possible),
            frozenset(_subtypes(possible)),
            tuple(possible + firm),
            ("R5", "R8"),
            "The neuroendocrine carcinoma is only suspected.",
            tuple(firm),
        )
    if mixed and not names & (WELL_DIFFERENTIATED | PARAGANGLIAL):
        return Tumour(
            frozenset({"nec", "none"}),
            _sites(firm),
            frozenset({"mixed"}),
            tuple(mixed + firm),
            ("R8",),
            "Neuroendocrine differentiation or features without a carcinoma of a cohort.",
            tuple(firm),
        )
    if firm:
        vague = [
            fact
            for fact in firm
            if fact.concept == "net"
            and not fact.attributes.get("grade")
            and fact.attributes.get("differentiation") != "well"
        ]
        if (
            vague
            and len(vague) == len([fact for fact in firm if fact.concept in WELL_DIFFERENTIATED])
            and any(fact.attributes.get("vague") in (True, "yes") for fact in vague)
        ):
            return Tumour(
                frozenset({"nec", "none"}),
                _sites(firm),
                frozenset(),
                tuple(firm),
                ("R8",),
                "A neuroendocrine neoplasm whose differentiation is not stated.",
                tuple(firm),
            )
        kinds = ", ".join(sorted(names)).replace("_", " ")
        return Tumour(
            frozenset({"none"}),
            _sites(firm),
            frozenset({"other"}),
            tuple(firm),
            (),
            f"The tumour is another one: {kinds}.",
            tuple(firm),
        )
    return Tumour(
        frozenset({"none", "nec", "sclc"}) if maybe else frozenset(),
        frozenset(),
        frozenset(),
        tuple(maybe),
        ("R5",) if maybe else (),
        "The diagnosis is only suspected." if maybe else "",
    )


def _newest_specimen(firm: list[Fact]) -> list[Fact]:
    """Firm tumour names of the newest pathology report."""
    reports = [
        fact
        for fact in firm
        if is_pathology(fact) and not fact.copied_from and fact.attributes.get("specimen") != "outside"
    ]
    return time.newest([fact for fact in reports if fact.temporality != "historical"])


def _denies_or_alone(others: list[Fact], ne: list[Fact], denied: set[str]) -> bool:
    """The report of the other tumour denies the carcinoma, or does not name it at all."""
    own = {fact.note_id for fact in others}
    return bool(own & denied) or not any(fact.note_id in own for fact in ne)


def _contradicts(others: list[Fact], ne: list[Fact], patient: Patient) -> bool:
    """Is the newest specimen newer than every carcinoma report, and do no later notes keep to the carcinoma alone?"""
    day = max(time.last_day(fact) for fact in others)
    own = {item.note_id for item in others}
    reports = [time.last_day(fact) for fact in ne if is_pathology(fact) and fact.note_id not in own]
    return all(other < day for other in reports)


def _is_past(fact: Fact, patient: Patient) -> bool:
    """A tumour of long ago, beside the one in question."""
    event = time.past_event(fact)
    return (
        fact.temporality == "historical"
        or bool(event and event[1] <= time.months_before(patient.index_date, 36))
        or (fact.section or "") in ("past_medical_history", "past_surgical_history", "problem_list")
    )


def _net_is_this_tumour(wellness: list[Fact], ne: list[Fact]) -> bool:
    """A well-differentiated tumour named in a report as new as the carcinoma's, at the same site."""
    sites, beside = _sites(ne), _sites(wellness)
    if sites and beside and not sites & beside:
        return False
    reports = [fact for fact in ne if is_pathology(fact)] or ne
    newest_ne = max(time.last_day(fact) for fact in reports)
    own = {fact.note_id for fact in reports}
    return any(time.last_day(fact) >= newest_ne and fact.note_id not in own for fact in wellness if is_pathology(fact))


def cohort_candidates(patient: Patient, settings: Settings) -> frozenset[str]:
    """Cohorts that the patient may belong to: a subset of sclc, nec, mtc, none (empty: no histology in the notes)."""
    return tumour(patient, settings).cohorts
