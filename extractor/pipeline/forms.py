"""Choices of a pathology form: what was not ticked says nothing, so it is blank to the readers.

"Histologic type: [ ] adenocarcinoma [x] small cell carcinoma" names one tumour. Only menus of such forms are read so, and
only where something is ticked: an unticked box of a clinic's list of illnesses denies the illness (``assertion``).
"""

from __future__ import annotations

import re

_BOX = re.compile(
    r"(?P<full>\[\s?[xX✓]\s?\]|\(\s?[xX✓]\s?\)|[☒☑]|(?<![A-Za-z0-9_])_{1,4}\s?[xX✓]\s?_{0,4}(?=[\s_]))"
    r"|(?P<empty>\[\s{0,3}\]|\(\s{1,3}\)|[☐□]|(?<![A-Za-z0-9_])_{2,6}(?=\s?[A-Za-z]))"
)
#: how a ticked box begins
_TICKED = re.compile(r"[\[(_✓☒☑](?:(?<=[✓☒☑])| ?[xX])")
#: what such a form asks
_ASKED = re.compile(
    r"\b(?:histologic(?:al)?|histology|tumou?r|necrosis|nodes?|margins?|invasion|procedure|specimen|grade|differentiation|laterality|stage|type|focality)\b",
    re.IGNORECASE,
)
_NEAR = 90  # characters between two boxes of one menu


def chosen(text: str) -> str:
    """The text with the unticked options of a menu, and the ticks themselves, blank; of the same length.

    >>> chosen("Histologic type: [ ] adenocarcinoma [x] carcinoid")
    'Histologic type:                        carcinoid'
    >>> chosen("History: [ ] diabetes [x] asthma")
    'History: [ ] diabetes [x] asthma'
    """
    if _TICKED.search(text) is None:
        return text
    boxes = list(_BOX.finditer(text))
    if len(boxes) < 2 or not any(b["full"] for b in boxes):
        return text
    letters: list[str] | None = None
    menu: list[re.Match[str]] = []
    for box, following in zip(boxes, [*boxes[1:], None], strict=True):
        menu.append(box)
        goes_on = following is not None and _one_menu(text[box.end() : following.start()])
        if goes_on:
            continue
        if len(menu) > 1 and {bool(b["full"]) for b in menu} == {True, False} and _is_asked(text, menu[0].start()):
            letters = letters or list(text)
            _blank(text, letters, menu)
        menu = []
    return text if letters is None else "".join(letters)


def _one_menu(between: str) -> bool:
    return len(between) <= _NEAR and between.count("\n") <= 1 and ":" not in between


def _is_asked(text: str, first: int) -> bool:
    """Does the label before the first box, in its line or the line above, ask what a pathology form asks?"""
    line = text.rfind("\n", 0, first) + 1
    label = text[line:first]
    if not label.strip() and line:
        label = text[text.rfind("\n", 0, line - 1) + 1 : line]
    return len(label) < 120 and _ASKED.search(label) is not None


def _blank(text: str, letters: list[str], menu: list[re.Match[str]]) -> None:
    for box, following in zip(menu, [*menu[1:], None], strict=True):
        end = box.end()
        if box["empty"]:
            stop = text.find("\n", end)
            end = len(text) if stop < 0 else stop
            if following is not None:
                end = min(end, following.start())
        for at in range(box.start(), end):
            if letters[at] != "\n":
                letters[at] = " "
