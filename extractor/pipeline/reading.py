"""One number where it stands: what may stand before it, comparator, range, unit, flag and reference range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .numbers import (
    GAP,
    NO_LETTERS,
    SPACE,
    Grammar,
    Reading,
    citation,
    folded_text,
    grammar,
    number,
    number_at,
    parse_unit,
    past,
    read_unit,
)

WRITTEN_DATE = re.compile(
    r"(?:\d{1,2}/\d{1,2}/|\d{1,2}-\d{1,2}-|\d{1,2}\.\d{1,2}\.)(?:\d{4}|\d{2})(?!\d|[.,]\d)|\d{4}-\d{2}-\d{2}"
    r"|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])(?=[ \t]*[):]|[ \t]+(?:was|is|of|at)\b)"
    # "8/1 210 -> 8/22 160": a day and its value in a trend
    r"|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?=[ \t]+\d+(?:\.\d+)?[ \t]*(?:->|→|[,;]|\.?$|\.\s))"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+\d{1,2}(?:st|nd|rd|th)?"
    r"(?:,?\s+(?:19|20)\d{2})?(?!\d|[.,]\d)"
    r"|\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|fev|avr|mai|juin|juil"
    r"|aou)[a-z]{0,6}\.?(?:\s+(?:19|20)\d{2})?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,?\s+(?:19|20)\d{2}(?!\d|[.,]\d)"
    r"|(?:0?[1-9]|1[0-2])/(?:19|20)\d{2}(?![\d/])"
    r"|(?:12|24|48)[\s-]?h(?:rs?|ours?|eures?)?(?=\s*[:=])"
    r"|(?:on\s+|last\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:day|days|jour)\s+\d{1,3}(?:[-–]\d{1,3}(?![\d.]))?"
)
_EXPONENT = re.compile(rf"{SPACE}?[x×*]{SPACE}?10(?!00){SPACE}?(?:\^|\*\*|e)?\(?(\d{{1,2}})\)?(?![\d.,])", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[eE]\+(\d{1,2})(?![\d.,])")
#: a decimal that a scanner set apart: "9 .8"; a group that may belong to the number: "PNN à 4 100"
_SPACED_DECIMAL = re.compile(r" [.,](\d{1,2})(?![\d.,/]|\s?\d)")
_GROUP = re.compile(r" (\d{3})(?=[).,;\n]|$|\s[a-z])(?![.,]\d)")
_BROKEN = re.compile(r" \d{2} \d{3}(?!\d)")
_MULTIPLIER = re.compile(r"\s?(lakhs?|lacs?|thousands?(?!\s?/)|millions?(?!\s?/))(?![a-z])")
_MULTIPLIERS = {"lakh": 1e5, "lac": 1e5, "thousand": 1e3, "million": 1e6}
_LOG = re.compile(rf"{SPACE}?log(?:10)?{SPACE}?", re.IGNORECASE)
DASH = re.compile(rf"{SPACE}?(?:-|–|—|‑|−){SPACE}?")
TO = re.compile(rf"{SPACE}?(?:-|–|—|‑|−){SPACE}?|{SPACE}(?:to|a|à){SPACE}", re.IGNORECASE)
AND = re.compile(rf"{SPACE}(?:and|et|to|à){SPACE}", re.IGNORECASE)
_BLANK = re.compile(rf"{SPACE}*")
_PADDING = re.compile(r"#(?=[\s:=]{0,3}\d)|[\s°:=|,\-–—(\[*_;\u00a0\u202f\u2009\"']|\.{2,}|(?<=\s)\.(?!\d)|(?<=\w)\.(?=\s)")
_ASIDE = re.compile(r"\(\s*[A-Za-zÀ-ÿ][^()\d\n]{0,30}\)|\[\s*[A-Za-zÀ-ÿ][^\[\]\d\n]{0,30}\]")
#: Na+ 138, NEUT# 4.2, plt's 88
_CHARGE = re.compile(r"(?: ?[+−](?= ?\d)|[+−#]{1,2}(?=[\s:=\d\])]))|['’]s(?=\s)")
_FILLER = re.compile(r"(?:a|an|of|the|to)\s+")
#: "remarkably elevated", "progressively rose"; a schedule ("daily") is none
_ADVERB = re.compile(r"(?!(?:daily|weekly|monthly|yearly|hourly|family|july|supply|assembly|anomaly)\b)[a-z]{3,14}ly\b")
#: where or when it was measured, in front of the verb: "sodium on the third day was", "creatinine two weeks later was"
_CIRCUMSTANCE = re.compile(
    r"(?:(?:at|on|in|after|before|prior to|upon|during|following|by)\s+(?:(?:[a-z'’/-]+|\d{1,3}(?:(?=\s(?:h|hours?|hrs|days?|weeks?|months?|years?)\b)|-(?:h|hours?|days?|weeks?|months?|years?)\b)|(?<=day\s)\d{1,3})\s+){1,6}?"
    r"|(?:(?:the|a|an|one|two|three|four|five|six|seven|ten|several|some|\d{1,2}(?:\.\d)?)\s+)(?:few\s+|next\s+|following\s+)?(?:h|hrs?|hours?|days?|weeks?|months?|years?|morning|evening)\s+(?:(?:later|after\w*|before|earlier|prior|post)\s+(?:[a-z-]+\s+){0,4}?)?)"
    r"(?=(?:was|were|is|are|had|has|showed|remained|came|rose|fell|dropped|increased|decreased|improved|returned)\s|(?:at|of)\s[\d<>~])"
)
#: a unit of counts in brackets between a name and its value: "Platelets (x10^3/uL) 97"
_CIRCUMSTANTIAL = frozenset("aobipudftsn0123456789")
_SPREAD = re.compile(r"\s?(?:±|\+/-|\+-)\s?\d")
#: a remark of the laboratory: "6.8 (hemolyzed), repeat 4.4"
_SPOILT = re.compile(r"\s*[(\[,]\s*(?:(?:slightly|mildly|grossly|moderately|specimen|sample)\s+){0,2}(?:ha?emoly[sz]ed|ha?emolysis|lip[ae]+mic|icteric|clotted)(?:\s+(?:specimen|sample))?\s*[)\]]?")
_UNIT_ASIDE = re.compile(r"[(\[]\s*(?:[x×]\s?)?(?:10\s?[\^*eE]{0,2}\s?\d{1,2}|1000)\s?/\s?[A-Za-zµμ]{1,3}\d?\s*[)\]]|\(\s?%\s?\)|\(m[lL]/min/1[.,]73\s?m[2²]\)")
_MULTIPLE = re.compile(rf"{SPACE}?(?:[x×*]|times|fold|-fold|fois){SPACE}*", re.IGNORECASE)


# -- reading -------------------------------------------------------------------------------------------------------
def connect(
    text: str, pos: int, limit: int, *, folded: str | None = None
) -> tuple[int, str, str | None, Reading | None]:
    """Passes over what may stand between a name and its value.

    Returns (position of the number or comparator, the words passed, a flag met on the way, a reference range met on
    the way). Stops at the first thing that is no connector.
    """
    g = grammar()
    folded = folded if folded is not None else folded_text(text)
    flag, start, reference = None, pos, None
    charge = _CHARGE.match(text, pos, limit)
    pos = charge.end() if charge else pos
    while pos < limit:
        mark = g.flag.match(text, pos, limit) if text[pos] in "([*!↑↓" else None
        if mark is not None:
            flag, pos = g.flags[mark.group()], mark.end()
            continue
        step = _ASIDE.match(text, pos, limit) or _UNIT_ASIDE.match(text, pos, limit) or citation(text, pos, limit) or _PADDING.match(folded, pos, limit)
        if step is None and folded[pos] in ")]":
            pos += 1
            continue
        if step is None:
            step = g.connector.match(folded, pos, limit)
            if folded[pos] in _CIRCUMSTANTIAL and (longer := _CIRCUMSTANCE.match(folded, pos, limit)) is not None:
                pos = longer.end()
                continue
            step = step or (_ADVERB.match(folded, pos, limit) if folded[pos - 1 : pos].isspace() else None)
            if step is not None and step.group() in ("day", "days", "jour"):
                step = WRITTEN_DATE.match(folded, pos, limit) or step  # "nadir day 14"
            if (
                step is not None
                and step.group() in ("a", "to", "and", "in", "by", "with")
                and g.comparator.match(folded, pos, limit)
            ):
                break
            sign = g.comparator.match(folded, pos, limit) if step is not None else None
            if step is not None and sign is not None and step.end() <= sign.end():
                break
        else:
            # a range in brackets with a number behind it stands before the value: "Sodium [135-145] 138"
            ahead = g.bracketed.match(folded, pos, limit)
            if (
                ahead is not None
                and ahead.group().lstrip()[0] in "(["
                and (ahead["low"] or ahead["sign"] or ahead["word"])
            ):
                behind = _PADDING.match(folded, ahead.end(), limit)
                after = ahead.end()
                while behind is not None:
                    after = behind.end()
                    behind = _PADDING.match(folded, after, limit)
                if number_at(text, after, limit) or g.comparator.match(folded, after, limit):
                    reference = _reference_of(ahead)
                    pos = after
                    continue
        if step is None:
            step = g.flag.match(text, pos, limit)
            if step is not None:
                flag = g.flags[step.group()]
        if step is None and folded[pos].isalnum():
            step = WRITTEN_DATE.match(folded, pos, limit)
        if step is None or step.end() == pos:
            break
        pos = step.end()
    return pos, folded[start:pos], flag, reference


def unit_in(text: str, pos: int, start: int, letters: Mapping[str, str]) -> tuple[str, str] | None:
    """The unit in brackets between a name and its value: "Weight (kg): 58.2"."""
    for match in re.finditer(r"[(\[]\s*([^()\[\]]{1,19})[)\]]", text[pos:start]):
        raw = match[1].strip()
        found = letters.get(raw) or (parse_unit(raw) if len(raw) > 1 and raw.lower() != "in" else None)
        if found is not None:
            return raw, found
    return None


def _reference_of(match: re.Match[str]) -> Reading:
    low = high = None
    if match.groupdict().get("low"):
        low, high = number(match["low"].strip(".,"))[0], number(match["high"].strip(".,"))[0]
    elif match["limit"]:
        bound = number(match["limit"].strip(".,"))[0]
        if (match["sign"] or "<").startswith((">", "≥", "more", "min")):
            low = bound
        else:
            high = bound
    return Reading(match.start(), match.end(), 0.0, "", ref_low=low, ref_high=high)


def read_plain(
    text: str,
    pos: int,
    limit: int,
    *,
    letters: Mapping[str, str] = NO_LETTERS,
    folded: str | None = None,
    joint: re.Pattern[str] = TO,
) -> Reading | None:
    """A number at ``pos`` itself, with comparator, range, unit, flag and reference range.

    ``joint``: what joins the two ends of a range.
    """
    g = grammar()
    folded = folded if folded is not None else folded_text(text)
    at, comparator = pos, "="
    for _ in range(2):
        sign = g.comparator.match(folded, at, limit)
        if sign is None:
            break
        found = g.comparators[" ".join(sign.group().split())]
        comparator = found if comparator == "=" else comparator
        at = past(_BLANK, text, sign.end(), limit)
        filler = _FILLER.match(folded, at, limit)
        at = filler.end() if filler else at
    first = number_at(text, at, limit)
    if first is None:
        return None
    value, other = number(first.group())
    end, high, written_end = first.end(), None, first.end()
    if text[end : end + 1] == " " and first.group().isdigit():
        if _BROKEN.match(text, end):
            return None  # "1 45 000": nobody knows where it was broken
        spaced = _SPACED_DECIMAL.match(text, end, limit)
        grouped = _GROUP.match(text, end, limit) if spaced is None and len(first.group()) < 4 else None
        if spaced is not None:
            value, other, end, written_end = float(f"{first.group()}.{spaced[1]}"), None, spaced.end(), spaced.end()
        elif grouped is not None and other is None:
            other, end, written_end = value * 1000 + float(grouped[1]), grouped.end(), grouped.end()
    if (
        text[end : end + 1].isalpha()
        and text[end].lower() in "tnrs"
        and text[end : end + 2].lower() in ("st", "nd", "rd", "th")
    ):
        return None
    span = joint.match(text, end, limit)
    if span is not None and comparator in ("=", "~"):
        second = number_at(text, span.end(), limit)
        if second is not None and not _EXPONENT.match(text, second.end(), limit):
            upper = number(second.group())[0]
            if upper > value and not _followed_by_date(text, second.end()):
                high, end, written_end = upper, second.end(), second.end()
    elif span is None and text[end : end + 1] == "%":
        # "80% - 90%"
        span = joint.match(text, end + 1, limit)
        second = number_at(text, span.end(), limit) if span is not None else None
        if second is not None and text[second.end() : second.end() + 2].strip().startswith("%"):
            upper = number(second.group())[0]
            if upper > value:
                high, end, written_end = upper, second.end(), second.end()
    if high is None:
        word = _MULTIPLIER.match(folded, end, limit)
        if word is not None:
            value, other, end = value * _MULTIPLIERS[word[1].rstrip("s")], None, word.end()
        log = _LOG.match(text, end, limit)
        power = _EXPONENT.match(text, end, limit) or _SCIENTIFIC.match(text, end, limit)
        if log is not None and value < 12:
            value, other, end = 10.0**value, None, log.end()
        elif power is not None and (int(power[1]) not in (3, 9, 12) or text[power.start()] in "eE"):
            value, other, end = value * 10.0 ** int(power[1]), None, power.end()
    if _SPREAD.match(text, end):
        return None  # the mean of a group
    before_unit = _flag(g, text, end, limit)
    reading = Reading(pos, end, value, text[first.start() : written_end], high, comparator, number_end=end, other=other)
    multiple = _MULTIPLE.match(folded, end, limit)
    named = g.uln.match(folded, multiple.end(), limit) if multiple else None
    if named is None:
        near = past(_BLANK, text, end, limit)
        named = (
            g.uln.match(folded, near, limit) if folded.startswith(("uln", "lsn", "x uln", "xuln", "xn"), near) else None
        )
    if named is not None and not re.match(r"\s*[:=\d(<]", folded[named.end() : named.end() + 3]):
        raw = text[end : named.end()].strip()
        return replace(reading, end=named.end(), unit_raw=raw, unit="{ULN}", tail=named.end())
    unit_from = before_unit[0] if before_unit else end
    unit = read_unit(text, unit_from, limit, letters)
    flag = before_unit[1] if before_unit else None
    tail = unit_from if before_unit else end
    both = _upper(text, unit, value, limit, letters) if unit is not None and high is None and comparator in ("=", "~") else None
    if both is not None:  # "36.5 °C - 38.6 °C": the unit stands behind both ends
        high, unit = both
        reading = replace(reading, value_high=high, as_written=text[first.start() : unit[0]])
    if unit is not None:
        tail = unit[0]
        reading = replace(reading, end=unit[0], unit_raw=unit[1], unit=unit[2])
    return _tail(g, text, folded, replace(reading, flag=flag, tail=tail), limit, letters)


def _upper(
    text: str, unit: tuple[int, str, str | None], value: float, limit: int, letters: Mapping[str, str]
) -> tuple[float, tuple[int, str, str | None]] | None:
    """The upper end of a range behind a dash, with the same unit."""
    dash = DASH.match(text, unit[0], limit)
    second = number_at(text, dash.end(), limit) if dash is not None else None
    if second is None:
        return None
    again, high = read_unit(text, second.end(), limit, letters), number(second.group())[0]
    return (high, again) if again is not None and again[2] == unit[2] and high > value else None


def _followed_by_date(text: str, end: int) -> bool:
    return bool(re.match(r"[/-]\d", text[end : end + 2]))


def _flag(g: Grammar, text: str, pos: int, limit: int) -> tuple[int, str] | None:
    gap = GAP.match(text, pos, limit)
    match = g.flag.match(text, gap.end() if gap else pos, limit)
    if match is None:
        return None
    if match.group() in ("L", "N", "A", "H") and match.start() == pos and text[pos - 1].isdigit():
        return match.end(), g.flags[match.group()]
    return match.end(), g.flags[match.group()]


def _tail(g: Grammar, text: str, folded: str, reading: Reading, limit: int, letters: Mapping[str, str]) -> Reading:
    """Flag, reference range and a unit in a later column, in any order."""
    for _ in range(4):
        pos = reading.tail
        sign = g.comparator_after.match(folded, pos, limit) if reading.comparator == "=" else None
        if sign is not None:
            reading = replace(reading, comparator=g.after[" ".join(sign[1].split())], tail=sign.end(), end=sign.end())
            continue
        if reading.ref_low is None and reading.ref_high is None:
            match = (
                g.bracketed.match(folded, pos, limit)
                or g.worded.match(folded, pos, limit)
                or g.column.match(folded, pos, limit)
                or g.column_bound.match(folded, pos, limit)
            )
            if match is not None and _is_reference(match):
                found = _reference_of(match)
                reading = replace(reading, ref_low=found.ref_low, ref_high=found.ref_high, tail=match.end())
                continue
        if reading.flag is None:
            flag = _flag(g, text, pos, limit)
            if flag is not None:
                reading = replace(reading, flag=flag[1], tail=flag[0])
                continue
        if reading.unit is None and pos > reading.end and "\n" not in text[reading.end : pos + 1]:
            unit = read_unit(text, past(GAP, text, pos, limit), limit, letters)
            if unit is not None:
                reading = replace(reading, unit_raw=unit[1], unit=unit[2], tail=unit[0])
                continue
        if reading.unit is None and pos == reading.end:
            gap = GAP.match(text, pos, limit)
            if gap is not None and ("|" in gap.group() or "\t" in gap.group()):
                unit = read_unit(text, gap.end(), limit, letters)
                if unit is not None:
                    reading = replace(reading, unit_raw=unit[1], unit=unit[2], tail=unit[0], end=unit[0])
                    continue
        break
    spoilt = _SPOILT.match(folded, reading.tail, limit)
    return replace(reading, tail=spoilt.end()) if spoilt is not None else reading


def _is_reference(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    if groups.get("low"):
        low, high = number(match["low"].strip(".,"))[0], number(match["high"].strip(".,"))[0]
        return low < high
    # a bare number in brackets is another value; it needs a sign or a word such as "normal"
    return bool(groups.get("sign") or groups.get("word"))
