"""Consent, life expectancy, contraception, guardianship, other trials, refusals: what a note says of the person's will."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft

FAMILY = "administrative"
KEYS: frozenset[str] = frozenset()

_MONTHS = re.compile(
    r"[^.;\n]{0,30}?(>=|≥|<=|≤|>|<|at least|more than|greater than|less than|fewer than|below|under|over|inferieure? a|moins de|superieure? a|plus de|approximately|about|of)?\s*"
    r"(\d{1,3}|one|two|three|four|five|six|twelve|several|a few|few)?(?:\s*(?:-|to)\s*(\d{1,3}))?\s*"
    r"(years?|yrs?|months?|mos?|mois|weeks?|wks?|days?|semaines?|ans)\b"
)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "twelve": 12}
_COMPARATORS = {
    ">=": ">=", "≥": ">=", "at least": ">=", "<=": "<=", "≤": "<=", ">": ">", "more than": ">", "greater than": ">",
    "over": ">", "<": "<", "less than": "<", "under": "<", "below": "<", "fewer than": "<", "inferieure a": "<", "inferieur a": "<", "moins de": "<",
    "superieure a": ">", "superieur a": ">", "plus de": ">", "approximately": "~", "about": "~",
}  # fmt: skip
_IN_MONTHS = {"y": 12.0, "a": 12.0, "m": 1.0, "w": 12 / 52, "s": 12 / 52, "d": 12 / 365}
_REFUSED = (
    ("biopsy", re.compile(r"\b(?:re-?)?(?:biops|bx|tissue sampl)")),
    ("blood", re.compile(r"\b(?:blood draws?|phlebotom|venipuncture|transfus|blood sampl|blood products?)")),
    ("trial", re.compile(r"\b(?:(?:[a-z-]+ )?(?:trial|study)\b|participat|research|take part|taking part|enrol|randomi[sz])")),
    ("treatment", re.compile(r"\b(?:chemo\w*|treatment|therap\w+|surg\w+|radi\w+|operation|immunother\w+|systemic|steroids?|drugs?|medication|rt|xrt|intervention|resection|transplant\w*|[a-z]{4,}(?:mab|nib|platin|taxel|lutamide))\b")),
)  # fmt: skip


#: "no contraception during the study": the study is not what is refused
_DURING = re.compile(r"\b(?:during|while on|throughout|for the duration of|in the course of) (?:the |this |his |her )?(?:whole )?(?:study|trial)\b")


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        for hit in hits:
            draft = _READ.get(hit.key, _plain)(sentence, hit)
            if draft is not None:
                yield draft


def _plain(sentence: Sentence, hit: Hit, **more: Any) -> Draft:
    fields: dict[str, Any] = {"start": hit.start, "end": hit.end, **more}
    return Draft(family=FAMILY, concept=hit.key, rule_id=hit.concept.rule_id, code=hit.concept.code, **fields)


#: a consent that is yet to be signed, or only spoken of
_UNSIGNED = re.compile(
    r"\b(?:not (?:yet )?(?:been )?(?:signed|obtained|given)|to be (?:signed|obtained)|will (?:be )?(?:sign|obtain|consent)\w*"
    r"|(?:to|can|could|should|must|may|would) sign|(?:once|when|until|after|before|if) [^.,;]{0,25}(?:signed|signs|consent)"
    r"|unsigned|pending|await\w*|needs? to (?:sign|consent)|require[sd]?|non signe|en attente|a signer|noch nicht|nog niet|nicht (?:unterschrieben|unterzeichnet)|niet (?:getekend|ondertekend))\b"
)
_SIGNED = re.compile(r"\b(?:signed|obtained|consented|consents|executed|provided|gave|given(?! (?:to|the|a|him|her)\b)|signee?s?|unterschrieben|unterzeichnet|getekend|ondertekend)\b")
_OWN_STUDY = re.compile(r"nct07016230|\bunlock\b|tarlatamab")
_TREATMENT_CONSENT = re.compile(r"\b(?:chemo\w*|transfusion|procedure(?! in)|surg\w+|port|anesthe\w+|anaesthe\w+|thoracentesis|bronchoscopy|radi\w+)\b")


def _consent(sentence: Sentence, hit: Hit) -> Draft | None:
    """Signed (positive) or refused (negative); a consent that is handed out, discussed or to come says nothing.

    ``study`` is the trial that the sentence names, else the one that the note is headed with.
    """
    folded = sentence.folded
    trial = re.search(r"nct\d{8}|unlock|tarlatamab|[a-z]+-?\d{3}", folded)
    attributes = {"study": trial.group()} if trial else {}
    if re.search(r"\b(?:declin|refus|withdr)", folded):
        return _plain(sentence, hit, value_text="negative", attributes=attributes, assertion="present")
    if _UNSIGNED.search(folded) or not _SIGNED.search(folded):
        return None
    if not trial and not _TREATMENT_CONSENT.search(folded):
        back = sentence.previous()
        near = sentence.note.folded[:300] + " " + (back.folded if back else "")
        headed = _OWN_STUDY.search(near)
        attributes = {"study": headed.group()} if headed else {}
    return _plain(sentence, hit, value_text="positive", attributes=attributes, assertion="present")


def _expectancy(sentence: Sentence, hit: Hit) -> Draft | None:
    """In months; "weeks" without a number is below three months, "months" without a number says nothing."""
    end = hit.end - sentence.start
    found = _MONTHS.match(sentence.folded[end:])
    if not found:
        return None
    sign, number, high, unit = found.groups()
    factor = _IN_MONTHS[unit[0]]
    value: float | None
    if number is None or number in ("several", "a few", "few"):
        if unit[0] not in "wsd":
            return None
        value, sign = 3.0, "<"
    else:
        value = (_WORDS.get(number) or float(number)) * factor
    return _plain(
        sentence, hit, end=hit.end + found.end(), anchor=(hit.start, hit.end), value=round(value, 2), unit="mo",
        value_high=round(float(high) * factor, 2) if high else None, comparator=_COMPARATORS.get(sign or "", "="),
        value_as_written=number, unit_as_written=unit, assertion="present",
    )  # fmt: skip


_IRREGULAR = re.compile(r"\b(?:irregular\w*|inconsisten\w*|occasional\w*|sometimes|on and off|often forgets|forgets|poor(?:ly)? adheren\w*)\b")


def _named(sentence: Sentence, hit: Hit) -> Draft:
    """The method; that of the partner protects the couple. One that is taken now and then protects nobody."""
    if _IRREGULAR.search(sentence.folded, max(0, hit.start - sentence.start - 30), hit.end - sentence.start + 30):
        return _plain(sentence, hit, experiencer="patient", value_text="irregular")
    return _plain(sentence, hit, experiencer="patient", value_text=sentence.note.folded[hit.start : hit.end])


_NOT_REFUSED = re.compile(r"\b(?:not|never|no|did not|has not)\W+(?:\w+\W+)?$")
_IF = re.compile(r"\b(?:if|should|unless|in case)\b[^.;,]{0,40}$")


def _refusal(sentence: Sentence, hit: Hit) -> Draft | None:
    """What is refused stands behind the verb; a refusal of nothing that the criteria ask for is not read."""
    after = sentence.folded[hit.end - sentence.start :][:90]
    after = _DURING.sub(lambda m: " " * len(m.group()), re.split(r"[.;]\s", after)[0])
    found = [(m.start(), kind) for kind, expression in _REFUSED if (m := expression.search(after))]
    if not found:
        before = sentence.folded[: hit.start - sentence.start][-60:]
        found = [(m.start(), kind) for kind, expression in _REFUSED if (m := expression.search(before))]
        if not found or "contracep" in after or not re.search(r"(?:was|were|but|offered|recommended|,|patient|pt|he|she|veteran)\s*$", before):
            return None
    lead = sentence.folded[: hit.start - sentence.start]
    said = "absent" if _NOT_REFUSED.search(lead) else "hypothetical" if _IF.search(lead) else "present"
    return _plain(sentence, hit, value_text=min(found)[1], assertion=said)


def _trial(sentence: Sentence, hit: Hit) -> Draft:
    folded = sentence.folded
    trial = re.search(r"nct\d{8}", folded)
    attributes: dict[str, object] = {"trial_id": trial.group().upper()} if trial else {}
    if re.search(
        r"\b(?:registry|biobank|observational|questionnaire|non-?interventional|survey|quality of life)\b", folded
    ):
        attributes["kind"] = "observational"
    if re.search(r"screen(?:ing)? fail", folded):
        attributes["kind"] = "screen_failure"
    return _plain(sentence, hit, attributes=attributes)


_OVER = re.compile(
    r"\b(?:now free|released|paroled|(?:probation|parole|sentence|guardianship|conservatorship) (?:was |has |has been |is )?(?:ended|over|lifted|served|completed)|"
    r"was (?:\w+ )?(?:incarcerated|imprisoned|in (?:prison|jail))|formerly|former prisoner|no longer|mainlevee|levee)\b"
)
_STILL = re.compile(r"\b(?:still|remains?|currently|again|at present)\b")
#: "works at the correctional facility"
_AT_WORK = re.compile(r"\b(?:works?|worked|working|employ\w+|guard|officer|job|occupation)\b")


def _guardian(sentence: Sentence, hit: Hit) -> Draft | None:
    """A guardian may be a relative; it is the patient who has one. A custody that is over says so; who works there is free."""
    if _AT_WORK.search(sentence.note.folded, sentence.start, hit.start):
        return None
    over = _OVER.search(sentence.folded) and not _STILL.search(sentence.folded)
    return _plain(sentence, hit, experiencer="patient", attributes={"status": "ended"} if over else {})


_READ = {
    "guardianship": _guardian,
    "informed_consent": _consent,
    "life_expectancy": _expectancy,
    "contraception": _named,
    "treatment_refusal": _refusal,
    "other_trial": _trial,
}
