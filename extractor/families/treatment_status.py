"""What became of a treatment: received, ongoing, planned, declined, held, not given; and why it was stopped.

The words are those of ``patterns/therapies/cues.toml``. A word counts only inside the course's own region, and a word
of planning not where the treatment had been given by then ("evaluation after carboplatin").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..gated import AnyOf, Gated

#: assertion of a treatment by its status
ASSERTION = {
    "received": "present",
    "ongoing": "present",
    "held": "present",
    "planned": "hypothetical",
    "declined": "absent",
    "not_given": "absent",
}
_GIVEN = re.compile(
    r"\b(?:received|after|following|s/p|status post|completed|underwent|undergone|treated with|was given|were given|progress\w*|despite|"
    r"failed|had|previously|since|started|continu\w*|began|administered|relaps\w*|refractory|x ?\d)\b"
)
#: said of the treatment itself, these settle that it was given
_DONE = re.compile(
    r"^[^.;,]{0,30}\b(?:was|were|has been|had been) (?:\w+ly |then )?(?:performed|done|carried out|given|administered|started|completed|"
    r"undertaken|initiated|delivered|terminated|stopped|discontinued|used|added|switched)\b|"
    r"^[^.;]{0,40}\b(?:\d{1,2}|one|two|three) (?:doses?|cycles?|infusions?)\W+(?:in |given |last |until )?(?:19|20)\d\d\b"
)
#: a drug that only names a study ("tarlatamab screening")
_TRIAL_NAMED = re.compile(
    r"\s+(?:trials?|stud(?:y|ies)|slot|screening|biomarker|investigators|program|sponsor|eligibility|evaluation|candidacy)\b"
)
_PART_GIVEN = Gated(
    r"\b(?:has |have |he's |she's )?(?:completed|received|had) (\w+) (?:out )?of (?:an? |the )?(?:planned )?(\w+) (?:planned )?(?:cycles|courses)"
)
_ENDED = re.compile(
    r"\b(?:stop\w*|arret\w*|not tolerat\w*|intoleran\w*|discontinu\w*|d/c\S*|dc.d|off|terminated|permanently|until|till|thru|through|(?<!due )to|switched|ceased|last|"
    r"completed|finished|pd|pod|progress\w*|(?:refus|declin)\w*(?: any)? (?:further|more))\b"
)
_UNTIL_NEXT = re.compile(
    r"\bcontinu(?:e|es|ing) (?:until|till|to|through) (?:the )?(?:next|trial|study|screening|c1d1)\b(?: starts?\b)?"
)
#: the gaps of a table
_COLUMNS = re.compile(r"[ \t]*\|[ \t]*|[ \t]{2,}")
_AS_PLANNED = re.compile(r"\bas (?:planned|scheduled)\b")
#: the reason right behind the word of ending wins over others of the same item
_BECAUSE = re.compile(
    r"\b(?:stop\w*|discontinu\w*|d/c\S*|off|ceased|terminated)\s(?:\w+\s)?(?:for|due to|because of|owing to|on|secondary to)\s(?P<why>[^.;,(]{2,40})"
)
#: "anlotinib after disease progression": why it began
_AFTER_THAT = re.compile(r"\b(?:after|following) (?:the |a |an |another |further |confirmed )*(?:disease |tumou?r )?(?:progress|relaps|recurr)")
_FREE = re.compile(r"\bprogress\w+[\s-]free\b")
_COULD_BE = Gated(r"\bcould be(?: (?:achieved|obtained|reached|maintained) (?:by|with))?\W*$")
#: said of the treatment itself: it ended
_IT_ENDED = re.compile(
    r"\W*(?:treatment |therapy )?(?:(?:was|were|had to be|has been|is) )?(?:then |therefore |subsequently |also )?(?:permanently |definitively )?"
    r"(?:stopped|discontinued|terminated|withdrawn|ceased|d/c.?d|dc.d|abandoned)\b"
)
#: the answer to a criterion
_ANSWER = re.compile(r"[:?=–-]\s*(?:no|none|never|yes|y|n|met|not met|n/a|ok)\b|[☑☒✓✔]|\[\s?x\s?\]|\bnever\b|\b(?:none|not) given\b")
_ORDER = ("declined", "not_given", "held", "planned", "ongoing")


class Cues:
    """The compiled words of status, intent and reason."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        status = tables["status"]
        self.before = {name: AnyOf(status[name].get("before", ())) for name in (*_ORDER, "none")}
        self.after = {name: AnyOf(status[name].get("after", ())) for name in (*_ORDER, "none")}
        self.stopped = AnyOf(status["stopped"]["any"])
        self.resumed = AnyOf(status["resumed"]["any"])
        self.general = AnyOf(status["general"]["any"])
        self.own = AnyOf(status["general"]["own"])
        self.intent = AnyOf(tables["intent"].values())
        self.intent_names = tuple(tables["intent"])
        self.reason = {name: Gated(words) for name, words in tables["reason"].items()}

    def mentioned_only(self, before: str, after: str) -> bool:
        """Is the name no treatment of the patient at all ("allergic to", "-resistant")?"""
        return self.before["none"].search(before) or self.after["none"].search(after)

    def of_others(self, sentence: str, section: str | None = None) -> bool:
        """Does a sentence speak of patients in general, of rules or of a drug's effects, and not of this patient?"""
        if section == "eligibility":
            return _ANSWER.search(sentence) is None
        return self.general.search(sentence) and not self.own.search(sentence)

    def status(self, before: str, after: str) -> str | None:
        """Status that the words beside a treatment say; None where they say nothing."""
        after = _AS_PLANNED.sub("", _UNTIL_NEXT.sub("continues", _COLUMNS.sub(" ", after)))
        if _PART_GIVEN.search(before):
            return "ongoing"
        done = _DONE.match(after) is not None
        if _COULD_BE.search(before):
            return "received"
        for name in _ORDER:
            if name == "held" and _TRIAL_NAMED.match(after):
                return "planned"
            if done and name == "planned":
                continue
            if name == "held" and self.resumed.search(after):
                if not self.stopped.search(after):
                    return "ongoing"
                continue
            if self.after[name].search(after):
                if name == "planned" and re.match(
                    r"[^.;]{0,60}\b(?:was|were) (?:started|given|completed|performed)\b|[^.]{0,80}\b(?:stopped|ended|discontinued) after \d|[^.]{0,60}\b\d{1,2} (?:fractions? )?(?:done|given|delivered|completed)\b", after
                ):
                    continue
                if name == "ongoing" and self.stopped.search(after):
                    continue
                return name
            for expression in self.before[name].candidates(before):
                match = expression.search(before)
                # words that say it was given take a cue before them away, not one behind them
                while (
                    match is not None
                    and name in ("planned", "ongoing", "declined")
                    and _GIVEN.search(_behind_cue(before[match.start() :]))
                ):
                    match = expression.search(before, match.start() + 1)
                if match is None:
                    continue
                if name == "ongoing" and self.stopped.search(after):
                    continue
                return name
        return None

    def resumes(self, after: str) -> bool:
        """Is a pause said to be over?"""
        return self.resumed.search(after)

    def given(self, before: str, after: str) -> bool:
        """Do the words beside a treatment say that it was given?"""
        return _GIVEN.search(before) is not None or _GIVEN.search(after) is not None

    def has_stopped(self, text: str) -> bool:
        return self.stopped.search(text)

    def reason_stopped(self, after: str) -> str | None:
        """Why a treatment ended, where a word of ending stands there."""
        after = _FREE.sub(" ", _AFTER_THAT.split(after, maxsplit=1)[0])
        if not _ENDED.search(after):
            return None
        stated = _BECAUSE.search(after)
        if stated is not None:
            for name in ("toxicity", "progression", "choice", "completed"):
                if self.reason[name].search("stopped for " + stated["why"]):
                    return name
        for name in ("toxicity", "progression", "choice", "completed"):
            found = self.reason[name].search(after)
            if found and not re.search(r"\b(?:no|without|not)\W+(?:\w+\W+)?$", after[: found.start()]):
                return name
        return None

    def reason_before(self, before: str, after: str) -> str | None:
        """Why a treatment ended, told before it ("owing to pneumonitis, nivolumab was stopped")."""
        if _IT_ENDED.match(after) is None:
            return None
        cause = before[-100:]
        for name in ("toxicity", "progression"):
            found = self.reason[name].search(cause)
            if found and not re.search(r"\b(?:no|without|not)\W+(?:\w+\W+)?$", cause[: found.start()]):
                return name
        return None

    def intents(self, text: str) -> list[str]:
        found = self.intent.candidates(text)  # all of them, or none
        return [name for name, words in zip(self.intent_names, found, strict=False) if words.search(text)]


def _behind_cue(tail: str) -> str:
    """The text behind the first word of a cue."""
    space = re.search(r"\W", tail.lstrip())
    return tail.lstrip()[space.end() :] if space else ""

