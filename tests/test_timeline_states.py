"""States of the timeline on a few facts each: what makes them true, false, unknown, and silent."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.timeline import STATES, cohort_candidates, make_patient
from extractor.truth import Truth
from tests.timeline_facts import DEFAULT, INDEX, ask, drug, fact, patient

D = datetime.date


def hist(concept, **columns):
    return fact(concept, "histology", **columns)


def cond(concept, **columns):
    return fact(concept, "condition", **columns)


def lab(concept, value, on="2026-02-20", **columns):
    return fact(concept, "lab", on=on, value=value, **columns)


def report(**columns):
    return {"note_type": "Pathology report", **columns}


@pytest.mark.parametrize("name", sorted(STATES))
def test_silence_is_no_assertion(name):
    answer = ask(name)
    assert (answer.asserted, answer.evidence) == (False, ())
    assert answer.truth is not Truth.T


COHORTS = {
    "small cell of the lung": ([hist("sclc", attributes={"primary_site": "lung"})], {"sclc"}),
    "small cell of the bladder": ([hist("sclc", attributes={"primary_site": "bladder"})], {"nec"}),
    "large cell": ([hist("lcnec")], {"nec"}),
    "medullary": ([hist("mtc")], {"mtc"}),
    "merkel": ([hist("merkel_cell")], {"nec"}),
    "minen by name": ([hist("minen")], {"nec", "none"}),
    "carcinoid": ([hist("atypical_carcinoid")], {"none"}),
    "adenocarcinoma": ([hist("adenocarcinoma")], {"none"}),
    "of the father": ([hist("sclc", experiencer="family")], set()),
    "denied": ([hist("adenocarcinoma"), hist("sclc", assertion="absent")], {"none"}),
    "only suspected": ([hist("sclc", assertion="possible")], {"sclc", "none"}),
    "graded NET that a letter calls carcinoma": (
        [hist("net", attributes={"grade": "G2"}, **report()), hist("nec_nos", note="2026-02-26")], {"none"}),
    "newest specimen shows another tumour": (
        [hist("sclc", note="2024-05-01", **report()), hist("adenocarcinoma", note="2026-02-01", **report())],
        {"sclc", "none"}),
    "neuroendocrine prostate cancer after adenocarcinoma": (
        [hist("nepc", **report()), hist("adenocarcinoma", note="2020-01-01", attributes={"primary_site": "prostate"})],
        {"nec"}),
}  # fmt: skip


@pytest.mark.parametrize("case", COHORTS)
def test_cohort(case):
    facts, expected = COHORTS[case]
    assert cohort_candidates(patient(*facts), DEFAULT) == expected


# name: state, facts, expected truth
CASES = {
    "platinum given": ("platinum_for_this_tumour", [drug("carboplatin", "2025-05-01", "2025-08-01")], "T"),
    "platinum planned only": ("platinum_for_this_tumour", [drug("cisplatin", status="planned")], "U"),
    "platinum declined, another drug given": (
        "platinum_for_this_tumour", [drug("cisplatin", status="declined"), drug("temozolomide", "2025-05-01", "2025-08-01")], "U"),
    "platinum never, history complete": (
        "platinum_for_this_tumour",
        [drug("temozolomide", "2025-05-01", "2025-08-01"), fact("no_prior", value_text="platinum")], "F"),
    "a line of the mother is none": (
        "prior_systemic_line", [drug("carboplatin", "2025-05-01", experiencer="family"), fact("no_prior", value_text="systemic")], "F"),
    "weak mention of a planned drug": (
        "prior_systemic_line", [drug("durvalumab"), drug("durvalumab", status="planned"), fact("no_prior", value_text="systemic")], "F"),
    "progression": ("progression_on_or_after_standard",
                    [drug("carboplatin", "2025-05-01", "2025-08-01"), fact("progression", "response", on="2025-12-01")], "T"),
    "no progression since": ("progression_on_or_after_standard",
                             [drug("carboplatin", "2025-05-01", "2025-08-01"), fact("progression_denied")], "F"),
    "radiology against the clinician": (
        "progression_on_or_after_standard",
        [drug("carboplatin", "2025-05-01", "2025-08-01"),
         fact("progression", "response", note="2026-02-20", note_type="Radiology report"),
         fact("stable_disease", "response", note="2026-02-24")], "U"),
    "the clinician quotes the report and disagrees": (
        "progression_on_or_after_standard",
        [drug("carboplatin", "2025-05-01", "2025-08-01"),
         fact("progression", "response", note="2026-02-20", note_type="Radiology report"),
         fact("progression", "response", note="2026-02-24"), fact("stable_disease", "response", note="2026-02-24")], "U"),
    "antibody not washed out": ("washout_incomplete", [drug("atezolizumab", "2025-05-01", "2026-01-02")], "T"),
    "antibody washed out": ("washout_incomplete", [drug("atezolizumab", "2025-05-01", "2025-10-01")], "F"),
    "ongoing drug": ("washout_incomplete", [drug("lurbinectedin", "2026-01-05", status="ongoing")], "T"),
    "no date": ("washout_incomplete", [drug("lurbinectedin")], "U"),
    "never started": ("washout_incomplete", [drug("lurbinectedin", status="not_given"), drug("topotecan", "2025-01-05", "2025-04-01")], "F"),
    "DLL3 agent given": ("dll3_agent_given", [drug("tarlatamab", "2025-01-05", "2025-04-01")], "T"),
    "DLL3 agent discussed, never given": (
        "dll3_agent_given", [drug("tarlatamab"), drug("tarlatamab", status="not_given", note="2026-02-26")], "F"),
    "denial older than the doses": (
        "dll3_agent_given",
        [drug("tarlatamab", status="not_given", note="2025-01-01"), drug("tarlatamab", "2025-02-01", "2025-04-01")], "T"),
    "a trial's T-cell engager without a name": (
        "dll3_agent_given",
        [drug("clinical_trial_drug", "2025-01-05", "2025-04-01", value_text="bite"),
         drug("dll3-directed agent", status="not_given", note="2026-02-26")], "U"),
    "control arm, the agent denied by name": (
        "dll3_agent_given",
        [drug("clinical_trial_drug", "2025-01-05", "2025-04-01", value_text="DeLLphi"),
         drug("tarlatamab", status="not_given", note="2026-02-26")], "F"),
    "an engager is immunotherapy": ("immunotherapy_exposed", [drug("clinical_trial_drug", "2025-01-05", "2025-04-01", value_text="bite")], "T"),
    "look-alike": ("dll3_agent_given", [drug("ifinatamab deruxtecan", "2025-01-05", "2025-04-01"),
                                        fact("no_prior", value_text="dll3")], "F"),
    "observational study": ("investigational_washout_incomplete",
                            [fact("other_trial", "administrative", attributes={"kind": "observational"})], "F"),
    "trial drug three weeks ago": ("investigational_washout_incomplete",
                                   [drug("topotecan", "2026-01-01", "2026-02-10", attributes={"trial_id": "NCT01234567"})], "T"),
    "brain radiotherapy 10 days ago": ("recent_brain_radiotherapy", [drug("srs", "2026-02-20")], "T"),
    "brain radiotherapy 14 days ago": ("recent_brain_radiotherapy", [drug("srs", "2026-02-16")], "F"),
    "planned end after the note": ("recent_brain_radiotherapy", [drug("wbrt", "2026-02-20", "2026-03-01")], "T"),
    "wide field 20 days ago": ("recent_other_radiotherapy", [drug("radiotherapy", "2026-01-20", "2026-02-10", attributes={"field": "wide"})], "T"),
    "unknown field 20 days ago": ("recent_other_radiotherapy", [drug("radiotherapy", "2026-01-20", "2026-02-10", attributes={"field": "chest"})], "U"),
    "palliative 20 days ago": ("recent_other_radiotherapy", [drug("radiotherapy", "2026-02-08", "2026-02-10", attributes={"field": "palliative"})], "F"),
    "craniotomy 20 days ago": ("recent_major_surgery", [drug("surgery", "2026-02-10", value_text="craniotomy")], "T"),
    "kyphoplasty 20 days ago": ("recent_major_surgery", [drug("surgery", "2026-02-10", value_text="kyphoplasty", attributes={"major": None})], "U"),
    "port 20 days ago": ("recent_major_surgery", [fact("vascular_access", on="2026-02-10")], "F"),
    "yellow fever vaccine": ("recent_live_vaccine", [fact("live_vaccine", "medication", on="2026-02-10", value_text="yellow fever")], "T"),
    "non-replicating vaccine": ("recent_live_vaccine", [fact("live_vaccine", "medication", on="2026-02-10", value_text="jynneos")], "U"),
    "steroid now": ("recent_steroid_or_immunosuppressant",
                    [fact("systemic_steroid", "medication", value_text="dexamethasone", value=8.0, attributes={"status": "ongoing"})], "T"),
    "replacement hydrocortisone": (
        "recent_steroid_or_immunosuppressant",
        [fact("systemic_steroid", "medication", value_text="hydrocortisone", value=20.0, attributes={"status": "ongoing"})], "U"),
    "steroid ended two weeks ago": (
        "recent_steroid_or_immunosuppressant",
        [fact("systemic_steroid", "medication", on="2026-02-10", value_text="prednisone", attributes={"end_date": "2026-02-10"})], "F"),
    "steroid left out of a later medication list": (
        "recent_steroid_or_immunosuppressant",
        [fact("systemic_steroid", "medication", value_text="prednisone", note="2026-01-05", attributes={"status": "ongoing"}),
         fact("doc_med_list", note="2026-02-20")], "F"),
    "no steroids": ("recent_steroid_or_immunosuppressant", [fact("systemic_steroid", "medication", assertion="absent")], "F"),
    "everolimus is an immunosuppressant": ("recent_steroid_or_immunosuppressant", [drug("everolimus", "2025-05-01", status="ongoing")], "T"),
    "hydroxychloroquine": ("recent_steroid_or_immunosuppressant",
                           [fact("immunosuppressant", "medication", value_text="hydroxychloroquine", attributes={"status": "ongoing"})], "U"),
    "treated and quiet brain metastases": (
        "active_brain_metastases",
        [cond("brain_metastases", attributes={"status": "treated"}), fact("neuro_symptoms", assertion="absent"),
         fact("systemic_steroid", "medication", assertion="absent"), fact("anticonvulsant", "medication", assertion="absent")], "F"),
    "brain metastases, nothing else said": ("active_brain_metastases", [cond("brain_metastases")], "U"),
    "brain metastases with deficits": ("active_brain_metastases", [cond("brain_metastases"), fact("neuro_symptoms")], "T"),
    "no brain metastases on a fresh MRI": (
        "active_brain_metastases", [cond("brain_metastases", assertion="absent"), fact("doc_brain_mri", on="2026-02-10")], "F"),
    "no brain metastases on an old MRI": (
        "active_brain_metastases", [cond("brain_metastases", assertion="absent"), fact("doc_brain_mri", on="2025-11-10")], "U"),
    "leptomeningeal disease treated": ("leptomeningeal_disease", [cond("leptomeningeal_disease")], "T"),
    "leptomeningeal disease suspected": ("leptomeningeal_disease", [cond("leptomeningeal_disease", assertion="possible")], "U"),
    "fibrosis": ("interstitial_lung_disease", [cond("ild")], "T"),
    "resolved pneumonitis": ("interstitial_lung_disease", [cond("pneumonitis", attributes={"status": "resolved"})], "U"),
    "no fibrosis on a fresh CT": ("interstitial_lung_disease", [cond("ild", assertion="absent"), fact("doc_chest_ct", on="2026-02-10")], "F"),
    "large effusion": ("significant_pleural_effusion", [cond("pleural_effusion", attributes={"size": "large"})], "T"),
    "large effusion with a catheter": (
        "significant_pleural_effusion", [cond("pleural_effusion", attributes={"size": "large"}), fact("catheter_pleural")], "F"),
    "moderate effusion": ("significant_pleural_effusion", [cond("pleural_effusion", attributes={"size": "moderate"})], "U"),
    "small effusion": ("significant_pleural_effusion", [cond("pleural_effusion", attributes={"size": "small"})], "F"),
    "infarction 5 months ago": ("recent_myocardial_infarction", [cond("myocardial_infarction", on="2025-10-01")], "T"),
    "infarction long ago": ("recent_myocardial_infarction", [cond("myocardial_infarction", on="2011-10-01")], "F"),
    "undated infarction": ("recent_myocardial_infarction", [cond("myocardial_infarction")], "U"),
    "infarction 9 months ago as thrombosis": ("recent_arterial_thrombosis", [cond("myocardial_infarction", on="2025-06-01")], "U"),
    "stroke 11 months ago": ("recent_arterial_thrombosis", [cond("stroke", on="2025-04-01")], "T"),
    "NYHA III, better since": ("nyha_above_2", [fact("nyha_class", "cardiac", on="2025-12-01", value=3.0),
                                                fact("nyha_class", "cardiac", on="2026-02-01", value=2.0)], "T"),
    "NYHA II": ("nyha_above_2", [fact("nyha_class", "cardiac", on="2026-02-01", value=2.0)], "F"),
    "immune event of grade 3": ("severe_immune_event", [fact("immune_related_ae", "toxicity", value=3.0, value_text="colon")], "T"),
    "immune event of grade 2": ("severe_immune_event", [fact("immune_related_ae", "toxicity", value=2.0, value_text="colon")], "F"),
    "immune event without a grade": ("severe_immune_event", [fact("immune_related_ae", "toxicity", value_text="colon")], "U"),
    "anaphylaxis to etoposide": ("severe_hypersensitivity", [fact("anaphylaxis", value_text="etoposide")], "U"),
    "anaphylaxis to polysorbate": ("severe_hypersensitivity", [fact("anaphylaxis", value_text="polysorbate 80")], "T"),
    "no known allergies": ("severe_hypersensitivity", [fact("no_known_allergies")], "F"),
    "neuropathy grade 2": ("unresolved_toxicity", [fact("neuropathy", "toxicity", value=2.0)], "T"),
    "neuropathy grade 1": ("unresolved_toxicity", [fact("neuropathy", "toxicity", value=1.0)], "F"),
    "anaemia grade 2": ("unresolved_toxicity", [fact("anemia", "toxicity", value=2.0)], "F"),
    "Crohn disease, undated": ("autoimmune_disease", [cond("ibd")], "T"),
    "hypothyroidism": ("autoimmune_disease", [cond("hypothyroidism")], "F"),
    "uveitis long ago": ("autoimmune_disease", [cond("uveitis", on="2015-05-01")], "F"),
    "psoriasis, treatment unknown": ("autoimmune_disease", [cond("psoriasis")], "U"),
    "paraneoplastic encephalitis": ("autoimmune_disease", [cond("paraneoplastic_syndrome", value_text="encephalitis")], "T"),
    "SIADH": ("autoimmune_disease", [cond("paraneoplastic_syndrome", value_text="SIADH"), cond("other_autoimmune", assertion="absent")], "F"),
    "surface antigen negative": ("active_hepatitis_b", [fact("hbsag", "serology", value_text="negative", on="2026-02-20")], "F"),
    "surface antigen negative, stale": ("active_hepatitis_b", [fact("hbsag", "serology", value_text="negative", on="2025-02-20")], "U"),
    "carrier on an antiviral": (
        "active_hepatitis_b", [fact("hbsag", "serology", value_text="positive", on="2025-02-20"), lab("hbv_dna", 10.0, comparator="<"),
                               fact("antiviral_hbv", "medication", value_text="entecavir", attributes={"status": "ongoing"})], "T"),
    "carrier with low DNA": (
        "active_hepatitis_b", [fact("hbsag", "serology", value_text="positive"), lab("hbv_dna", 850.0),
                               lab("ast", 30.0, unit="U/L"), lab("alt", 30.0, unit="U/L")], "F"),
    "carrier without DNA": ("active_hepatitis_b", [fact("hbsag", "serology", value_text="positive")], "U"),
    "hepatitis C RNA": ("active_hepatitis_c", [lab("hcv_rna", 320000.0)], "T"),
    "hepatitis C cured": ("active_hepatitis_c", [cond("hepatitis_c", attributes={"status": "resolved"}), lab("hcv_rna", None, value_text="undetectable")], "F"),
    "HIV controlled": ("uncontrolled_hiv", [cond("hiv"), lab("hiv_rna", None, value_text="undetectable"),
                                            fact("antiretroviral", "medication", attributes={"status": "ongoing"})], "F"),
    "HIV with a load": ("uncontrolled_hiv", [cond("hiv"), lab("hiv_rna", 12000.0)], "T"),
    "HIV negative long ago": ("uncontrolled_hiv", [fact("hiv_test", "serology", value_text="negative", on="2020-01-01")], "F"),
    "COVID ten days ago": ("recent_covid", [fact("sars_cov_2_test", "serology", value_text="positive", on="2026-02-20")], "T"),
    "COVID last year": ("recent_covid", [fact("sars_cov_2_test", "serology", value_text="positive", on="2025-02-20")], "F"),
    "pneumonia three days ago": ("recent_infection", [cond("active_infection", on="2026-02-27", value_text="pneumonia", note="2026-02-27")], "T"),
    "infection improving": ("recent_infection", [cond("active_infection", on="2026-02-27", note="2026-02-27", attributes={"status": "improving"})], "U"),
    "afebrile": ("recent_infection", [fact("infection_signs", assertion="absent")], "F"),
    "ECOG 2": ("ecog_at_most_2", [fact("ecog", "performance", value=2.0)], "T"),
    "ECOG 2 to 3": ("ecog_at_most_2", [fact("ecog", "performance", value=2.0, value_high=3.0)], "U"),
    "Karnofsky 40": ("ecog_at_most_2", [fact("kps", "performance", value=40.0)], "F"),
    "Karnofsky 60": ("ecog_at_most_2", [fact("kps", "performance", value=60.0)], "U"),
    "ECOG copied forward": ("ecog_at_most_2", [fact("ecog", "performance", value=1.0, copied_from="n0")], "U"),
    "saturation 90": ("oxygen_saturation_adequate", [fact("spo2", "vital", value=90.0, attributes={"oxygen": "room_air"})], "F"),
    "saturation on oxygen": ("oxygen_saturation_adequate", [fact("spo2", "vital", value=95.0, attributes={"oxygen": "supplemental"})], "U"),
    "rest counts, not walking": (
        "oxygen_saturation_adequate",
        [fact("spo2", "vital", value=88.0, attributes={"oxygen": "room_air", "activity": "exertion"}),
         fact("spo2", "vital", value=94.0, attributes={"oxygen": "room_air", "activity": "rest"})], "T"),
    "node by its short axis": ("measurable_lesion", [fact("lesion", value=23.0, attributes={"node": "yes", "short_axis_mm": 14.0}), fact("doc_chest_ct", on="2026-02-20")], "F"),
    "lung mass": ("measurable_lesion", [fact("lesion", value=32.0, attributes={"site": "lung"})], "T"),
    "bone lesion": ("measurable_lesion", [fact("lesion", value=32.0, attributes={"bone": "yes"}), fact("doc_chest_ct", on="2026-02-20")], "F"),
    "irradiated and stable": ("measurable_lesion", [fact("lesion", value=25.0, attributes={"irradiated": "yes"})], "U"),
    "on a coumarin, INR in range": (
        "coagulation_adequate", [lab("inr", 2.4, unit="1"), fact("anticoagulant", "medication", value_text="warfarin", attributes={"status": "ongoing"})], "T"),
    "on a coumarin, INR low": (
        "coagulation_adequate", [lab("inr", 1.2, unit="1", ref_high=1.1), fact("anticoagulant", "medication", value_text="warfarin", attributes={"status": "ongoing"})], "U"),
    "INR high without a drug": ("coagulation_adequate", [lab("inr", 1.9, unit="1"), lab("aptt", 30.0, unit="s")], "F"),
    "aPTT missing": ("coagulation_adequate", [lab("inr", 1.0, unit="1")], "U"),
    "AST above 3 x with liver metastases": (
        "liver_enzymes_adequate", [lab("ast", 132.0, ref_high=40.0), lab("alt", 88.0, ref_high=56.0), cond("liver_metastases")], "T"),
    "AST above 3 x without": (
        "liver_enzymes_adequate", [lab("ast", 132.0, ref_high=40.0), lab("alt", 88.0, ref_high=56.0), cond("liver_metastases", assertion="absent")], "F"),
    "AST above 3 x, liver unclear": (
        "liver_enzymes_adequate", [lab("ast", 132.0, ref_high=40.0), lab("alt", 88.0, ref_high=56.0), cond("liver_metastases", assertion="possible")], "U"),
    "bilirubin with Gilbert syndrome": ("bilirubin_adequate", [lab("bilirubin_total", 2.6, ref_high=1.2), cond("gilbert_syndrome")], "T"),
    "bilirubin 1.6 of 1.2": ("bilirubin_adequate", [lab("bilirubin_total", 1.6, ref_high=1.2)], "T"),
    "DLL3 of 1 percent": ("dll3_positive", [fact("dll3_percent", "biomarker", value=1.0, unit="%")], "T"),
    "DLL3 below 1 percent": ("dll3_positive", [fact("dll3_percent", "biomarker", value=1.0, comparator="<", unit="%")], "F"),
    "DLL3 negative": ("dll3_positive", [fact("dll3_status", "biomarker", value_text="negative")], "F"),
    "Ki-67 of exactly 20, mitoses 18": (
        "high_proliferation", [fact("ki67", "biomarker", value=20.0, unit="%"), fact("mitotic_rate", "biomarker", value=18.0, unit="/10[HPF]")], "F"),
    "Ki-67 of exactly 20 alone": ("high_proliferation", [fact("ki67", "biomarker", value=20.0, unit="%")], "U"),
    "newest metastatic specimen": (
        "high_proliferation", [fact("ki67", "biomarker", on="2018-01-01", value=3.0, unit="%"), fact("ki67", "biomarker", on="2025-01-01", value=60.0, unit="%")], "T"),
    "MTC with necrosis": ("mtc_high_grade", [fact("tumor_necrosis", "biomarker", value_text="positive")], "T"),
    "MTC with all three absent": (
        "mtc_high_grade", [fact("tumor_necrosis", "biomarker", value_text="negative"), fact("ki67", "biomarker", value=3.0, unit="%"),
                           fact("mitotic_rate", "biomarker", value=3.0, unit="/10[HPF]")], "F"),
    "MTC without Ki-67": (
        "mtc_high_grade", [fact("tumor_necrosis", "biomarker", value_text="negative"), fact("mitotic_rate", "biomarker", value=2.0, unit="/10[HPF]")], "U"),
    "RET wild type and one line": ("ret_requirement_met", [fact("ret", "biomarker", value_text="wild_type"), drug("cabozantinib", "2025-01-01", "2025-06-01")], "T"),
    "RET mutated, inhibitor only planned": (
        "ret_requirement_met", [fact("ret", "biomarker", value_text="mutated"), drug("cabozantinib", "2025-01-01", "2025-06-01"), drug("selpercatinib", status="planned")], "U"),
    "vasectomy": ("male_contraception", [fact("vasectomy")], "T"),
    "hospice": ("life_expectancy_3_months", [fact("hospice")], "F"),
    "G-CSF on day 14": ("recent_gcsf", [fact("growth_factor", "medication", on="2026-02-16", value_text="pegfilgrastim")], "T"),
    "G-CSF on day 15": ("recent_gcsf", [fact("growth_factor", "medication", on="2026-02-15", value_text="pegfilgrastim")], "F"),
    "leukaemia on observation": ("second_malignancy", [hist("sclc"), fact("haematological", value_text="cll")], "T"),
    "an old date settles an undated mention": (
        "second_malignancy",
        [hist("sclc"), hist("other_malignancy", value_text="breast cancer", on="2016-09-01"),
         hist("other_malignancy", value_text="breast cancer", section="past_medical_history")], "F"),
    "skin cancer": ("second_malignancy", [hist("sclc"), fact("nmsc", value_text="basal cell carcinoma")], "F"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_state(case):
    name, facts, expected = CASES[case]
    answer = ask(name, *facts)
    assert answer.truth.name == expected
    assert answer.asserted
    assert answer.reason


@pytest.mark.parametrize(
    ("state", "denied"),
    [
        ("unresolved_toxicity", fact("neuropathy", "toxicity", assertion="absent")),
        ("autoimmune_disease", cond("lupus", assertion="absent")),
    ],
)
def test_one_denied_item_leaves_the_rest_to_the_absence_policy(state, denied):
    assert not ask(state, denied).asserted


@pytest.mark.parametrize(
    ("plan", "correctable"),
    [
        ([drug("carboplatin", status="planned")], True),
        ([drug("carboplatin", status="planned"), drug("cisplatin", status="declined")], False),
        ([drug("carboplatin", "2025-04-01", status="planned")], False),
        ([], False),
    ],
)
def test_missing_platinum_is_for_now_only_with_a_plan(plan, correctable):
    answer = ask("platinum_for_this_tumour", fact("no_prior", value_text="platinum"), *plan)
    assert (answer.truth, answer.correctable) == (Truth.F, correctable)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([fact("lhrh_analogue", "medication", value_text="leuprolide", attributes={"status": "ongoing"})], "T"),
        ([drug("goserelin", "2022-03", "2024-02", attributes={"reason_stopped": "completed"})], "F"),
        ([drug("goserelin", None, "2026-02-10")], "T"),
        ([drug("goserelin", None, "2025-02-10")], "U"),
    ],
)
def test_the_lhrh_analogue(facts, expected):
    assert ask("lhrh_ongoing", *facts).truth.name == expected


def test_the_clear_date_of_a_drug_and_both_policies():
    answer = ask("washout_incomplete", drug("atezolizumab", "2025-05-01", "2026-01-02"))
    assert answer.clear_date == D(2026, 5, 17)
    assert answer.notes["drugs"]["atezolizumab"] == {"literal": ["T", "2026-05-17"], "cap30": ["F", "2026-02-01"]}
    assert "R6" in answer.review


def test_a_stale_value_answers_provisionally():
    answer = ask("ecog_at_most_2", fact("ecog", "performance", value=1.0, note="2025-12-01"))
    assert (answer.truth, answer.provisional, answer.review) == (Truth.U, Truth.T, ("R12",))


ORDERED = [item for _, items, _ in CASES.values() for item in items]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(40)), st.integers(0, len(ORDERED) - 40))
def test_the_order_of_facts_never_matters(order, offset):
    chosen = ORDERED[offset : offset + 40]
    straight = make_patient("p", chosen, INDEX)
    shuffled = make_patient("p", [chosen[i] for i in order], INDEX)
    for name in sorted(STATES):
        assert STATES[name](straight, DEFAULT) == STATES[name](shuffled, DEFAULT), name
