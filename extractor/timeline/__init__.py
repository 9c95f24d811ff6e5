"""One patient's facts in order, and the states and derived values that a trial's rules ask for.

``STATES[name](patient, settings) -> Answer`` answers a sentence about the patient; ``DERIVED[name](patient, settings)
-> Measure | None`` gives a number. Windows, conflicts, copy-forward, specimens and the rulings of the clinical
specification are inside; ``asserted=False`` says that no fact speaks of it (the trial's absence policy then decides).
Where a state needs a condition of the leaf's own (cohort, sex), the trial file gives it with ``applies``.

Inclusion leaves (the sentence is the criterion's own: true passes)

=========== ============================== ==================================================================
leaf        state                          remarks
=========== ============================== ==================================================================
(cohort)    is_sclc is_nec is_mtc          candidate set; ``cohort_candidates(patient, settings)`` gives it whole
(applies)   primary_prostate               NEPC path; nepc_de_novo, nepc_treatment_emergent
(applies)   is_female is_male              childbearing_potential (true, false, unknown)
I2.a        histology_eligible
I2.b        tissue_proven
I2.c        advanced_disease
I2.d        latest_metastatic_specimen_supports
I2.e        dll3_positive
I3.1        expert_review_confirms         attestation
I3.2        nec_subtype_accepted
I3.3        high_proliferation             derived: ki67, mitotic_rate
I3.4        nepc_phenotype
I4          mtc_high_grade
I5.line     prior_systemic_line            derived: lines_count
I5.platinum platinum_for_this_tumour       notes["planned"]; clear/correctable when platinum is planned
I5.progress progression_on_or_after_standard
I5.arsi     arsi_given                     policy A-5 inside
I5.ret      ret_requirement_met            RET status inside; ret_selective_given, ret_mutated apart
I6          lhrh_ongoing                   applies: primary_prostate and not bilateral_orchiectomy
I7          ecog_at_most_2                 derived: ecog (interval, KPS map inside), stale flag
I8          life_expectancy_3_months       attestation
I9          measurable_lesion
I10.site    biopsy_site_accessible         attestation
I10.consent agrees_to_biopsies             attestation
I11.a .c    recent_platelet_transfusion, recent_gcsf beside derived platelets, anc (also: hemoglobin albumin ast
            alt alp bilirubin_total creatinine inr pt aptt: latest in window, else latest with ``stale``; ULN inside)
I11.d       kidney_function_adequate       derived: crcl; on_dialysis
I11.e-g     liver_metastases, gilbert_documented
            liver_enzymes_adequate, alp_adequate, bilirubin_adequate: whole leaves with the table's limits
I11.i       coagulation_adequate           vka_current, other_anticoagulant_current, inr_in_therapeutic_range
I12         oxygen_saturation_adequate     derived: spo2 (latest at rest on room air)
I13.1       serum_pregnancy_test_negative
I13.2       female_contraception           attestation
I14         no_ova_donation                attestation
I15         male_contraception             vasectomy and bilateral orchiectomy inside
I16         no_sperm_donation              attestation
I17         informed_consent               attestation
I18         social_security                attestation
=========== ============================== ==================================================================

Exclusion leaves (true = the patient is excluded by it)

=========== ==============================
leaf        state
=========== ==============================
E1          refuses_sampling
E2          curative_treatment_possible
E3          well_differentiated_net
E4          interstitial_lung_disease
E5 applies  immunotherapy_exposed          E25 applies: immune_therapy_exposed
E5.a        recurrent_pneumonitis
E5.b        severe_immune_event
E5.c        severe_infusion_reaction
E5.d        immunotherapy_stopped_for_toxicity
E6          severe_hypersensitivity
E7.1        recent_brain_radiotherapy
E7.2        recent_other_radiotherapy
E7.3        washout_incomplete             notes["drugs"]: drug → clear dates of both policies
E7.4        recent_major_surgery
E7.5        recent_live_vaccine
E7.6        recent_steroid_or_immunosuppressant
E8          dll3_agent_given
E9.a        active_brain_metastases
E9.b        active_cord_compression
E10         leptomeningeal_disease
E11         unresolved_toxicity
E12         second_malignancy
E13         uncontrolled_disease
E14         recent_infection
E15         significant_pleural_effusion
E16.1       qtcf_prolonged                 derived: qtcf
E16.2       lvef_reduced                   derived: lvef
E16.3       recent_myocardial_infarction
E16.4       nyha_above_2
E16.5       significant_pericardial_effusion
E17         recent_arterial_thrombosis
E18.HBV     active_hepatitis_b
E18.HCV     active_hepatitis_c
E19         recent_covid
E20         autoimmune_disease
E21         uncontrolled_hiv
E22         pregnant_or_breastfeeding
E23         compliance_barrier
E24         guardianship_or_incapacity
E25         severe_immune_therapy_event
E26         investigational_washout_incomplete
=========== ==============================
"""

from __future__ import annotations

import importlib
import pkgutil

from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient, build_patients, make_patient
from extractor.timeline.registry import DERIVED, STATES
from extractor.timeline.settings import Settings
from extractor.timeline.tumour import cohort_candidates

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

__all__ = [
    "DERIVED",
    "STATES",
    "Measure",
    "Patient",
    "Settings",
    "build_patients",
    "cohort_candidates",
    "from_value",
    "make_patient",
]
