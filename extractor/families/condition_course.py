"""What became of a condition, from the words of its own item: resolved, stable, active; when it was last active."""

from __future__ import annotations

import re

from ..dates import DateSpan
from ..pipeline.lexicon import Hit
from ..pipeline.text import Sentence

#: states of a condition, the first that the words say counts
STATUS = (
    ("active", re.compile(r"\bacute on chronic\b")),
    (
        "resolved",
        re.compile(
            r"\b(?:resolved|resolution|cleared|cured|ausgeheilt|genezen|healed|in (?:\w+[- ](?:free )?)?remission|drug-free remission|quiescent|no recurrence|symptoms (?:have |are |all )?(?:gone|settled|cleared)|svr\d*|completed treatment|gueri[es]*|fully treated|inactive|burnt out|burned out|now gone|disappeared|eradicated|spontaneously cleared|stopped|ceased|weaned)\b"
        ),
    ),
    ("improving", re.compile(r"\b(?:improving|improved|resolving|decreased|decreasing|smaller|en voie de guerison)\b")),
    (
        "stable",
        re.compile(
            r"\b(?:stable|unchanged|chronic|controlled|well-controlled|compensated|longstanding|long-standing|baseline)\b"
        ),
    ),
    (
        "active",
        re.compile(
            r"\b(?:active|acute|worsening|worse|flare|flaring|uncontrolled|decompensated|new|ongoing|exacerbation|enlarging|increased|increasing|re-?accumulat\w+|recurrent)\b"
        ),
    ),
)

#: diseases that last until they are said to rest
CHRONIC = frozenset({"sarcoidosis", "rheumatoid_arthritis", "lupus", "vasculitis", "ibd", "other_autoimmune", "myasthenia_gravis"})
_AT_REST = re.compile(
    r"\bno (?:relapses?|recurrence|flares?)\b[^.;]{0,25}\b(?:no|off) (?:all )?(?:meds|medications?|drugs?|therapy|treatment)\b|"
    r"\b(?:tapered off|weaned off|stopped|off (?:it|treatment|therapy|steroids))\b[^.]{0,40}\d{4}[^.]{0,40}\bno (?:diarrh\w+|symptoms?|flares?|relapses?|recurrence)\b[^.;]{0,12}\bsince\b|"
    r"\b(?:in (?:complete |full |drug-free |sustained |clinical )?remission|inactive|quiescent|burnt out|burned out)\b[^.;]{0,40}"
    r"\b(?:no (?:therapy|treatment|medication|drugs?|immunosuppress\w+)|off (?:all )?(?:therapy|treatment|medication|drugs?|immunosuppress\w+))\b"
)


def last_active(sentence: Sentence, hit: Hit) -> DateSpan | None:
    """The last date of a disease that is told with its history and called at rest without treatment ("sarcoidosis,
    biopsy proven 2011, prednisone until 2014, in remission, no therapy since")."""
    later = [other.start for other in sentence.hits("condition") if other.start > hit.end]
    stop = min([sentence.end, hit.end + 160, *later])
    rest = _AT_REST.search(sentence.note.folded, hit.end, stop)
    if rest is None:
        return None
    dates = sentence.note.dates_between(hit.end, rest.end())
    return max(dates, key=lambda span: span.latest, default=None)


# a state stands behind the comma where nothing but its circumstances follows it: ", resolved after prednisone"
_STATE_ITEM = (
    r"(?:now |since |fully |has |have |which |but |both |all |currently |clinically |completely )*"
    r"(?:resol\w+|settled|symptoms (?:have |are |all )?(?:gone|settled|cleared|resolved)|stable|improv\w+|controlled|in remission|quiescent|inactive|active|cleared|cured|svr\d*|no recurrence|worse\w*|off \w+)"
    r"(?=\s*(?:[,;.)]|$|since|after|off|on\b|with|by|in\b|\d))"
)
_BEHIND_COMMA = re.compile(
    rf"[^,;.\n]{{0,70}}(?:,\s*{_STATE_ITEM}[^,;.\n]{{0,40}}(?:,\s*{_STATE_ITEM})?|,[^,;.\n]{{0,40}},\s*{_STATE_ITEM}(?:[^,;.\n]{{0,30}})?)?"
)


_QUIET_SINCE = re.compile(
    r"(?<!in)\b(?:inactive|quiescent|in remission|resolved|no (?:relapse|recurrence|flares?)|no further (?:episodes?|flares?)|off (?:all )?(?:treatment|steroids|therapy))"
    r"\s+(?:since|for|after)\b"
)


def quiet_since(sentence: Sentence, hit: Hit) -> bool:
    """Is the mention said to rest ("sarcoidosis 2008, steroids for one year, inactive since 2010"), before another disease?"""
    later = [other.start for other in sentence.hits("condition") if other.start > hit.end]
    stop = min([sentence.end, hit.end + 120, *later])
    behind = re.split(r"[;.]\s|\n", sentence.note.folded[hit.end : stop])[0]
    return bool(_QUIET_SINCE.search(behind))


def own_item(sentence: Sentence, hit: Hit) -> str:
    """The mention's own item of a list, and a state that follows behind its comma ("pneumonitis 2023, resolved")."""
    folded = sentence.folded
    at, end = hit.start - sentence.start, hit.end - sentence.start
    left = re.split(r"[,;.:]\s|\n|\b(?:and|with)\s", folded[max(0, at - 60) : at])[-1]
    behind = _BEHIND_COMMA.match(folded, end)
    return left + folded[at:end] + (behind.group() if behind else "")
