"""What became of another tumour, as the words of its own item say (criteria E12)."""

from __future__ import annotations

import re

#: what says behind another cancer's name that it is under treatment or has spread
_UNDER_TREATMENT = re.compile(
    r"\b(?:ongoing|under treatment|on (?:letrozole|anastrozole|exemestane|tamoxifen|fulvestrant|chemotherapy|treatment)|"
    r"currently (?:treated|on)|still (?:treated|on)|undergoing (?:treatment|chemotherapy)|not (?:yet )?treated)\b"
)
_CURED = re.compile(
    r"(?<!un)\b(?:resected|excised|excision|resection|radical|(?!bi)\w+ectomy|turbt|brachytherapy|cured|ned|no evidence of disease|"
    r"no (?:recurrence|relapse|disease)|disease[- ]free|in (?:complete )?remission|curative(?:ly)?|definitive|mohs|clear(?: surgical)? margins|clean)\b"
)


def course_of_disease(before: str, after: str) -> dict[str, str]:
    """``status`` of a tumour: active, metastatic, surveillance or curatively_treated; nothing where nothing is said.

    >>> course_of_disease("", " t3n0 resected 6/2024"), course_of_disease("also metastatic er+ ", ""), course_of_disease("", " 2015")
    ({'status': 'curatively_treated'}, {'status': 'metastatic'}, {})
    """
    own = re.split(r"[;\n]|\.\s", after)[0][:110]
    if _UNDER_TREATMENT.search(own) or re.search(r"(?<!in)\b(?<!not )active\s+$", before):
        return {"status": "active"}
    if re.search(r"\bmetastatic (?:[\w+/-]+ ){0,2}$", before) or re.match(
        r"[^,]{0,20}(?:,\s?)?\b(?:stage iv|metastatic)\b", own
    ):
        return {"status": "metastatic"}
    if re.search(r"\b(?:active surveillance|watchful waiting|(?:under|on) (?:observation|surveillance))\b", own):
        return {"status": "surveillance"}
    return {"status": "curatively_treated"} if _CURED.search(own) else {}
