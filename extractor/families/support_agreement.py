"""What a patient agrees to or refuses, and whether a lesion can be biopsied, in whatever words.

The topic is a name of ``patterns/support/agreement.toml``; the words around it in the sentence decide. ``act`` says how:

``accept``  a verb of agreement or refusal stands before the topic, or an answer behind it
``forgo``   a deed on the topic (donating, freezing, retrieving) is renounced (present) or wished for (absent)
``reach``   a lesion is called accessible to the topic (present), not accessible (absent), or perhaps (possible)

>>> _AGREES.search("she has agreed to the paired ").group()
'has agreed to the paired '
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import SUPPORT, Draft
from . import sites

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "act"})

#: what may stand between the verb and the topic: a few words, no stop, no other actor
_BETWEEN = r"(?:(?!\b(?:if|but|although|until|after|because|who|which|radiology|ir|mais|si)\b)[a-z ,/+&'-]){0,45}$"
_AGREES = re.compile(
    r"\b(?:has |have )?(?:agree[sd]?(?: to)?|agreeable to|accept(?:s|ed)?|accepting|consent(?:s|ed)? to|(?:is )?willing to"
    r"|happy (?:to|with)|content (?:to|with)|keen (?:to|on)|ok(?:ay)? with|fine with|signs? off on|signed off on|no objections? to|prepared to|ready to"
    r"|commits to|committed to|undertakes to|accepte|d'accord pour|consent a|s'engage a)\s" + _BETWEEN
)
_USES = re.compile(r"\b(?:will|going to) (?:use|keep|continue|maintain|remain|stay)\s" + _BETWEEN)
_REFUSES = re.compile(
    r"\b(?:refus(?:es|ed|ing)|declin(?:es|ed|ing)|unwilling to|not willing to|not agree(?:able)? to|not accept"
    r"|not consent to|not (?:want|wish)(?: to)?|rejects?|objects? to|opposed to|will not|refuse|ne souhaite pas"
    r"|n'accepte pas)\s" + _BETWEEN
)
_ANSWER = re.compile(
    r"[^.;\n:,()]{0,40}?(?:[:,(-]|\b(?:is|are|was|were|has been|have been))\s*(?:both |all )?"
    r"(?:she |he |the patient |patient |pt |elle |il )?(?:fully |readily )?(?:(?P<no>refuse[sd]|declines|does not (?:agree|accept|want)|refused|declined|no longer wanted|not accepted|not agreed)|(?P<yes>agreed|agrees|accepted|accepts|ok\b|"
    r"is (?:happy|willing|fine|ok)\b|happy with|accepte\b|d'accord|fine\b|yes\b|oui\b|willing))"
)
#: an agreement that is only asked for, wished or conditional says nothing yet
_OPEN = re.compile(r"\b(?:if|whether|once|must|should|would need to|needs? to|ask\w*|unless|provided)\b[^.;]{0,30}$")

_NOT = re.compile(r"\b(?:not|never|no longer|isn't|doesn't|n'est pas)\s+(?:yet\s+|at all\s+)?$")

_DEED = re.compile(
    r"\b(?:donat\w+|giv(?:e|es|ing)|freez\w+|froze\w*|bank\w*|cryo\w+|stor(?:e|ing|age)|retriev\w+|harvest\w*|collect\w*|preserv\w+"
    r"|don(?:ner|s)?\b|congel\w+|recueil\w*)"
)
#: the deed is done, or it was talked of: that says nothing on what comes
_DONE = re.compile(
    r"\b(?:banked|froze|frozen|stored|donated|retrieved|cryopreserved|collected|preserved)\b(?<!be banked)(?<!be frozen)"
    r"|\b(?:did|has|had|have|was|were) not\b|\b(?:discuss\w*|offer\w*|counsel\w*|inform\w*|leaflet|advised?|refer\w*)\b"
)
_NEGATION = re.compile(r"\b(?:not?|never|neither|nor|refrain\w*|avoid\w*|forgo\w*|abstain\w*|won't|pas|ni|ne|aucun\w*)\b")
_WISH = re.compile(
    r"\b(?:want\w*|wish\w*|plan\w*|intend\w*|insist\w*|hop(?:es|ing)|would like|will|going to|schedul\w+|book\w+|"
    r"appointment|request\w*|keen|desire\w*|arrang\w+|souhaite\w*|prevu\w*|programme\w*)\b"
)

_REACHED = re.compile(
    r"\b(?:accessible|amenable|reachable|biops(?:i|y)able|feasible|suitable|approachable|straightforward|target|easy|easily"
    r"|safe(?:ly)?|abordable|faisable|possible|can be (?:easily |safely )?(?:re-?)?(?:biopsied|sampled))\b"
)
#: a word that is said of nothing else than a way to the lesion, wherever it stands behind the biopsy
_ACCESSIBLE = re.compile(r"\b(?:accessible|amenable|reachable|biops(?:i|y)able)\b")
_CALLED = re.compile(
    r"(?:[^.,]{0,35}?\b(?:is|are|was|were|would be|seems|appears|est)|(?=\s*not))\s+(?:not\s+)?"
    r"(?:(?:felt|considered|thought|judged|deemed)\s+(?:to be\s+)?)?"
    r"(?:easily |safely |readily |technically |an? )?" + _REACHED.pattern
)
_UNREACHED = re.compile(
    r"\b(?:no|not|cannot|can't|without(?! (?:difficult|problem|risk|delay|trouble))|none|never|unsafe|inaccessible|unsuitable|impossible|contraindicated|risky|aucune?"
    r"|pas)\b"
)
_UNSURE = re.compile(
    r"\b(?:if|whether|may|might|would (?:need|have)|possibly|perhaps|probably|unclear|(?:to|will|must|for|needs to) review|discuss\w*|ask\w*|question|pending"
    r"|depend\w*|to be (?:reviewed|discussed|seen|confirmed|decided)|await\w*|until|unless|not (?:yet )?(?:decided|committed|known|sure)|not yet)\b|\?"
)
_WHOLLY = re.compile(r"\b(?:no|none|nothing|neither|any|all|only|sole|aucune?|lesions|metastases|disease)\b")
_BONE = re.compile(r"\b(?:bone|bony|osseous|iliac (?:crest|bone|wing)|sternum|vertebra\w*|ribs?|sclerotic|lytic|os)\b")


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        for hit in hits:
            if hit.get("reader") != "support_agreement":
                continue
            draft = _ACTS[hit.get("act", "accept")](note, sentence, hit)
            if draft is not None:
                yield draft


def _draft(hit: Hit, start: int, end: int, says: str, **attributes: str) -> Draft:
    return Draft(FAMILY, hit.key, start, end, hit.concept.rule_id, assertion=says, attributes=attributes)


def _accept(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    before = note.folded[max(sentence.start, hit.start - 75) : hit.start]
    patterns = [(_REFUSES, "absent"), (_AGREES, "present")]
    if hit.key == "contraception_statement":
        patterns.append((_USES, "present"))
    for pattern, says in patterns:
        match = pattern.search(before)
        if match:
            lead = before[: match.start()]
            if says == "present" and _OPEN.search(lead):
                return None
            if _NOT.search(lead):  # "is not prepared to use"
                says = "absent"
            return _draft(hit, hit.start - len(before) + match.start(), hit.end, says)
    answer = _ANSWER.match(note.folded, hit.end, min(sentence.end, hit.end + 70))
    if answer and not _OPEN.search(before):
        return _draft(hit, hit.start, answer.end(), "absent" if answer["no"] else "present")
    return None


def _forgo(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    begin = max(sentence.start, hit.start - 90)
    before = re.split(r"[;]|\bbut\b|\bmais\b", note.folded[begin : hit.start])[-1]
    after = re.split(r"[;]|\bbut\b|\bmais\b", note.folded[hit.end : min(sentence.end, hit.end + 70)])[0]
    window = f"{before} # {after}"
    if not _DEED.search(window) or _DONE.search(window):
        return None
    if _NEGATION.search(before[-75:]) or re.match(r"\W*(?:will|is|are) (?:not|never)\b", after):
        says = "present"
    elif _WISH.search(window):
        says = "absent"
    else:
        return None
    return _draft(hit, hit.start - len(before.lstrip()), hit.end, says)


def _reach(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    begin, stop = max(sentence.start, hit.start - 70), min(sentence.end, hit.end + 80)
    before, after = note.folded[begin : hit.start], note.folded[hit.end : stop]
    before, after = re.split(r"[;]|\bbut\b", before)[-1], re.split(r"[;]|\bbut\b", after)[0]
    name = note.folded[hit.start : hit.end]
    if not (
        _REACHED.search(f"{before[-45:]}{name}")
        or _REACHED.match(after.lstrip(" :,-"))
        or _CALLED.match(after)
        or _ACCESSIBLE.search(after)
    ):
        return None
    piece = f"{before[-70:]} {after}"
    says = "possible" if _UNSURE.search(piece) else "absent" if _UNREACHED.search(piece) else "present"
    organs = {site.key for site in sites.hits(note, sentence.start, sentence.end)} - {"bone"}
    if name.endswith("accessible") and not organs:  # of what?
        return None
    if says == "absent" and organs and not _WHOLLY.search(sentence.folded):
        says = "possible"  # one lesion of several
    bone = {"bone": "yes"} if _BONE.search(sentence.folded) and not organs else {}
    return _draft(hit, hit.start - len(before.lstrip()), hit.end, says, **bone)


_ACTS = {"accept": _accept, "forgo": _forgo, "reach": _reach}
