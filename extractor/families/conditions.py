"""Conditions: organ disease, infection, autoimmunity, habits and allergies, with the attributes the criteria ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import serology
from .condition_course import CHRONIC, STATUS, last_active, own_item, quiet_since

FAMILY = "condition"
#: an allergy list names agents of every kind, so that none of its words need be a condition
ALWAYS = True
#: infection, syndrome, substance, allergy: what kind of the concept the names mean; value_from_name: the name is the value
#: also: [concept, code] of a second condition that the name holds
KEYS = frozenset({"also", "infection", "syndrome", "substance", "allergy", "value_from_name"})

_GRADE = re.compile(r"\b(?:grade|gr\.?|g|ctcae(?: grade)?)\s*([1-5]|i{1,3}v?|iv|v)\b(?:\s*(?:->|→|to)\s*([1-5])\b)?")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_CAUSE = (
    ("radiation", re.compile(r"\b(?:radiation|radiotherapy|post-?rt|xrt|radique|radiation-induced|irradiat\w+|radiation port)\b")),
    ("immune", re.compile(r"\b(?:immune|immuno-?(?:indui\w*|medi\w*)|immunologique|immunotherapie|immune-related|immune-mediated|autoimmune|ici|io|checkpoint|immunotherapy|pembro\w*|nivo\w*|durva\w*|atezo\w*|ipilimumab|ipi|keytruda|opdivo|imfinzi|tecentriq|pd-?l?1)\b")),
    ("infectious", re.compile(r"\b(?:infectious|infection|c\.? ?diff\w*|clostridi\w+|viral|bacterial)\b")),
    ("ischemic", re.compile(r"\bisch(?:a)?emic\b")),
    ("drug", re.compile(r"\bdrug-induced\b")),
)  # fmt: skip
_SKIN_TREATMENT = re.compile(
    r"\b(?:(topical(?:ly)?|creams?|ointments?|emollients?|clobetasol|calcipotri\w+|betamethasone|triamcinolone|dermocorticoides?|topiques?|dovobet|daivobet|enstilar|daivonex|dovonex|betnovate|dermovate|eumovate|protopic|elidel|coal tar)|never (?:been )?treated|(?:never|not) (?:had|needed|required|taken|on) (?:any )?(?:tablets|injections|pills|systemics?|biologics?)|untreated|not treated|no treatment|"
    r"no systemic (?:treatment|therapy))\b"
)
_DECOMPRESSED = re.compile(
    r"\b(?:s/p|status post|treated|decompressed|after|following|previous|prior)\b[^.;]{0,60}\b(?:laminectomy|fusion|decompress\w*|surgery|rt|xrt|"
    r"radi\w+|corpectomy|treat\w*)\b|\bdecompressive (?:laminectomy|surgery)\b(?![^.;]{0,30}\b(?:planned|scheduled|recommended|discussed|declined|advised)\b)|\bdecompressed\b|\btreated (?:with|by)\b"
)
_VIRAEMIC = re.compile(
    r"\bviral load\W+(?:of |was |is |: )?(?:high|detectable|elevated|\d[\d.,]* ?(?:million|x ?10|iu))|\bviremic\b|\bviraemic\b"
)
_UNDETECTED = re.compile(
    r"\b(?:rna|viral load|pcr|arn|vl)\W+(?:is |was |hcv )?(?:undetect\w+|not detected|negative|neg\b|below detection|indetectable|tnd)|"
    r"\b(?:undetectable|negative) (?:hcv )?(?:rna|viral load|pcr|arn)\b"
)
#: words of a suspicion that is more than a differential diagnosis
_SUSPECTED = re.compile(
    r"\b(?:concern(?:ing)? (?:for|of)|suspicious (?:for|of)|suspected|suspicion (?:for|of)|suggest(?:s|ing|ive of)?|compatible (?:with|avec)|likely|probable|"
    r"favou?rs?|worrisome for|in keeping with|evocateurs?(?: d)?|suspecte?e?s?)\b"
)
_DIFFERENTIAL = re.compile(r"\b(?:vs|versus|or|ou)\b|/")
_BY_ECG = re.compile(
    r"\bage (?:undetermined|indeterminate|unknown)|\bundetermined age|\b(?:ecg|ekg)\b[^.;]{0,30}\bold\b|\bold\b[^.;]{0,30}\b(?:on|by) (?:ecg|ekg)"
)
_TYPE_TWO = re.compile(r"\btype (?:2|ii)\b(?! (?:diabet|dm))|\bdemand (?:isch|infarct|event)")
_BLEEDING = re.compile(r"\bha?emorrhag\w*|\bich\b|\bintra(?:cerebral|cranial) bleed\w*|\bbrain bleed")
_COLONISED = re.compile(r"\b(?:colonis(?:ation|ed)|coloniz(?:ation|ed)|contaminant|contamination|asymptomatic bacteriuria)\b")
_EVENTS = frozenset({"stroke", "tia", "myocardial_infarction", "arterial_thrombosis"})
_NOT_A = re.compile(r"\b(?:not|rather than|no) an? $")
_WITHDRAWN = re.compile(r"[^.;]{0,30}\b(?:(?:removed|deleted) from (?:the )?problem list|in error|(?:was|were|been) ruled out)\b")


def _retracted(sentence: Sentence, hit: Hit) -> bool:
    """Is an earlier diagnosis taken back ("a seizure, not a TIA", "TIA removed from the problem list")?"""
    folded = sentence.note.folded
    return bool(_NOT_A.search(folded, max(sentence.start, hit.start - 16), hit.start) or _WITHDRAWN.match(folded, hit.end, sentence.end))


#: a scar that a scan shows: its own day is not the scan's
_OLD_LESION = re.compile(r"\b(?:old|chronic|remote|incidental(?:ly)?|age-?indeterminate|encephalomalac\w+|unchanged)\b")
_TYPE_ONE = re.compile(r"\b(?:type (?:1|i)|t1)(?!i)")
_CHECKPOINT = re.compile(
    r"\b(?:icis?|iraes?|checkpoint|immunotherapy|pembro\w*|nivo\w*|durva\w*|atezo\w*|avelumab|camrelizumab|tislelizumab|\w{3,}limab|ipilimumab|pd-?l?1)\b"
)
_SIZE = re.compile(
    r"\b(trace|trivial|tiny|minimal|minuscule|small|mild|moderate[- ](?:to[- ])?large|moderate|moderate-sized|moderately large|large|massive|loculated|significant|huge|sizable|minime|abondant|moderee?)\b"
)
_SIZES = {
    "tiny": "trace", "moderate-large": "large", "moderate to large": "large", "moderate-to-large": "large", "trivial": "trace", "minuscule": "trace", "mild": "small", "moderate-sized": "moderate", "massive": "large",
    "huge": "large", "sizable": "large", "moderately large": "large", "minime": "trace", "abondant": "large",
    "modere": "moderate", "moderee": "moderate", "minimal": "small",
}  # fmt: skip
_CATHETER = re.compile(
    r"\b(?:pleur-?x|indwelling (?:pleural )?catheter|ipc|tunn?ell?ed (?:pleural )?catheter|chest tube|pigtail|pleural catheter)\b"
)
_BREATHLESS = re.compile(
    r"(?<!a)\bsymptomatic\b|\b(?:with|causing|and)\s+(?:\w+\s+)?(?:dyspn\w+|breathless\w*|shortness of breath|sob\b|orthopn\w+)"
)
_NO_CATHETER = re.compile(
    r"\b(?:no|without|for(?: an?| the| her| his)?|offered(?: an?)?|consider(?:ing)?(?: an?)?|discuss\w*(?: an?)?|awaiting(?: an?)?"
    r"|declined(?: an?)?)\s*(?:indwelling |tunnell?ed )?$"
)
_EFFUSIONS = frozenset({"pleural_effusion", "pericardial_effusion"})
_NO = re.compile(
    r"\b(?:no|not|non|denies|denied|never|without|negative for|nor|neither|pas de|doesn't|does not|don't|didn't|did not|free of)\b"
)
_CURRENT_SMOKER = re.compile(
    r"\b(?:current(?:ly)?|continues|still|active|ongoing|heavy smoker|smokes|smoking \d|is a smoker|a smoker|smoker|tobacco (?:abuse|smoking|use) disorder|tobacco abuse|\d ?ppd|does (?:still |currently |continue to )?(?:smoke|use tobacco)|half (?:an? )?pack|packs? (?:of )?(?:cigarettes?|tobacco) (?:\w+ )?(?:per|a|daily|each)|nicotine dependence|fumeur actif|packs? (?:per|a) day)\b"
)
_FORMER_SMOKER = re.compile(
    r"\b(?:former(?:ly)?|ex-?smok(?:er|ing)|quit|stopped|previous(?:ly)? (?:smok\w+|tobacco|a smoker)|past (?:smok\w+|tobacco)|prior (?:smok\w+|tobacco)|remote|smoked|ceased|until|discontinued|sevre|ancien|(?:h/o|history of|hx of) (?:\w+ ){0,2}(?:smok\w+|tobacco|cigarette\w*|nicotine))\b"
)
_NEVER_SMOKER = re.compile(
    r"\b(?:never[- ]?smoke[dr]?|non[- ]?smoker|life-?long non|no (?:history of )?(?:smoking|tobacco)|does not smoke|did not smoke|doesn't smoke|denies (?:any )?(?:smoking|tobacco|cigarette)|never used tobacco|no tobacco|non-smoking|jamais fume|never tobacco|(?:is|was|has been) not (?:an? )?(?:cigarette |tobacco )?smoker|smokes? ?:? ?(?:none|no\b(?! more)|never)|smoking:? ?(?:never|no|none)|tobacco(?: use)?:? ?(?:never|no|none|denies))\b"
)
#: who is to stop, or has not, smokes
_TO_QUIT = re.compile(
    r"\b(?:not|never|unable to|failed to|yet to|should|must|(?:try|trying|tried|want|wants|wishes|like|agree[sd]?|plans?|hopes|needs?|willing|ready|interested|"
    r"advised|encouraged|counsell?ed|urged|told|instructed|asked|recommended|reminded|advice|importance|motivated)(?: (?:the patient|him|her|again|strongly|how))* (?:to|on|in|about|of))"
    r"\s+(?:(?:completely|yet|ever|still|also|immediately|even) )?(?:quit\w*|stop\w*|ceas(?:e[ds]?|ing)|giv(?:e|ing) up|discontinu\w+)\b"
)
_PACK_YEARS = re.compile(
    r"(\d{1,3})(?:\s*(?:-|to)\s*(\d{1,3}))?[\s-]*(?:\+\s*)?(?:pack|pk|packs)[\s/-]*(?:years?|yrs?)\b|(\d{1,3})\s*(?:py|pa|paquets-annees)\b"
)
_MISUSE = re.compile(
    r"\b(?:abuse|misuse|alcoholism|dependen\w+|disorder|withdrawal|heavy|excess\w*|addict\w*|ivdu|intravenous drug|binge|intoxicat\w*|alcoholic(?! (?:d(?:r|$)|b(?:e|$)|$)|$)|alcoolisme|cocaine|heroin|methamphetamine|daily drinker|(?:[3-9]\d|1\d\d) ?units|(?:[6-9]|1\d|2\d|six|seven|eight|nine|ten|twelve) (?:beers|drinks)(?! (?:a|per|each) (?:week|month|year)))\b"
)
#: "does not drink every day, but then he binges": not that he drinks is denied
_NOT_DAILY = re.compile(r" (?:alcohol )?(?:every|daily|much|often|regularly|heavily|a lot|excessively|\w+ (?:days|times)|during the week|on week\w+)\b")
_THEN = re.compile(r"\b(?:but|and then|then|however|occasional\w*|social|socially|rare|rarely|sometimes|(?<!never )(?<!longer )drinks)\b")
_QUIT = re.compile(r"\b(?:former|quit|stopped|remote|past|sober|history of|h/o|in remission)\b")
_AGENT = re.compile(
    r"\s+(?:to\s+|with\s+|from\s+|after\s+)?(?:an?\s+|the\s+|iv\s+|intravenous\s+)?([a-z][\w-]+(?:\s(?:contrast|dye|sulfate|80|oil|acid|drugs?|antibiotics))?)"
)
_BEFORE_AGENT = re.compile(
    r"([a-z][\w-]{3,40})(?:[- ](?:induced|associated|related|iv|i\.v\.|po|im|injection|infusion))?\s*(?:\s|[-–:=(]\s*)$"
)
_NONE_LISTED = re.compile(r"^(?:none|no|nkda|nka|nkma|denies|nil|unknown|not|aucune?s?|negative|pas|keine?|geen|ninguna|nessuna|non connue?s?|unbekannt|onbekend|neant|ras)\b")
_SEVERE = re.compile(
    r"\b(?:anaphyla\w+|severe|life-threatening|angioedema|hypotension|arrest|intubat\w+|grade [345]|gr [345])\b"
)


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        if sentence.section == "immunizations":
            continue
        if sentence.section == "eligibility":
            hits = [hit for hit in hits if _ANSWERED.match(sentence.note.folded, hit.end)]
        else:
            hits = [hit for hit in hits if not _is_examination(note, hit) and not _tested_negative(note, sentence, hit)]
        smoking = [h for h in hits if h.key == "smoking"]
        if smoking:
            yield from _smoking(sentence, smoking)
        seen: set[tuple[str, Any]] = set()
        for hit in hits:
            if hit.key == "smoking" or _of_checkpoint(sentence, hit):
                continue
            if hit.key == "substance_use":
                yield from _substance(sentence, hit, seen)
            elif hit.key == "hypersensitivity":
                yield from _hypersensitivity(sentence, hit)
            else:
                draft = _condition(sentence, hit)
                if sentence.section == "instructions":
                    draft = replace(draft, assertion="hypothetical")
                yield draft
                for concept, code in hit.get("also") or ():  # "hepatitis B or C"
                    yield replace(draft, concept=concept, code=code)
    yield from _allergy_list(note)


def _of_checkpoint(sentence: Sentence, hit: Hit) -> bool:
    """An encephalitis beside a checkpoint inhibitor is the treatment's doing, not the tumour's."""
    return hit.get("syndrome") == "encephalitis" and "paraneoplastic" not in hit.name and _CHECKPOINT.search(sentence.folded) is not None


#: a virus named alone beside a word of testing is a test
_BARE_VIRUS = frozenset({"hiv", "vih", "hbv", "hcv", "vhb", "vhc", "hep b", "hep c", "hepatitis b", "hepatitis c"})
_TO_TEST = re.compile(
    r"\b(?:send|sent|check\w*|order\w*|add|draw\w*|obtain|repeat|recheck|screen\w*|test(?:s|ed|ing)?|await\w*|serolog\w*|demander|prelever)\b"
    r"[^.;]{0,40}$"
)
_TEST = re.compile(
    r"(?:\s*[,/&]?\s*\b(?:and|ab|ag|hbv|hcv|hiv|hepatitis|hep|[abc])\b){0,4}\s*[:(-]?\s*\b(?:is |was |still )?(?:pending|ordered|sent|screen(?:ing)?|tests?|testing|to be done|to (?:the )?labs|serolog\w*|status|en cours|in process)\b"
)
_VIRUSES = frozenset({"hiv", "hepatitis_b", "hepatitis_c"})


def _tested_negative(note: NoteText, sentence: Sentence, hit: Hit) -> bool:
    """Is the name of a virus that of a test that is ordered or was negative ("send HIV", "HIV/HBsAg/HCV: NR")?"""
    if hit.key not in _VIRUSES:
        return False
    folded = note.folded
    if folded[hit.start : hit.end] in _BARE_VIRUS and (
        _TO_TEST.search(folded, sentence.start, hit.start) or _TEST.match(folded, hit.end, sentence.end)
    ):
        return True
    if not note.hits_between(serology.FAMILY, hit.start, hit.end):
        return False
    return any(
        draft.value_text == "negative" and draft.start < hit.end and hit.start < draft.end
        for draft in serology.sentence_drafts(note, sentence)
    )


def _draft(hit: Hit, *, value_text: str | None = None, attributes: dict[str, Any] | None = None, **more: Any) -> Draft:
    return Draft(
        family=FAMILY, concept=hit.key, start=hit.start, end=hit.end, rule_id=hit.concept.rule_id,
        code=hit.concept.code, value_text=value_text, attributes=attributes or {}, **more,
    )  # fmt: skip


def _around(sentence: Sentence, hit: Hit, before: int, after: int) -> str:
    """The words of the mention's own clause, at most so many characters to each side."""
    folded = sentence.folded
    at, end = hit.start - sentence.start, hit.end - sentence.start
    left = folded[max(0, at - before) : at]
    left = re.split(r"[;.]\s|\n", left)[-1]
    right = re.split(r"[;.]\s|\n|;$", folded[end : end + after])[0]
    return left + folded[at:end] + right


def _condition(sentence: Sentence, hit: Hit) -> Draft:
    attributes: dict[str, Any] = {}
    near = _around(sentence, hit, 60, 70)
    if hit.key in ("pneumonitis", "colitis", "ild", "hypophysitis", "uveitis"):
        grade = _grade(near)
        if grade is not None:
            attributes["grade"] = grade
        for cause, expression in _CAUSE:
            if expression.search(near):
                attributes["cause"] = cause
                break
        if hit.key == "colitis":
            attributes["cause"] = "immune" if attributes.get("cause") == "immune" else "other"
    if hit.key == "spinal_cord_compression" and _DECOMPRESSED.search(sentence.folded):
        attributes["status"] = "treated"
    if hit.key == "ild" and _SUSPECTED.search(near) and not _DIFFERENTIAL.search(near):
        attributes["certainty"] = "suspected"
    if hit.key in ("other_autoimmune", "myasthenia_gravis", "diabetes") and _CHECKPOINT.search(near):
        attributes["cause"] = "immune"
    if hit.key in ("psoriasis", "vitiligo", "graves_disease"):
        treatment = _SKIN_TREATMENT.search(near)
        if treatment:
            attributes["treatment"] = "topical" if treatment.group(1) else "none"
    if hit.key == "myocardial_infarction" and _BY_ECG.search(near):
        attributes["source"] = "ecg"
    if hit.key == "myocardial_infarction" and _TYPE_TWO.search(near):
        attributes["type"] = 2
    if hit.key == "active_infection" and _COLONISED.search(sentence.note.folded, hit.end, hit.end + 130):
        attributes["status"] = "colonised"
    if hit.key in _EVENTS and _retracted(sentence, hit):
        attributes["retracted"] = "yes"
    if hit.key == "stroke" and _OLD_LESION.search(near):
        attributes["age"] = "old"
    if hit.key == "stroke" and _BLEEDING.search(near):
        attributes["type"] = "haemorrhagic"
    if hit.key == "diabetes" and _TYPE_ONE.search(sentence.note.folded, hit.start, hit.end):
        attributes["type"] = 1
    if hit.key in _EFFUSIONS:
        size = _SIZE.search(_around(sentence, hit, 45, 25))
        if size:
            attributes["size"] = _SIZES.get(size.group(1), size.group(1))
        if _BREATHLESS.search(_around(sentence, hit, 40, 45)):
            attributes["symptomatic"] = "yes"
        catheter = _CATHETER.search(sentence.folded)
        if catheter and re.match(
            r"[^.;,]{0,20}\b(?:removed|taken out|fell out|pulled|is out)\b", sentence.folded[catheter.end() :]
        ):
            catheter = None
        if catheter and _NO_CATHETER.search(sentence.folded[: catheter.start()]):
            catheter = None
        if catheter and hit.key == "pleural_effusion":
            attributes["catheter"] = "chest tube" if catheter.group() in ("chest tube", "pigtail") else "yes"
    if hit.key in ("hepatitis_c", "hepatitis_b") and _VIRAEMIC.search(near):
        attributes["status"] = "active"
    if hit.key == "hepatitis_c" and _UNDETECTED.search(near):
        attributes["rna"] = "undetectable"
    if "status" not in attributes and quiet_since(sentence, hit):
        attributes["status"] = "resolved"
    own = "" if "status" in attributes else own_item(sentence, hit)
    for status, expression in STATUS:
        if expression.search(own):
            attributes["status"] = status
            break
    value = hit.get("infection") or hit.get("syndrome")
    if hit.get("value_from_name"):
        value = sentence.note.folded[hit.start : hit.end]
    quiet = last_active(sentence, hit) if hit.key in CHRONIC else None
    if quiet is not None:
        attributes["status"] = "resolved"
        return _draft(hit, value_text=value, attributes=attributes, date=(quiet.earliest, quiet.latest, quiet.precision))
    return _draft(hit, value_text=value, attributes=attributes)


def _grade(text: str) -> int | None:
    found = _GRADE.search(text)
    if not found:
        return None
    word = found.group(2) or found.group(1)
    return int(word) if word.isdigit() else _ROMAN.get(word)


# -- habits ----------------------------------------------------------------------------------------------------------
def _smoking(sentence: Sentence, hits: list[Hit]) -> Iterator[Draft]:
    """One fact a sentence: current, former or never, with pack-years. Cessation advice alone says nothing."""
    folded = sentence.folded
    packs = _PACK_YEARS.search(folded)
    attributes: dict[str, Any] = {}
    if packs:
        attributes["pack_years"] = int(packs.group(1) or packs.group(3))
    hit = max(hits, key=lambda h: h.end - h.start)
    before = folded[: hit.start - sentence.start]
    folded, to_quit = _TO_QUIT.subn(" ", folded)
    listed = re.search(r"\b(?:no|denies|denied|negative for|without|(?:does|do|did) not (?:drink|use|abuse|consume|chew))\b(?:(?!\band had\b)[^.;]){0,60}$", before)
    if _NEVER_SMOKER.search(folded) or (listed and not packs):
        status = None if re.search(r"\b(?:quit|former|stopped|ex-?smoker|since)\b", folded) else "never"
        status = status or "former"
    elif _FORMER_SMOKER.search(folded):
        status = "former"
    elif to_quit or _CURRENT_SMOKER.search(folded):
        status = "current"
    elif packs:
        status = None
    else:
        return
    yield _draft(hit, value_text=status, attributes=attributes, assertion="present")


def _substance(sentence: Sentence, hit: Hit, seen: set[tuple[str, Any]]) -> Iterator[Draft]:
    """Misuse, or its denial. A social drinker has neither."""
    kind = hit.get("substance")
    folded = sentence.folded
    before = folded[: hit.start - sentence.start][-80:]
    near = _around(sentence, hit, 25, 30)
    if hit.name == "drugs" and sentence.section != "social_history" and not re.search(r"\b(?:alcohol|tobacco|smok\w+|etoh|drink\w*|cigarettes?)\b", folded):
        return
    after = folded[hit.end - sentence.start :][:30]
    if _NOT_DAILY.match(after) or re.search(r"\bavoid\b[^.;]*$", before):
        return
    said = _THEN.split(before)[-1]
    if hit.name.startswith("drinks") and not re.search(r"\b(?:never|no longer|nor|neither) $", said):
        said = ""  # "does not smoke, drinks beer"
    denied = bool(re.search(rf"{_NO.pattern}[^.;]*$", said)) or bool(
        re.match(
            r"(?: use| consumption| intake| abuse)?\s*[:=-]?\s*(?:none|no\b|never|denies|denied|negative|nil|not)",
            after,
        )
    )
    if denied:
        if (kind, "absent") not in seen:
            seen.add((kind, "absent"))
            yield _draft(hit, value_text=kind, assertion="absent")
    elif _MISUSE.search(near):
        attributes = {"status": "resolved"} if _QUIT.search(near) else {}
        if (kind, "present") not in seen:
            seen.add((kind, "present"))
            yield _draft(hit, value_text=kind, attributes=attributes)


# -- allergies -------------------------------------------------------------------------------------------------------
def _hypersensitivity(sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    if hit.get("allergy") == "none":
        yield _draft(hit, assertion="absent")
        return
    folded = sentence.folded
    start, end = hit.start - sentence.start, hit.end - sentence.start
    own = re.split(r"[;\n]", folded[:start])[-1] + re.split(r"[;\n]", folded[start:])[0]
    agent = None
    after = _AGENT.match(folded[end:])
    before = _BEFORE_AGENT.search(folded[max(0, start - 40) : start])
    if after and (hit.name.endswith(" to") or re.match(r"\s+(?:to|with|from|after)\s", folded[end:])):
        agent = after.group(1)
    elif hit.name.endswith(" allergy"):
        agent = hit.name.removesuffix(" allergy")
    elif before:
        agent = before.group(1)
    if "polysorbate" in hit.name:
        agent = "polysorbate 80"
    attributes: dict[str, Any] = {}
    severe = _SEVERE.search(own)
    if severe:
        attributes["severity"] = "severe"
    grade = _grade(own)
    if grade is not None:
        attributes["grade"] = grade
    yield _draft(hit, value_text=agent, attributes=attributes)


#: "hepatitis B or C": the second virus has no name of its own
#: a criterion with its answer ("ILD: none", "HIV - no")
_ANSWERED = re.compile(r"[^.;\n]{0,25}?(?:[:?=–-]\s*(?:no|none|never|yes|n/?a|absent|negative|denied|y|n)\b|[☑☒✓✔])")
#: what follows the name of an examined system ("PE: lungs clear", "MS: no deformity")
_EXAMINED = re.compile(
    r"\s?:\s*(?:general|gen|nad|alert|well|wd|wn|heent|lungs?|chest|cor|cv|heart|neck|abd\w*|no (?:deformit\w+|joint|swelling|acute|edema|clubbing)|"
    r"a ?& ?o|a/o|aao|oriented|awake|intact|normal|full|moves|strength|vs|vitals|afebrile|appears|rom|soft|clear|deferred|unremarkable)\b"
)


_AS_LARGE_AS = re.compile(r"\b(?:tumou?r|mass|fibroids?|enlarged|size)\b[^.;]{0,90}\b(?:compatible with|size of|equivalent to|as large as)\b[^.;]{0,40}$")
#: an effusion beside these is a joint's or an ear's
_JOINT = re.compile(
    r"\b(?:knees?|intra-?articular|joints?|menisc\w+|patell\w*|cruciate|ligaments?|crepit\w+|lachman\w*|range of motion|hips?|elbows?|ankles?|shoulders?|tympanic|ears?|tms?|otitis|synovial)\b"
)
_HEART = re.compile(r"\b(?:pericardi\w*|tamponade|echocardiogra\w+)\b")
_PLEURAL = re.compile(r"\b(?:pleura\w*|lungs?|lobes?|lobar|thoracentesis|hemithorax|pulmonary|pneumo\w+|basilar|bases?|cxr|x-?rays?|ct|atelecta\w+|bilateral|left|right)\b")
_CHEST = re.compile(
    r"\b(?:pleura\w*|lungs?|lobes?|lobar|chest|thora\w+|hemithorax|pulmonary|pneumo\w+|basilar|bases?|cxr|cardi\w+|pericardi\w*|infiltrat\w+|atelecta\w+|hilar|mediastin\w*|consolidat\w+|costophrenic)\b"
)
_LISTS_OF_ILLNESS = frozenset({"past_medical_history", "medications", "problem_list", "family_history", "social_history", "assessment", "impression"})
_READING = re.compile(r"\s*(?:\([^)\n]{0,24}\))?\s*[:=]?\s*\d{2,4}\s*(?:%|u/?l\b|ui/l|iu/l)")


def _is_examination(note: NoteText, hit: Hit) -> bool:
    if hit.key == "pregnancy":  # a tumour as large as a womb with child
        return _AS_LARGE_AS.search(note.folded, max(0, hit.start - 160), hit.start) is not None
    if hit.key == "pleural_effusion" and hit.name in ("effusion", "effusions"):
        sentence = note.sentence_at(hit.start)
        near = note.folded[max(sentence.start - 250, 0) : min(sentence.end + 120, len(note.folded))]
        other = (_JOINT.search(near) and not _CHEST.search(near)) or (_HEART.search(near) and not _PLEURAL.search(near))
        return bool(other)
    if hit.name == "bipolar":  # of an illness in a list of them, else of cautery or a prosthesis
        return note.section_at(hit.start) not in _LISTS_OF_ILLNESS
    if note.text[hit.start : hit.end] == "AF":  # Dutch for alkaline phosphatase; a rate is none of the rhythm
        return _READING.match(note.folded, hit.end) is not None
    if note.text[hit.start : hit.end] not in ("PE", "MS"):
        return False
    section = note.section_of(hit.start)
    heads = section is not None and section.start <= hit.start < section.start + len(section.heading)
    return heads or _EXAMINED.match(note.folded, hit.end) is not None


_ITEM_LEAD = re.compile(
    r"(?:[\s*•:-]|\d\)|(?:and|to)\b|(?:(?!no|not|denies|any)[a-z]+ ){0,3}(?:allergies|sensitivit(?:y|ies)|intolerances?) (?:includes?|included|to|are) )*"
)
#: what an agent did
_EFFECT = re.compile(
    r"\s(?:-|(?:which|that|when|while|as|after|it|this|he|she|causes?|caus(?:ed|ing)|with|gives?|gave|makes?|made|produces?|producing|result(?:s|ed|ing)?|lead(?:s|ing)?|causing|rash(?:es)?|hives|reactions?|anaphyl\w+|allerg(?:y|ies)|all)\b)"
)
#: words of a sentence or of an effect where an agent is looked for
_NO_AGENT = re.compile(
    r".*\b(?:has|have|had|is|are|was|does|did|states?|denie[sd]|denies|no|not|any|known|reports?|includes?|seasonal|which|who|listed)\b|"
    r"(?:all|both|each|these|(?:the )?(?:patient|pt)|s?he|her|his|they|with|but|medications?|drugs?|nausea|vomiting|diarrhea|itching|hives|swelling|rash(?:es)?)$"
)
_ITEM = re.compile(r"(?:\([^()\n]*\)|[^,;\n])+?(?=,|;|\n|\.\s|\.$|\band\b|$)")


def _allergy_list(note: NoteText) -> Iterator[Draft]:
    """The agents of an allergy section, one fact each: "ALLERGIES: sulfa (rash), IV contrast"."""
    if "allerg" not in note.folded and "adverse" not in note.folded:
        return
    for section in note.sections:
        if section.name != "allergies":
            continue
        stop = note.text.find("\n\n", section.body)
        end = min(section.end, stop if stop >= 0 else section.end, section.body + 400)
        body = note.folded[section.body : end]
        if not body.strip() or _NONE_LISTED.match(body.strip(" :-*\n")) or "known" in body[:40]:
            continue
        found = re.match(r"[^.\n]*(?:\n[ \t]*[-*•][^\n]*)*", body)
        text = found.group() if found else ""
        for item in _ITEM.finditer(text):
            words = item.group()
            start = _ITEM_LEAD.match(words)
            lead = start.end() if start else 0
            agent = re.match(r"[a-z][\w /-]{1,60}", words[lead:])
            name = _EFFECT.split(agent.group())[0].strip(" -") if agent else ""
            if not agent or len(name.split()) > 4:
                continue
            if len(name) < 3 or _NO_AGENT.match(name) or _NONE_LISTED.match(name):
                continue
            at = section.body + item.start() + lead
            attributes = {"severity": "severe"} if _SEVERE.search(words) else {}
            yield Draft(
                family=FAMILY, concept="hypersensitivity", start=at, end=at + len(name), assertion="present",
                rule_id="conditions/other:allergy_list", value_text=name, attributes=attributes,
            )  # fmt: skip
