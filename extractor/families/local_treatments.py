"""Radiotherapy, operations and transplants: whether a word means one, what it is called, where it was given.

The words are those of ``patterns/therapies/context.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from .treatment_course import is_dose_line

_LEFT_WORDS = re.compile(
    r"(?<![\w-])(?:(?:right|left|bilateral|upper|lower|middle|total|subtotal|near-total|partial|radical|modified|extended|simple|laparoscopic|"
    r"laparoscopically|robotic|robotic-assisted|robot-assisted|open|thoracoscopic|video-assisted|distal|proximal|anterior|posterior|"
    r"abdominal|vaginal|segmental|palliative|curative|exploratory|emergent|emergency|elective|repeat|redo|sigmoid|transverse|pelvic|"
    r"para-?aortic|axillary|cervical|mediastinal|regional|hilar|sentinel|r|l|lul|rul|lll|rll|rml|cortical-sparing|pituitary|en bloc|"
    r"en-bloc|wide|local|central|inferior|superior|lateral|medial|frontal|temporal|parietal|occipital|suboccipital|inguinal|ventral|"
    r"umbilical|hiatal|prophylactic|therapeutic|completion|second|third|first|lung|liver|brain|bowel|hip|knee)[\s/-]+){1,8}$",
    re.IGNORECASE,
)
_OF = re.compile(
    r"\s+(?:of|for|to)\s+(?!primary\b|metasta|recurren|locali[sz]ed\b|suspect)(?:the |a |an |his |her )?[^\s\d,.;:()]+(?:\s+(?!in\b|on\b|was\b|were\b|and\b|with\b|which\b|who\b|at\b|is\b|by\b|"
    r"for\b|followed\b|\d|that\b|performed\b|from\b|after\b|had\b|has\b)[^\s,.;:()]+){0,4}",
    re.IGNORECASE,
)
_SITE = re.compile(
    r"(?:\bto|^\s*of) (?:the )?([a-z/-]++(?: [a-z/-]++){0,4}? ?)(?=[,.;()\d]|$| and (?:was|she|he)| with| in | for | from | was| region| area| on | due | because | after | before | using | at | by )"
)


#: what goes to a site there is no radiation ("radiotherapy, it metastasized to the spleen")
_SPREAD = re.compile(r"\bmetasta\w+|\bspread|\bprogress")
#: "bariatric surgery service": who operates, no operation
_OFFICE = re.compile(
    r"\s(?:services?|clinics?|departments?|teams?|programs?|programme|cent(?:er|re)s?|consult\w*|floor|ward|unit|residents?|fellows?|office|group|seminar|"
    r"evaluation|work-?up|support group|colleagues?|specialists?|candida\w+)\b"
)


#: "OPERATION PERFORMED:" heads a list, and is no operation itself
_HEADING = re.compile(r"\s?(?:performed|done|title|notes?|date|findings|in detail|details?)?\s?:")


class LocalContext:
    """Compiled contexts of ``[tables.context]`` and ``[tables.field]``."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.words = {name: re.compile(expression) for name, expression in tables["context"].items()}
        self.fields = {name: re.compile(expression) for name, expression in tables["field"].items()}

    def near(self, name: str, text: str) -> bool:
        return self.words[name].search(text) is not None

    def counts(self, view: NoteText, sentence: Sentence, hit: Hit) -> bool:
        """Is the hit of radiotherapy or surgery one, in its context?"""
        folded = view.folded
        around = folded[max(sentence.start, hit.start - 90) : min(sentence.end, hit.end + 90)]
        before = folded[max(sentence.start, hit.start - 60) : hit.start]
        after = folded[hit.end : min(sentence.end, hit.end + 60)]
        weak = hit.name in hit.get("weak", ())
        if hit.get("kind") == "surgery" and hit.name.endswith("surgery") and _OFFICE.match(after):
            return False
        if hit.get("component") == "dose":
            if is_dose_line(sentence):
                return False  # it belongs to the treatment named before it
            others = [h for h in sentence.hits("therapy") if h.get("kind") == "radiotherapy" and h is not hit]
            return re.search(r"\d\s?$", before) is not None and not any(
                h.get("component") != "dose" or h.start < hit.start for h in others
            )
        if hit.get("kind") == "radiotherapy":
            if not weak:
                return True
            if hit.key == "pci":
                return self.near("pci", around) and not self.near("pci_not", around)
            if hit.key == "srs":
                return self.near("srs", around)
            close = before[-60:] + " # " + after[:60]
            dosed = re.match(r"[^.;]{0,30}\d ?c?gy\b", after) is not None  # "bony pain: RT R hip 20 Gy/5"
            return self.near("radiotherapy", close) and (dosed or not self.near("radiotherapy_not", close))
        if hit.get("component") == "bare":
            if hit.name != "removed" and _HEADING.match(after):
                return False  # "OPERATIONS: none"
            if hit.name == "removed":
                return (
                    self.near("removed", around)
                    and not self.near("removed_not", around)
                    and re.search(r"\b(?:was|were|be|been|and|surgically)\W*$|\bremoved$", before.rstrip()) is not None
                )
            close = before[-40:] + folded[hit.start : hit.end] + after[:40]
            return self.near("surgery_bare", close) and not self.near(
                "surgery_not", before + folded[hit.start : hit.end] + after
            )
        if weak:
            close = before[-45:] + " # " + after[:45]
            listed = sentence.section == "past_surgical_history"
            return (listed or self.near("surgery", close)) and not self.near("minor", before[-30:] + " # " + after[:30])
        if "section" in hit.name and self.near("obstetric", view.folded[max(0, hit.start - 300) : hit.end + 200]):
            return False
        return not re.match(r"(?! (?:and|with|plus) )[^.;,]{0,12}\b(?:biops\w*|scar|bag|clips|defect)\b", after)

    def field(self, hit: Hit, before: str, after: str) -> str | None:
        """Field of radiotherapy: what stands nearest behind it, then before it; palliative where only that is said."""
        given = hit.get("field")
        if given:
            return str(given)
        if self.fields["wide"].search(before[-160:] + after[:120]):
            return "wide"
        for text in (after[:100], before[-70:] + hit.name):
            best: tuple[int, str] | None = None
            for name in ("wide", "brain", "chest", "bone", "other"):
                found = self.fields[name].search(text)
                if found and (best is None or found.start() < best[0]):
                    best = (found.start(), name)
            if best:
                return best[1]
        if self.fields["palliative"].search(before[-60:] + after[:60]):
            return "palliative"
        return None


def site(after: str) -> str | None:
    """Site of radiotherapy as written: "to the left supraclavicular area"."""
    found = _SITE.search(after[:90])
    if not found or _SPREAD.search(after, 0, found.start()):
        return None
    words = re.sub(r"(?: (?:region|area|field|bed)| and| plus| f/b)$", "", found.group(1).strip())
    return words if 2 < len(words) < 50 and not re.match(r"(?:date|be|start|begin|continue|(?:an? )?(?:total|dose|maximum)\b.*|\w+ing)\b", words) else None


def procedure_name(view: NoteText, sentence: Sentence, hit: Hit) -> str:
    """The operation in the note's words, with the side and kind before it and the organ behind it."""
    text = view.text
    left = _LEFT_WORDS.search(text, max(sentence.start, hit.start - 60), hit.start)
    begin = left.start() if left else hit.start
    behind = _OF.match(text, hit.end, min(sentence.end, hit.end + 60))
    end = behind.end() if behind else hit.end
    return " ".join(text[begin:end].split()).lower()


def side(text: str) -> str:
    """Side of an orchiectomy: bilateral, left, right, or unspecified."""
    if re.search(r"\b(?:bilateral\w*|b/l|beidseitig\w*|beiderseits|beiderzijds|dubbelzijdig\w*|pulpectomie|castration chir\w*|simple|surgical(?:ly)? castrat\w*|both)\b", text):
        return "bilateral"
    if re.search(r"\b(?:left|l)\b", text):
        return "left"
    if re.search(r"\b(?:right|r)\b", text):
        return "right"
    return "unilateral" if re.search(r"\bunilateral|radical\b", text) else "unspecified"
