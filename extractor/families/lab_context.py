"""What the words around a laboratory name make of its number: another specimen, a goal, a threshold, a result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..pipeline import quantity, tables, values
from ..pipeline.names import Name
from ..pipeline.text import NoteText, Sentence
from ..pipeline.values import Reading

#: "INR 2.4 (target 2-3), PTT 34": what is said in brackets is of the name before them
_ASIDE = re.compile(r"\([^()]*\)")
#: behind a limit: "ANC > 1500 required"
_DEMAND = re.compile(r"\s*(?:is\s+|are\s+)?(?:required|requirement|criteri|threshold|cut-?off|needed|to (?:enrol|start|proceed|treat|be eligible))")
#: "(normal ESR <20 mm/h, CRP <10 mg/L)"
_NORMALS = re.compile(r"[(\[](?:normal|reference|ref|nl|nv|cut-?off)\b[^()\[\]]*$")
#: "3.5 mg for GFR 50-60 mL/min": the row of a table of doses
_DOSED_FOR = re.compile(r"\d\s?(?:mg|mcg|g)(?:/\w+)?\s+(?:for|if|when)\s+(?:an?\s+)?$")
_FOR = re.compile(r"(?<!except )(?<!but )\bfor\s+(?:an?\s+|any\s+|the\s+)?(?:\w+\s+)?$")  # "call for a sodium < 125"
RELATIVE = re.compile(r"\b(?:father|mother|parent|brother|sister|sibling|husband|wife|partner|donor|twin)(?:['’]s|s['’])\s(?:\w+\s)?$")
_CLAUSE = re.compile(r"[;\n]|\.\s|,\s(?=and\b)|\b(?:but|however)\b")


@dataclass(frozen=True)
class Context:
    """The compiled word lists of ``patterns/labs/context.toml``."""

    before: re.Pattern[str]
    label: re.Pattern[str]
    study: re.Pattern[str]
    blood: re.Pattern[str]
    behind: re.Pattern[str]
    wish: re.Pattern[str]
    wish_label: re.Pattern[str]
    threshold: re.Pattern[str]
    not_value: re.Pattern[str]
    tissue: re.Pattern[str]
    sediment: re.Pattern[str]
    undetectable: re.Pattern[str]
    detectable: re.Pattern[str]


_context: Context | None = None


def setup(table: dict[str, list[str]]) -> None:
    """Compile the lists once for a process."""
    global _context
    lists = {key: values.phrases(items) for key, items in table.items()}
    specimen = lists["specimens"]
    _context = Context(
        before=re.compile(rf"{specimen}(?:'s)?(?:[\s:,-]+(?:[a-z]+\s+)?|\s*[(\[][^()\[\]]*)$"),
        label=re.compile(
            rf"[\s*•-]{{0,80}}(?:the\s+|her\s+|his\s+|a\s+|an\s+)?{specimen}\s*(?:\([^)]*\)\s*)?"
            r"(?::|\b(?:studies|analysis|analyses|examination|exam|results?|findings?|labs|sediment|microscopy"
            r"|chemistry|culture|cytology)\b|"
            r"\b(?:showed|shows|revealed|reveals|demonstrated|had|with|was|were)\b)"
        ),
        study=re.compile(rf"{lists['studies']}[^.;]{{0,80}}?\b(?:showed|shows|showing|revealed|reveals|revealing|demonstrated|yielded|produced|drained|obtained|was|were|with)\b"),
        blood=re.compile(rf"(?<!white )(?<!red ){lists['blood']}"),
        behind=re.compile(rf"[\s,()]*{lists['after_specimen']}"),
        wish=re.compile(lists["wishes"]),
        wish_label=re.compile(rf"[\s*•#-]*{lists['wish_labels']}\s*(?:\([^)\n]{{0,40}}\)\s*)?[:=]"),
        threshold=re.compile(lists["thresholds"]),
        not_value=re.compile(rf"[\s-]?{lists['not_values']}"),
        tissue=re.compile(lists["tissue"]),
        sediment=re.compile(lists["sediment"]),
        undetectable=re.compile(lists["undetectable"]),
        detectable=re.compile(lists["detectable"]),
    )


def words() -> Context:
    """The compiled lists; ``setup`` has to run first (the engine does)."""
    if _context is None:
        raise RuntimeError("families.lab_context: setup() has not run")
    return _context


def allowed(note: NoteText, sentence: Sentence, name: Name, reading: Reading) -> bool:
    """Is this a result in the patient's blood? Not another specimen, a goal, a threshold, a count of something else."""
    c, folded, hit = words(), note.folded, name.hit
    before = folded[max(sentence.start, name.start - 120) : name.start]
    if c.before.search(before) and not c.blood.match(folded, name.start):
        return False
    if (reading.value_high or reading.comparator != "=") and _NORMALS.search(before):
        return False
    if RELATIVE.search(before) or ((reading.value_high or reading.comparator != "=") and _DOSED_FOR.search(before)):
        return False
    label = c.label.match(folded, sentence.start, name.start)
    if label is not None and not c.blood.search(folded, label.end(), name.end):
        return False
    study = c.study.search(folded, sentence.start, name.start)
    if study is not None and not c.blood.search(folded, study.start(), name.end):
        return False
    if c.behind.match(folded, name.end, sentence.end) or c.behind.match(folded, reading.tail, sentence.end):
        return False
    clause = _ASIDE.sub(" ", _CLAUSE.split(before)[-1])
    if c.wish.search(clause) or c.wish.search(_ASIDE.sub(" ", folded[name.end : reading.start])):
        return False
    if c.wish_label.match(folded, sentence.start, name.start):
        return False
    if reading.comparator in "<=>=" and reading.comparator != "=" and (c.threshold.search(clause) or _FOR.search(clause)):
        return False
    if reading.comparator != "=" and _DEMAND.match(folded, reading.tail, sentence.end):
        return False
    number_end = reading.number_end or reading.end
    if reading.unit is None and re.match(r"['’]?s\b|-[a-z]{3}|:\d", folded[number_end : number_end + 5]):
        return False  # "platelets in the 80s", "glucose 6-phosphate", "PC(18:3)"
    if reading.unit != quantity.ULN and c.not_value.match(folded, number_end, number_end + 14):
        return False
    if (
        reading.unit is None
        and re.match(r"\s?(?:(?:mg|mcg|mm|cm|ml|hpf|gm?)\b|/hpf|/lpf|-yo)", folded[number_end : number_end + 8])
        and not note.hits_between("lab", number_end, number_end + 2)
    ):
        return False
    if hit.key == "wbc" and reading.value_high is not None and reading.unit is None and c.sediment.search(folded, sentence.start, sentence.end):
        return False
    blocked = hit.get("not_before")
    if blocked and values.pattern_of(tuple(blocked)).search(folded, name.end, min(sentence.end, reading.end + 14)):
        return False
    for key, wanted in (("within", True), ("without", False)):
        listed = hit.get(key)
        begin = max(0, sentence.start - 200) if wanted else sentence.start
        if listed and bool(values.pattern_of(tuple(listed)).search(folded, begin, sentence.end)) is not wanted:
            return False
    if hit.get("marker") and reading.unit is None:
        around = folded[max(sentence.start, name.start - 160) : min(sentence.end, reading.end + 80)]
        if c.tissue.search(around):
            return False
    return not _other_specimen_above(note, sentence)


# the first digit stands before the look behind it, so that the search jumps from digit to digit
_CLOCK = re.compile(
    r"(?P<h>\d(?<![\d:.,/]\d)\d?)(?<!2[4-9])(?<![3-9]\d)\s?[:h]\s?(?P<m>[0-5]\d)(?![\d:])(?!\s?(?:ratio|1\b))"
)
_COLLECTED = re.compile(r"\b(?:collect\w*|drawn|specimen|sampl\w*|preleve\w*|received|\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4})")
_LINES_ABOVE = 30


@lru_cache(maxsize=4)
def _tells_time(folded: str) -> bool:
    return _CLOCK.search(folded) is not None


def clock(note: NoteText, start: int) -> str | None:
    """Time of day ``HH:MM`` of a value: before it on its line, else in the heading of its block (a line that says
    when the specimen was collected). None in a note without a time."""
    folded = note.folded
    if not _tells_time(folded):
        return None
    begin = note.line(start)[0]
    own = list(_CLOCK.finditer(folded, begin, start))
    if own and not re.search(r"[.;]\s", folded[own[-1].end() : start]):
        return _of_day(own[-1])
    for number, (above, stop) in enumerate(tables.lines_above(folded, begin)):
        if number >= _LINES_ABOVE:
            break
        line = folded[above:stop]
        found = _CLOCK.search(line)
        if found and _COLLECTED.search(line):
            return _of_day(found)
    return None


def _of_day(match: re.Match[str]) -> str:
    return f"{int(match['h']):02d}:{match['m']}"


def _other_specimen_above(note: NoteText, sentence: Sentence) -> bool:
    """Is the line part of a block under a heading such as "URINALYSIS" or "CSF"?"""
    c, folded = words(), note.folded
    start, end = note.line(sentence.start)
    if end - start > 90:
        return False
    for above, stop in tables.lines_above(folded, start):
        line = folded[above:stop].strip(" \t:*-_#=")
        if stop - above > 60:
            return False
        if c.label.match(folded[above:stop] + ":") and not re.search(r"\d", line):
            return True
        if (folded[above:stop].rstrip().endswith(":") or c.blood.search(line)) and not re.search(r"\d", line):
            return False
    return False
