"""Present, absent, possible, hypothetical; patient or family; current, historical, future: for any span of a note.

Cues of ``patterns/assertion.toml`` are found by the same token trie as names; a cue reaches as far as its clause does.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from .. import patterns as pattern_files
from ..errors import PatternError
from ..frozen import dataclass
from ..patterns import Concept, Patterns
from .lexicon import Hit, Lexicon

if TYPE_CHECKING:
    from .text import NoteText

_DIRECTIONS = ("forward", "backward", "both", "pseudo")


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What the words around a span say of it; ``cues`` are (category, start, end) in the note."""

    assertion: str = "present"
    temporality: str = "current"
    experiencer: str = "patient"
    plan: str | None = None
    cues: tuple[tuple[str, int, int], ...] = ()


PLAIN = Qualifier()


_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")


def spelled_out(phrase: str) -> list[str]:
    """A phrase with each of its alternatives.

    >>> spelled_out("negati{f,ve}")
    ['negatif', 'negative']
    """
    parts = [part.split(",") if index % 2 else [part] for index, part in enumerate(_ALTERNATIVES.split(phrase))]
    return [" ".join("".join(choice).split()) for choice in itertools.product(*parts)]


def cue_rules() -> list[tuple[str, str, list[str]]]:
    """(category, direction, phrases) of every rule of ``patterns/assertion.toml``."""
    rules = []
    for rule in pattern_files.table("assertion")["rule"]:
        unknown = rule.keys() - {"category", "direction", "literals", "examples"}
        if unknown or rule["direction"] not in _DIRECTIONS:
            wrong = f"unknown key {sorted(unknown)[0]!r}" if unknown else f"direction {rule['direction']!r}"
            raise PatternError(f"patterns/assertion.toml: rule {rule.get('category')}: {wrong}")
        phrases = [phrase for literal in rule["literals"] for phrase in spelled_out(literal)]
        rules.append((rule["category"], rule["direction"], phrases))
    return rules


@lru_cache(maxsize=1)
def _rules() -> Lexicon:
    """The cues and the words that end a clause, as the families "cue" and "end".

    All cues share one family, so that a longer pseudo cue takes the place of a shorter real one.
    """
    cues = [
        Concept("cue", f"{category} {direction}", "assertion", names=tuple(phrases), plural=False)
        for category, direction, phrases in cue_rules()
    ]
    words = pattern_files.table("assertion")["terminate"]["words"]
    names = tuple(phrase for word in words for phrase in spelled_out(word))
    ends = Concept("end", "end", "assertion", names=names, plural=False)
    return Lexicon(Patterns((*cues, ends), (), {}, {}, ""))


_HARD = re.compile(r"[;→]|[-=]>|\.\s|\n\s*[-*•]|\n\n")
_VERB_AFTER_COMMA = re.compile(
    r",\s+(?:and\s+)?(?:he|she|they|it|we|the|this|her|his|a|an|patient|pt)\s+[^,]*?\b(?:was|is|were|are|has|had|have|did|underwent|received|developed|showed|continues|remains|presented|noted|reports|started)\b"
)
#: "negative for PE, new effusion", "free of local disease, with liver metastases": what is new or comes with it behind
#: a comma is there, unless an "or" goes on with the list
_NEW_ITEM = re.compile(r",\s*(?:and\s+|but\s+)?(?:(?:a\s+)?new\b|with (?!or\b|no\b|any\b))")
_OR = re.compile(r"[^.;:]*?\bor\b")
_SYMBOL_NEGATIVE = re.compile(r"\s*(?:\(\s*(?:[-–]|no|non|none|neg|negative|nil)\s*\)|\[\s*[-–]\s*\]|[-–](?=\s*(?:$|[,;.)\n])))")
_MINUS_BEFORE = re.compile(r"(?:\(\s?[-–]\s?\)|\[\s?[-–]\s?\])\s?$")
#: "+cough, -fever": a minus is a sign only where a plus is one too
_MINUS_SIGN = re.compile(r"(?:^|[\s,;(])[-–]\s?$")
_PLUS_SIGN = re.compile(r"(?:^|[\s,;(])\+\s?[a-z]")
_LABEL_NEGATIVE = re.compile(
    r"\s*(?:[:=]|\s-\s|(?:(?: now| use| currently| today)?\?))\s*(?:no\b(?!\s+[a-z])|none\b|negative\b|neg\b|absent\b|denies\b|denied\b|not (?:seen|identified|present|detected)|nil\b|0\b(?![\d.])|\(\s*-\s*\)|non\b(?!-)|n\b)"
)
_BOX_EMPTY = re.compile(r"(?:\[\s*\]|☐|□)\s*$")
_BOX_FULL = re.compile(r"(?:\[\s*[xX✓]\s*\]|☒|☑)\s*$")
#: the first character of a sign behind a span, the last of one before it
_BEGIN_BEHIND = frozenset("([-–:=?nuct")
_END_BEFORE = frozenset(")]☐□☒☑?-–")
#: a form's choice behind a label: "[ ] Yes [x] No", "No [x] Yes [ ]", "Y/N: N"
_BOX = r"(?:\[[ x✓]{0,3}\]|\([ x]{0,3}\)|[☐□☒☑])"
_CHOICE = re.compile(
    rf"[^\n;.\[\](){{}}☐□☒☑]{{0,45}}?(?:(?P<boxes>(?:{_BOX} ?(?:yes|no|y|n)\b[ /,|]{{0,4}}){{2}}|(?:(?:yes|no|y|n) ?{_BOX}[ /,|]{{0,4}}){{2}})|"
    r"\(?\b(?:yes|y) ?/ ?(?:no|n)\)?[\s:=-]{0,4}(?P<letter>yes|no|y|n)\b)"
)
_FORM = re.compile(r"[\[(☐□☒☑/]")
_CHOSEN = re.compile(r"(?:\[ ?[x✓] ?\]|\( ?x ?\)|[☒☑]) ?(?P<behind>yes|no|y|n)\b")
_CHOSEN_BEFORE = re.compile(r"\b(?P<behind>yes|no|y|n) ?(?:\[ ?[x✓] ?\]|\( ?x ?\)|[☒☑])")
_QUESTION = re.compile(r"\?\s*$")
_QUESTION_BEHIND = re.compile(r"\s*\?(?!\w)")
#: a relative begins the sentence or clause as its subject
_SUBJECT = re.compile(
    r"(?:^|[.;:]\s|,\s|\b(?:because|and|that)\s)\s*(?:(?:his|her|the|a|an|one|the patient's|patient's|pt's|my)\s+)?(?:\w+\s)?$"
)
_OF_SUBJECT = re.compile(
    r"(?:,? (?:who|whom|which))?,? (?:also |both |been |had |has |have |was |were |is |died|carrie[sd]|developed|underwent|received|suffered|"
    r"presented|with |of |took|takes|recently |once |tested |is on |on |got |diagnosed |,? dx )"
)
#: people around the patient who are no relatives
_OTHERS = frozenset(
    {"husband", "wife", "spouse", "partner", "boyfriend", "girlfriend", "fiance", "fiancee", "roommate", "friend", "neighbor", "neighbour",
     "coworker", "co-worker", "colleague", "caregiver", "mother-in-law", "father-in-law", "friends", "coworkers", "colleagues", "neighbors", "neighbours"}
)  # fmt: skip
_TELLS = re.compile(
    r"\W+(?:\w+ )?(?:notic|witness|observ|saw\b|call|brought|stat(?:es|ed)|describ|concern|worr|accompan|drove|helps|manag|assist|found (?:him|her)|"
    r"bedside|at bedside|present\b|is present|who is present|translat|interpret)"
)
#: words that bring the patient back into the sentence
_OTHER_SUBJECT = re.compile(
    r"\b(?:patients?|pt|pts|he|she|we|they|proband|who reports|report\w*|says|said|stat\w+ that|called|calls|worri\w+|notes|noted)\b"
)
_PATIENT_AGAIN = re.compile(
    r"\b(?:the |our |this )?(?:patient|pt)\s+(?:is|was|has|had|does|did|reports?|denies|presents?)\b|\bpersonal (?:history|hx)\b"
)
#: ... in a family history
_PATIENT_OWN = re.compile(r"\b(?:patient|pt) (?:himself |herself |him/herself |personally )?(?:has|had|is|was|denies|does|reports)\b")
#: a bracket that names something else: "hepatitis B, cured (HBsAg negative)"
_OTHER_IN_BRACKET = re.compile(r"\((?![^()]*\))\s*(?!(?:now|was|were|is|has|have|been|by|on|since|later|recently|subsequently|initially|ct|cta|mri|pet|biopsy|irm|tdm)\b)[a-z]")
#: adjectives of doubt: behind a name they belong to the next one ("COPD and possible fibrosis")
_ATTRIBUTIVE = frozenset({"possible", "suspected", "probable", "likely", "questionable"})
_NEXT_NAME = re.compile(r"(?:\b(?:and|with|plus|et|also|now)|,)\s+(?:now |also |a |an )?$")
#: a result told with who or what gave it: it is that of the words before it ("fibrosis excluded by biopsy, asthma")
_DONE_BY = re.compile(r"(?:excluded|ruled out) (?:by|on|with|via|in|clinically|radiologically)\b")
_ITEMS = re.compile(r"[,/]|\b(?:and|or)\b")


def _is_list(between: str) -> bool:
    """Do nothing but short items stand between a denial and a span ("denies asthma, gout, ... or stroke")?"""
    return len(between) <= 1200 and all(len(item.split()) <= 5 for item in _ITEMS.split(between))


#: "non-healing ulcer, neuropathy": the word denies what it is joined to, and no more
_NON_ALONE = re.compile(r"[-\s]*(?:[\w-]+\s)?")
#: "no vessel invasion in the small cell carcinoma": what something is not found in is there
_IN_WHAT_IS_THERE = re.compile(
    r"(?<=\w )(?:with)?in (?:the|this|his|her|our) (?:(?!(?:to|of|for|or|and|with|that|region|area|setting)\b|suggest|consistent|compatible|concern|indicat|suspicious)[\w-]+ ){0,2}$"
)
_SUCH_AS = re.compile(r"[^.;]*? (?:such as|includ(?:e|es|ing)|like) ")
_KINDS = frozenset({"related to", "associated with"})
#: other viruses of one panel between a virus and the result of all ("HBV, HCV and HIV negative")
_PANEL = re.compile(r"(?:[\s,/&]|\b(?:and|or|et|b|c|hep|hepatitis|hbv|hcv|hiv|vih|vhb|vhc|htlv|cmv|syphilis|rpr|tests?|serolog\w+|all|were|are)\b)*")
_OLD_YEAR = re.compile(r"\b(?:in|since|from|dx|diagnosed|circa)\s+(?:19\d\d|20[01]\d)\b|\(\s*(?:19\d\d|20[01]\d)\s*\)")
_SECTIONS_HISTORICAL = frozenset({"past_medical_history", "past_surgical_history", "social_history"})


#: past times that may open a sentence, and what ends them
_TIMES = frozenset({"as a child", "in childhood", "childhood", "in the past", "years ago", "in the remote past", "decades ago"})
_NOW = re.compile(r"\b(?:now|currently|today|present\w*|remains?|still|has|is)\b")

_PLANS = ("never_started", "declined", "planned", "held", "resolved")


def _compares(folded: str, cue: Hit) -> bool:
    """Does "vs" stand between two measurements ("41 mm vs 24 mm")?"""
    return cue.name in ("vs", "versus") and folded[cue.end : cue.end + 3].strip(" .")[:1].isdigit()


def _leaves_bracket(between: str) -> bool:
    """Does the text close a bracket that was opened before it ("(no DLL3 done) with PR")?"""
    return between.count(")") > between.count("(")


def _signs(folded: str, a: int, b: int) -> list[tuple[str, int, int]]:
    """Cues that are no words: "(-)", "X: none", an empty or a ticked box, a question mark."""
    left = max(0, a - 6)
    found = []
    chosen = _CHOICE.match(folded, b) if _FORM.search(folded, b, b + 60) else None
    if chosen:
        answer = chosen["letter"]
        if answer is None:
            boxed = (_CHOSEN_BEFORE if chosen["boxes"][0] in "yn" else _CHOSEN).search(chosen["boxes"])
            answer = boxed["behind"] if boxed else ""
        if answer:
            found.append(("absent" if answer[0] == "n" else "ticked", *chosen.span()))
    signs: list[tuple[str, re.Match[str] | None]] = []
    behind = folded[b : b + 8].lstrip()
    if not behind or behind[0] in _BEGIN_BEHIND:
        signs += (("absent", _SYMBOL_NEGATIVE.match(folded, b)), ("absent", _LABEL_NEGATIVE.match(folded, b)))
    if folded[left:a].rstrip()[-1:] in _END_BEFORE:
        signs += (
            ("absent", _BOX_EMPTY.search(folded, left, a)),
            ("absent", _MINUS_BEFORE.search(folded, left, a)),
            ("absent", _MINUS_SIGN.search(folded, left, a) if "+" in folded and _PLUS_SIGN.search(folded) else None),
            ("ticked", _BOX_FULL.search(folded, left, a)),
            ("possible", _QUESTION.search(folded, left, a)),
        )
    if not behind or behind[0] == "?":
        signs.append(("possible", _QUESTION_BEHIND.match(folded, b)))
    found += [(category, *match.span()) for category, match in signs if match]
    return found


class Assertor:
    """Qualifies spans of a sentence; build once."""

    def __init__(self) -> None:
        self.rules = _rules()

    def resolve(
        self, note: NoteText, start: int, end: int, spans: list[tuple[int, int]], *, section: str | None = None
    ) -> list[Qualifier]:
        """Qualifiers of spans that lie in the sentence at [start, end) of a note."""
        hits = self.rules.scan(note.text, note.words, start, end)
        cues, stops = hits.get("cue", []), hits.get("end", [])
        folded = note.folded[start:end]
        return [self._one(folded, a - start, b - start, cues, stops, section, start) for a, b in spans]

    def _one(
        self, folded: str, a: int, b: int, cues: list[Hit], stops: list[Hit], section: str | None, offset: int
    ) -> Qualifier:
        found: list[tuple[str, int, int]] = []
        for cue in cues:
            category, direction = cue.key.split(" ")
            # a cue may share its last words with the span ("no signs of infection"); one inside the span says nothing
            if direction == "pseudo" or a <= cue.start < b or _compares(folded, cue):
                continue
            if cue.start < a:
                reaches = direction != "backward" and self._reaches(
                    folded, cue.start, min(cue.end, a), a, stops, category
                )
            else:
                reaches = direction != "forward" and self._reaches_back(folded, b, cue, stops)
            if reaches:
                found.append((category, cue.start, cue.end))
        found += _signs(folded, a, b)
        categories = {category for category, _, _ in found}
        assertion = "present"
        plan = next((c for c in _PLANS if c in categories), None)
        for name in ("absent", "hypothetical", "possible"):
            if name in categories and not ("ticked" in categories and name == "absent"):
                assertion = name
                break
        listed = section == "family_history" and _PATIENT_OWN.search(folded[:a]) is None
        family = "family" in categories or listed
        experiencer = "family" if family else "other" if "other" in categories else "patient"
        past = "historical" in categories or section in _SECTIONS_HISTORICAL
        if past or _OLD_YEAR.search(folded[max(0, a - 20) : b + 24]):
            temporality = "historical"
        else:
            temporality = "future" if plan == "planned" else "current"
        placed = tuple((c, start + offset, end + offset) for c, start, end in found)
        return Qualifier(assertion, temporality, experiencer, plan, placed)

    @staticmethod
    def _reaches(folded: str, cue_start: int, cue_end: int, a: int, stops: list[Hit], category: str) -> bool:
        between = folded[cue_end:a]
        if between[:1] == "." and "." in folded[cue_start:cue_end]:  # "Z. n. Apoplex"
            between = between[1:]
        if _HARD.search(between) or _leaves_bracket(between):
            return False
        if category == "absent" and _DONE_BY.match(folded, cue_start):
            return False
        # a condition reaches over the verbs of its own clause: "return if he develops fever"; so does a relative who is
        # the subject of the sentence: "her sister was treated with", "his brother, who also had"
        over_verbs = category == "hypothetical" or (
            category == "family"
            and _SUBJECT.search(folded[:cue_start]) is not None
            and _OF_SUBJECT.match(between) is not None
            and _OTHER_SUBJECT.search(between) is None
        )
        # a partner or a friend counts only as the subject of what was had; a relative who tells of it has nothing
        if category == "other" and folded[cue_start:cue_end] in _OTHERS:
            if _OF_SUBJECT.match(between) is None or _OTHER_SUBJECT.search(between) is not None:
                return False
            over_verbs = True
        if category == "family" and _TELLS.match(between) is not None:
            return False
        # "as a child he had": the time that opens the sentence holds for its verb
        over_verbs = over_verbs or (
            category == "historical"
            and folded[cue_start:cue_end] in _TIMES
            and not folded[:cue_start].strip(" -*•0123456789about")
            and _NOW.search(between) is None
        )
        # "daughter called, the patient has": the sentence has come back to the patient
        if category == "family" and _PATIENT_AGAIN.search(between) is not None:
            return False
        if category == "absent" and folded[cue_start:cue_end] == "non" and _NON_ALONE.fullmatch(between) is None:
            return False
        if category == "absent" and " in" in between[2:] and _IN_WHAT_IS_THERE.search(between):
            return False
        if not over_verbs and any(cue_end <= s.start < a for s in stops):
            named = category == "absent" and _SUCH_AS.match(between)  # "no problems related to the heart, such as angina"
            if not named or any(cue_end <= s.start < a and s.name not in _KINDS for s in stops):
                return False
        if category in ("absent", "possible") and _VERB_AFTER_COMMA.search(between + " "):
            return False
        if category == "absent" and _NEW_ITEM.search(between) and not _OR.match(folded, cue_end):
            return False
        if category == "absent" and ":" in between and not between.strip().startswith(":"):
            return False
        if category == "hypothetical" and (_SUCH_AS.match(between) or _is_list(between)):
            return len(between) <= 300  # a list of what may happen
        limit = {"absent": 160, "possible": 90, "hypothetical": 140, "historical": 160, "family": 120}.get(category, 90)
        return len(between) <= limit or (category == "absent" and _is_list(between))

    @staticmethod
    def _reaches_back(folded: str, b: int, cue: Hit, stops: list[Hit]) -> bool:
        between = folded[b : cue.start]
        if _HARD.search(between) or any(b <= s.start < cue.start for s in stops):
            return False
        name = folded[cue.start : cue.end]
        if name in _ATTRIBUTIVE and _NEXT_NAME.search(between) and re.match(r"\s+[a-z]", folded[cue.end : cue.end + 3]):
            return False
        if _OTHER_IN_BRACKET.search(between):
            return False
        plural = name.startswith(("were ", "are ", "have "))
        if not plural and "," in between and not _PANEL.fullmatch(between):
            return False
        if cue.key.startswith("hypothetical") and between.strip():
            return False
        if cue.key.startswith("absent") and re.search(r"\bfor\b", folded[cue.end : cue.end + 5]):
            return False
        return len(between) <= (120 if plural else 45)


#: a list of what may happen, one item a number: "Complications include: 1. Infection. 2. Bleeding. 3. Clots"
_NUMBERED_RISKS = re.compile(
    r"\b(?:complications?|risks?|side effects)\b[^.;:]{0,90}:\W{0,4}(?:\d{1,2}\.\s[^.;:]{1,60}[.;]\W{0,4}){0,12}\d{1,2}\.\s+[^.;:]{0,60}$"
)


#: ... or with semicolons: "risks to include bleeding; infection; stroke"
_LISTED_RISKS = re.compile(
    r"\b(?:complications?|risks?|side effects)\b[^.;:]{0,60}\b(?:includ(?:e|es|ed|ing)|limited to|such as)\b"
    r"(?:[^.;]{1,70};){1,14}(?:(?!\b(?:s?he|patient|had|has|was|is)\b)[^.;]){0,40}$"
)


def numbered_risk(folded: str, start: int) -> bool:
    """Does a mention stand in a list of what may happen, with numbers or semicolons between its items?"""
    low = max(0, start - 500)
    if not any(folded.find(word, low, start) >= 0 for word in ("risk", "complication", "side effect")):
        return False
    return (folded.find(":", low, start) >= 0 and _NUMBERED_RISKS.search(folded, low, start) is not None) or (
        folded.find(";", low, start) >= 0 and _LISTED_RISKS.search(folded, low, start) is not None
    )


@lru_cache(maxsize=1)
def _assertor() -> Assertor:
    return Assertor()


def qualify(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, str, str]]:
    """(assertion, temporality, experiencer) of any spans of a text.

    >>> qualify("No fever, but cough.", [(3, 8), (14, 19)])
    [('absent', 'current', 'patient'), ('present', 'current', 'patient')]
    """
    from .text import NoteText

    note = NoteText(text)
    answers = []
    for a, b in spans:
        sentence = note.sentence_at(a)
        [found] = _assertor().resolve(note, sentence.start, max(sentence.end, b), [(a, b)], section=sentence.section)
        answers.append((found.assertion, found.temporality, found.experiencer))
    return answers
