"""Agreement to the serial biopsies of a study: a verb of agreement or refusal before the biopsies in one sentence.

>>> _AGREES.search("she has agreed to the paired ").group()
'has agreed to the paired '
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader"})

#: what may stand between the verb and the biopsies: a few words, no stop, no other actor
_BETWEEN = r"(?:(?!\b(?:if|but|although|until|after|because|who|which|radiology|ir)\b)[a-z ,/+&-]){0,45}$"
_AGREES = re.compile(
    r"\b(?:has |have )?(?:agree[sd]?(?: to)?|agreeable to|accept(?:s|ed)?|consent(?:s|ed)? to|(?:is )?willing to"
    r"|happy (?:to|with)|ok(?:ay)? with|fine with|signs? off on|signed off on)\s" + _BETWEEN
)
_REFUSES = re.compile(
    r"\b(?:refus(?:es|ed)|declin(?:es|ed)|unwilling to|not willing to|not agree(?:able)? to|not accept|not consent to"
    r"|not want)\s" + _BETWEEN
)
#: an agreement that is only asked for, wished or conditional says nothing yet
_OPEN = re.compile(r"\b(?:if|whether|once|must|should|would need to|needs? to|ask\w*|unless|provided)\b[^.;]{0,30}$")


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        for hit in hits:
            if hit.get("reader") != "support_agreement":
                continue
            before = note.folded[max(sentence.start, hit.start - 75) : hit.start]
            for pattern, says in ((_REFUSES, "absent"), (_AGREES, "present")):
                match = pattern.search(before)
                if match:
                    start = hit.start - len(before) + match.start()
                    if says == "absent" or not _OPEN.search(before[: match.start()]):
                        yield Draft(
                            family=FAMILY,
                            concept=hit.key,
                            start=start,
                            end=hit.end,
                            rule_id=hit.concept.rule_id,
                            assertion=says,
                        )
                    break
