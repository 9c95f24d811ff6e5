"""Assertion, temporality and experiencer; the sentences of docs/assertion.md hold."""

import pathlib
import re

import pytest

from extractor import patterns, qualify

DOCS = pathlib.Path(__file__).parent.parent / "docs" / "assertion.md"
MARK = re.compile(r"\[([^\]\n]{2,})\]")


def bracketed(sentence):
    """The sentence without its brackets, and the spans that stood in them; "[ ]" stays (a checkbox)."""
    text, spans, at = "", [], 0
    for match in MARK.finditer(sentence):
        text += sentence[at : match.start()]
        spans.append((len(text), len(text) + len(match.group(1))))
        text += match.group(1)
        at = match.end()
    return text + sentence[at:], spans


def documented():
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 2 and "[" in line:
            value = cells[0].strip("`")
            for sentence in cells[-1].split(" · "):
                yield pytest.param(value, sentence, id=f"{value}: {sentence}")
        for sentence, value in re.findall(r"([^:·]*\[[^()`]*?) \((?:all )?`(\w+)`\)", line) if line.startswith("- ") else ():
            yield pytest.param(value, sentence.strip(), id=f"{value}: {sentence.strip()}")


@pytest.mark.parametrize(("value", "sentence"), documented())
def test_documented_sentence(value, sentence):
    text, spans = bracketed(sentence)
    assert spans
    for answer in qualify(text, spans):
        assert value in answer


RULES = [(rule["category"], example) for rule in patterns.table("assertion")["rule"] for example in rule["examples"]]
EXPECTED = {
    "absent": ("absent", None, None), "possible": ("possible", None, None), "hypothetical": ("hypothetical", None, None),
    "historical": ("present", "historical", None), "family": ("present", None, "family"), "pseudo": ("present", None, None),
}  # fmt: skip


@pytest.mark.parametrize(("category", "example"), [r for r in RULES if r[0] in EXPECTED])
def test_every_rule_has_an_example_that_holds(category, example):
    start = example.index("<fact>")
    end = example.index("</fact>") - len("<fact>")
    [answer] = qualify(example.replace("<fact>", "").replace("</fact>", ""), [(start, end)])
    for got, want in zip(answer, EXPECTED[category], strict=True):
        assert want is None or got == want


@pytest.mark.parametrize(
    ("sentence", "answers"),
    [
        ("No fever, chills or [cough].", ["absent"]),
        ("Chest CT showed no [effusion] but a new [mass].", ["absent", "present"]),
        ("No [infection] was found, and the patient was treated for [pneumonitis].", ["absent", "present"]),
        ("[Pneumonitis] (-), [colitis] (+)", ["absent", "present"]),
        ("The work-up for extension detected lung [metastases].", ["present"]),
        ("She denied suffering from any recent [infections].", ["absent"]),
        ("Free of local disease, with stable [metastases].", ["present"]),
        ("A mixed neuroendocrine-non-neuroendocrine neoplasm ([MiNEN]).", ["present"]),
        ("Weakness improved without specific treatment for [myasthenia].", ["present"]),
        ("Well 5 years after [carcinoma] with a negative PET.", ["present"]),
        ("[Diabetes]: no. [Hypertension]: yes.", ["absent", "present"]),
        ("Negative for [ILD] and positive for [emphysema].", ["absent", "present"]),
        ("Not only [pneumonitis] but also [colitis].", ["present", "present"]),
        ("[x] [diabetes]", ["present"]),
        ("Pas de [métastase cérébrale].", ["absent"]),
        ("Suspicion de [pneumopathie].", ["possible"]),
        ("No evidence of [leptomeningeal disease].", ["absent"]),
        ("[Anxiety], [rash] or [ulcer] were not reported.", ["absent", "absent", "absent"]),
    ],
)
def test_scopes(sentence, answers):
    text, spans = bracketed(sentence)
    assert [a for a, _, _ in qualify(text, spans)] == answers


def test_unknown_keys_of_a_rule_are_refused(monkeypatch):
    from extractor.pipeline import assertion

    rule = {"category": "absent", "direction": "forward", "literals": ["no"], "exmaple": "x"}
    monkeypatch.setattr(assertion.pattern_files, "table", lambda name: {"rule": [rule], "terminate": {"words": ["but"]}})
    with pytest.raises(patterns.PatternError, match="exmaple"):
        assertion._rules.__wrapped__()


MANY = [
    ("He was ruled out for [MI].", "absent"),
    ("Not without [toxicity].", "present"),
    ("Unlikely to be [infection].", "absent"),
    ("Prophylaxis against [PJP].", "hypothetical"),
    ("Patients must not have [ILD] or [HIV].", "hypothetical hypothetical"),
    ("Return to the ED for [stroke] symptoms.", "hypothetical"),
    ("If any of the following occur: [bleeding], [seizure].", "hypothetical hypothetical"),
    ("[Aspiration pneumonia] precautions.", "hypothetical"),
    ("Screened for [HIV].", "hypothetical"),
    ("No O2 requirement → [CRS] grade 2.", "present"),
    ("[IPF] excluded by respiratory, [AF] on rivaroxaban.", "absent present"),
    ("[HBV], [HCV] and [HIV] negative.", "absent absent absent"),
    ("[Seizures]: [ ] Yes [x] No", "absent"),
    ("[Stroke]/[TIA]  Yes ☐ No ☒", "absent absent"),
    ("[ILD]/[pneumonitis]  Y[ ] N[x]", "absent absent"),
    ("[Stroke]  Y / N : N", "absent"),
    ("(-) [fever] (+) [cough]", "absent present"),
    ("Geen [koorts], keine [Metastasen].", "absent absent"),
    ("Pas d'argument pour une [embolie pulmonaire].", "absent"),
    ("He has no [fever] today and his [cough] is better.", "absent present"),
    ("[HIV] test pending.", "possible"),
    ("Denies angina, heart attack, coronary artery disease, arrhythmia, pacemaker, high cholesterol, venous insufficiency, asthma, shortness of breath, sleep apnea, leg swelling, [gout], hernia, ulcer, or [stroke].", "absent absent"),
    ("We have discussed bleeding, [infection], injury to nerves, deep vein thrombosis, and [stroke].", "hypothetical hypothetical"),
    ("Risks have been gone over including but not limited to [thrombosis], loosening, and [infection].", "hypothetical hypothetical"),
    ("This is likely a viral [infection].", "possible"),
    ("This may have been related to a recent [infection].", "possible"),
    ("A diagnosis of [lupus] was likely.", "possible"),
    ("Risks include but are not exclusive of bleeding and [infection].", "hypothetical"),
    ("The patient can also have a [stroke]; he may develop a deep [infection].", "hypothetical hypothetical"),
    ("There are no detected [fractures].", "absent"),
    ("Scar which may be related to an old [fracture].", "present"),
    ("Foot with a non-healing ulcer, and [neuropathy].", "present"),
    ("There was no muscle in the [carcinoma] specimen.", "present"),
    ("No [clot] in the left leg.", "absent"),
    ("Denies any problem related to the nervous system, such as [seizures] or [stroke].", "absent absent"),
    ("The risks and potential complications of the bypass were told and these include bleeding, [infection], [embolism], leakage, hernia, and [stroke].", "hypothetical hypothetical hypothetical"),
    ("MRI failed to demonstrate the presence of an [adenoma].", "absent"),
    ("Neither the CT nor the MRI showed [brain metastasis].", "absent"),
    ("[Headache] (no), [seizure] (no), [cough] (yes).", "absent absent present"),
    ("The [effusion] was no longer visible.", "absent"),
    ("He did not tolerate [cisplatin].", "present"),
    ("Lesions that could correspond to [metastases].", "possible"),
    ("Pas d'[épanchement], en revanche [pneumopathie] du lobe inférieur.", "absent present"),
    ("Le scanner ne montre pas de [métastase], a montré une [embolie].", "absent present"),
    ("[Métastases cérébrales] : non. [HTA] : oui.", "absent present"),
    ("Carcinome non à petites cellules exclu : il s'agit d'un [carcinome à petites cellules].", "present"),
    ("Keine [Metastasen], jedoch [Pleuraerguss].", "absent present"),
    ("Nicht-kleinzelliges [Lungenkarzinom].", "present"),
    ("Geen [koorts], wel [hoesten].", "absent present"),
    ("[Hepatitis B], cured (HBsAg negative).", "present"),
    ("[PE] (ruled out by CT).", "absent"),
    ("Eine [Lungenembolie] ließ sich nicht nachweisen.", "absent"),
]


@pytest.mark.parametrize(("sentence", "expected"), MANY, ids=[row[0] for row in MANY])
def test_assertion_of_each_mention(sentence, expected):
    text, spans = bracketed(sentence)
    assert [answer[0] for answer in qualify(text, spans)] == expected.split()


PEOPLE = [
    ("Wife tested positive for [COVID].", "other"),
    ("Her husband is on warfarin for a [DVT].", "other"),
    ("A few friends of his have had [heart attacks].", "other"),
    ("Husband reports that she had a [seizure].", "patient"),
    ("Daughter noticed the [seizure].", "patient"),
    ("Her sister was treated for [lupus].", "family"),
    ("Her father had been diagnosed with [colon cancer] at 50.", "family"),
    ("Deceased donor transplant, [CMV infection] in 2013.", "patient"),
    ("Mother: Crohn's disease. Patient has [psoriasis].", "patient"),
    ("FAMILY HISTORY: Father: MI. Patient himself has [psoriasis].", "patient"),
]


@pytest.mark.parametrize(("sentence", "who"), PEOPLE, ids=[row[0] for row in PEOPLE])
def test_whose_it_is(sentence, who):
    text, spans = bracketed(sentence)
    assert [answer[2] for answer in qualify(text, spans)] == [who] * len(spans)


def test_a_time_that_opens_the_sentence_holds_for_its_verb():
    text, spans = bracketed("As a child he had [tuberculosis] and now has [cough].")
    assert [answer[1] for answer in qualify(text, spans)] == ["historical", "current"]
