"""Which names of a sentence mean a treatment: short names, collisions, trial numbers, drugs of two worlds.

The contexts are those of ``patterns/therapies/context.toml`` (criteria 3.9: PE, EP, IC ... need a cycle, a dose, a word
of chemotherapy or the oncologic history beside them).
"""

from __future__ import annotations

import re

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from .local_treatments import LocalContext

#: between a trial and the drug that it gave
_NAMES_DRUG = re.compile(
    r" (?:with|of|evaluating|testing|using) (?:the |oral |iv )?|[^.;\n]{0,60}\b(?:randomi[sz]ed|assigned|allocated) to (?:the )?(?:arm )?"
)
#: sections whose short names are treatments
HISTORY = frozenset({"oncologic_history"})
_PART_OF_OPERATION = re.compile(r"\s+(?:for|with|and)\s+(?:the |a )?(?:[\w-]+\s+){0,2}")
#: the trial that is screened for: its number beside "screening" is no earlier treatment
_DOSED = re.compile(r"\b(?:received|treated|last dose|doses?|infusions?|cycles?|came off|off study|enrolled|on)\b")


def _dosed_on_trial(note: NoteText, sentence: Sentence, hit: Hit) -> bool:
    """Does the sentence say that a drug of the registered trial was given?"""
    number = re.match(r"\s?\d{8}\b", note.text[hit.end : hit.end + 10])
    around = note.folded[max(sentence.start, hit.start - 30) : min(sentence.end, hit.end + 50)]
    if number is None or re.search(
        r"\b(?:screen\w*|eligib\w*|consider\w*|discuss\w*|refer\w*|unlock|consent\w*|registry|biobank)\b", around
    ):
        return False
    return _DOSED.search(around) is not None


#: drugs that treat cancers and inflammatory diseases alike
_TWO_WORLDS = frozenset({"methotrexate", "rituximab", "cyclophosphamide"})
_CANCER = re.compile(
    r"\b(?:cancer|carcinoma|tumou?r|lymphoma|leuka?emia|myeloma|chemo\w*|metasta\w*|malignan\w*|cycles?|sarcoma)\b"
)


def _immunosuppressive(
    note: NoteText, sentence: Sentence, hit: Hit, inflammatory: re.Pattern[str], weekly: re.Pattern[str]
) -> bool:
    """Does the drug's item of a list, or the whole sentence, treat an inflammatory disease or a transplant, and no cancer?"""
    begin = note.folded.rfind(",", sentence.start, hit.start) + 1 or sentence.start
    stop = note.folded.find(",", hit.end, sentence.end)
    item = note.folded[begin : stop if stop > 0 else sentence.end]
    if inflammatory.search(item) is not None and _CANCER.search(item) is None:
        return True
    wide = note.folded[max(0, sentence.start - 120) : sentence.end]
    if weekly.search(sentence.folded):
        return True
    return inflammatory.search(wide) is not None and _CANCER.search(wide) is None


_VACCINE = re.compile(r"\s(?:vaccin\w*|scar|immuni[sz]\w*|at birth|as (?:a|an) (?:child|infant|newborn))")


def kept_hits(
    note: NoteText,
    sentence: Sentence,
    hits: list[Hit],
    *,
    context: LocalContext,
    inflammatory: re.Pattern[str],
    weekly: re.Pattern[str],
) -> list[Hit]:
    """The hits of a sentence that mean a treatment: short names and collisions only where their context says so."""
    kept: list[Hit] = []
    for index, hit in enumerate(hits):
        kind = hit.get("kind")
        written = note.text[hit.start : hit.end]
        if hit.name in hit.get("exact", ()) and written != hit.name:
            continue
        if hit.name == "BCG" and (
            "bladder" not in note.vocabulary or _VACCINE.match(note.folded, hit.end)
        ):
            continue  # BCG is a vaccine too
        if hit.get("component") == "registered" and not _dosed_on_trial(note, sentence, hit):
            continue
        if (
            kept
            and hit.get("kind") == "surgery"
            and hit.name in hit.get("weak", ())
            and kept[-1].get("kind") == "surgery"
        ) and _PART_OF_OPERATION.fullmatch(note.folded[kept[-1].end : hit.start]):
            continue  # "craniotomy for met resection" is one operation
        if hit.key in _TWO_WORLDS and _immunosuppressive(note, sentence, hit, inflammatory, weekly):
            continue  # the medications read it
        if kind == "trial" and (
            any(h.end <= hit.start and h.get("kind") in (None, "regimen") for h in kept)
            or any(_NAMES_DRUG.fullmatch(note.folded[hit.end : h.start]) for h in hits[index + 1 :] if h.get("kind") is None)
        ):
            continue  # "I-DXd on a phase 2 protocol", "a phase I study of AMG 757": the drug is named
        if kind in ("radiotherapy", "surgery"):
            if not context.counts(note, sentence, hit):
                continue
        elif hit.name in hit.get("weak", ()) and not _supported(note, sentence, hits, index, context):
            continue
        kept.append(hit)
    return kept


#: said of a regimen whose short name the note has explained ("CE rechallenge")
_GIVEN_AGAIN = re.compile(r" # \s*(?:re-?challenge|re-?administ\w+|re-?induction|(?:was|were) (?:again )?(?:given|administered|repeated|re-?started))\b")


def _supported(note: NoteText, sentence: Sentence, hits: list[Hit], index: int, context: LocalContext) -> bool:
    """Does the context say that a short name is meant as a drug or a regimen?"""
    hit = hits[index]
    folded = note.folded
    for step in (-1, 1):
        other = index + step
        while 0 <= other < len(hits) and hits[other].get("kind") in (None, "regimen", "unnamed", "partner"):
            first, second = sorted((hits[other], hits[other - step]), key=lambda h: h.start)
            gap = folded[first.end : second.start]
            if not re.fullmatch(r"[\s/+&,-]{0,3}(?:and |plus |with |or |\()?", gap):
                break
            if hits[other].name not in hits[other].get("weak", ()):
                return True
            other += step
    before, after = (
        folded[max(sentence.start, hit.start - 40) : hit.start],
        folded[hit.end : min(sentence.end, hit.end + 40)],
    )
    around = before + " # " + after
    if hit.get("kind") == "regimen":
        if context.near("regimen_not", before[-25:] + " # " + after[:25]) and not re.search(
            r"[x×]\s?\d|cycle|chemo", around
        ):
            return False
        if f"({hit.name.lower()})" in folded and _GIVEN_AGAIN.search(around):
            return True
        return (
            context.near("regimen", before[-30:])
            or context.near("regimen", after[:30])
            or (
                sentence.section in HISTORY
                and bool(re.search(r"\b(?:received|treated with|s/p|started|completed|given)\W*$", before))
            )
            or bool(
                re.search(r"\b(?:s/p|treated with|received)\W*$", before)
                and re.match(r"\s*(?:\(|[x×]|\d|for|until|thru)", after)
            )
        )
    return context.near("drug", around) or sentence.section in HISTORY
