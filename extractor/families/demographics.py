"""Age and sex of the patient.

An age counts where it is said of the patient now: never a relative's, never an age at an earlier event. A birth date
gives the age on the note's date. Sex is taken from a label, from the noun beside the age, from a title, else from
pronouns; sources that contradict each other give no fact.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..patterns import Patterns
from ..pipeline import values
from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = "demographic"
KEYS: frozenset[str] = frozenset()
#: ages and pronouns have no name in the lexicon: every note is read
ALWAYS = True

_YEARS = {"y": 1.0, "a": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
# 68 y/o, 68yo, 68 y.o., 71-year-old, 10-month-old, 45 year-old, 57 years old, 63 years of age
_OLD = re.compile(
    r"(?P<n>\d(?<![\d.,/-]\d)\d{0,2})(?P<plus>\+)?(?P<half>[\s–-]1/2|½)?[\s–-]*(?P<unit>years?|yrs?|y|months?|mos?|weeks?|wks?"
    r"|days?)\.?[\s–-]*(?:old\b|/\s?o\b|o\.?(?![a-z])|(?<=[y.])o(?=[wbah]?[mf]\b)|of\s+age\b)"
)
_AND = re.compile(r"(\d{1,2})[\s-](?:years?|yrs?|y)[\s,-]{1,2}(?:and\s)?$")  # "an 8 year 3 month old boy"
_PERSON_BEFORE = re.compile(r"\b(?:patient|pt|he|she|is a|this)\b[^.\n]{0,30}$")
_AGED = re.compile(
    r"\b(?<!gestational )(?<!gestation )(?<!bone )(?<!mental )(?:aged|age|agee?)\s*(?:is|was|de|of|:|=|,)?\s*(?P<n>\d{1,3})(?![\d/]|\.\d|\s?(?:%|mg|month|week|day|mois|to\b"
    r"|-))(?:\s?(?:years?|yrs?|y\b|ans\b))?"
)
_ANS = re.compile(
    r"\b(?<!\bsa )(?<!leur )(?:patiente?|homme|femme|monsieur|madame|agee? de|garcon|fille|m\."
    r"|mme)\s*,?\s*(?:agee?\s+)?(?:de\s+)?(?P<n>\d{1,3})\s?ans\b"
)
_CIVIL = re.compile(r"\b(?:m\.|mr|mme|monsieur|madame)\s+[a-z'-]{1,20}\.?,?\s*\(?(?P<n>\d{2,3})\s?ans\b")
#: "man 70y", "70 y man", "66 ans, homme": years beside a word for a man or a woman, without "old"
_PERSONS = frozenset("boy girl man woman male female gentleman lady homme femme patiente".split())
_YEAR_WORDS = frozenset("y yr yrs year years ans".split())
_YEARS_ALONE_HINT = re.compile(r"\d\s?(?:y|ans)")
_PERSON = rf"(?:{'|'.join(sorted(_PERSONS))})"
_YEARS_ALONE = re.compile(
    rf"\b(?:{_PERSON}[\s,]{{1,2}}(?:of\s|aged\s)?(?P<n>\d{{1,2}})\s?(?:y|yr|yrs|years|ans)\b|(?P<n2>\d{{2}})[\s-]?(?:y|yrs?|years?|ans)[\s,-]{{1,2}}{_PERSON}\b)"
)
#: an age at the diagnosis of the disease; with its year it gives the age now
_THEN = re.compile(r"\b(?:diagnosed|dx'?d?|diagnosis)\s(?:with [a-z -]{2,40} )?at (?:the )?age (?:of )?(?P<n>\d{2})\b")
#: de-identified notes
_OVER_90 = re.compile(r"\bage over 90\b")
_JARIG = re.compile(r"(?<![\d.,/-])(?P<n>\d{2,3})[\s-]?j(?:ahr|ar)ig\w{0,3}\b")
_ANOS = re.compile(
    r"\b(?:paciente|varon|mujer|hombre|paziente|uomo|donna|man|vrouw|mann|frau|patientin|patient|dhr\.?|mevrouw|meneer|dame)"
    r"[\s,(]{1,3}(?:de\s|di\s|van\s|con\s|anni\s){0,2}(?P<n>\d{2,3})(?:\s?(?:anos|anni|jaar|jahre|j\.)|(?<=anni\s\d\d))"
)
_FOREIGN_WORDS = frozenset("anos anni jaar jahre jarig jarige jahrig jahrige jahriger jahriges jahrigen jahrigem".split())
#: "68 F small cell lung cancer" opens a note
_OPENING = re.compile(r"\s*(?P<n>[2-8]\d|9[0-3])\s?(?P<sex>[MF])\s+(?=[a-z])")
#: F/71 and 71/M, "(M, 36)", "Patient: F, 66", "M, 79 y"
_STROKED = re.compile(
    r"(?<![\w/.])(?:(?P<sex>[MF])\s?(?:/|(?<=\([MF]),|(?<=[Pp]atient [MF]),|(?<=[Pp]atient: [MF]),|(?<=Pt [MF]),|,(?=\s?\d{2}\s?y(?:o|rs?|ears?)?\b))\s?(?P<n>\d{2})|(?P<n2>\d{2})\s?(?:/|(?<=\(\d\d),)\s?(?P<sex2>[MF]))(?![\w/.]\w|\w|/|\s?(?:mg|mL|cm|mm)\b)"
)
_STROKES = ("M/", "F/", "M /", "F /", "/M", "/F", "/ M", "/ F", "M,", "F,")
_STROKED_HINT = re.compile(r"\(\d\d,\s?[MF]\b")
_LETTER = re.compile(
    r"(?P<n>\d{1,3})\s?(?:y\.?o?\.?\s?|yr\s?)?(?P<sex>[MF])(?=\s*(?:,|;|\.(?:\s|$)|$|with\b|w/"
    r"|c/|s/p|h/o|hx\b|here\b|who\b|p/w|present|pt\b|patient\b|\d{2,3}\s?kg|admitted|smoker|former|current|\()"
    r"|\s+(?!IU|UI|CFU|PFU)m?[A-Z]{2,})"  # "62M SCLC"
)
_PATIENT_COMMA = re.compile(
    r"\b(?:patient,\s?(?=\d{2},)|(?:male|female|man|woman),\s?(?=\d{2}\s(?:years|yrs|y)\b))(?P<n>\d{2})"
)
_WORDED = re.compile(
    r"\b(?:(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?P<ones>one|two|three|four|five"
    r"|six|seven|eight|nine))?|(?P<young>one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen))[\s-]year[\s-]old\b"
)
_PLAIN = re.compile(r"\b(?:he|she|the patient|patient|pt)\s+is\s+(?:now\s+)?(?P<n>[1-9]\d)(?=\s*(?:[.,;)]|$))")
# cheap signs without which the expressions above cannot match; each begins with letters that the search can jump to
_WORDED_HINT = re.compile(r"year(?<=[a-z][\s-]year)[\s-]old")
_PLAIN_HINT = re.compile(r"is\s+(?:now\s+)?[1-9]\d")
_COMMA_HINT = re.compile(r",(?:(?<=patient,)|(?<=male,)|(?<=man,))\s?\d")
_LETTER_HINT = re.compile(
    r"[MF](?![a-z])(?:(?<=\d[MF])|(?<=\d\s[MF])|(?<=[\d\s]y[MF])|(?<=[y.][o.][MF])|(?<=yr[MF])|(?<=o\.[MF])"
    r"|(?<=[\d\s]y\s[MF])|(?<=[y.][o.]\s[MF])|(?<=yr\s[MF])|(?<=o\.\s[MF]))"
)
#: the letter as a word, with what may stand at it without a space
_LETTER_WORDS = frozenset(
    before + letter + behind
    for before in ("", "y", "o", "yo", "yr")
    for letter in "mf"
    for behind in " w c s h p hx with here who pt patient admitted smoker former current present presents presented presenting".split(" ")
) - {"of"}
#: words of the note without which it has no such age, birth date or title
_AGE_WORDS = frozenset({"age", "aged", "agee"})
_BIRTH_WORDS = frozenset("dob ddn birth birthdate born ne nee naissance b geb geboren nato nata nac".split())
_TITLE_WORDS = frozenset("mr mrs ms miss mme madame monsieur herr herrn frau mevr mevrouw dhr heer".split())
#: a number behind one of these is a part of another
_GLUED = frozenset("0123456789.,/-")
_DECADE = re.compile(
    r"\bin\s+(?:his|her|their)\s+(?P<part>early|mid|middle|late)?[\s-]*(?:(?P<n>[2-9]0)['’]?s"
    r"|(?P<word>(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)ies))\b"
)
_BIRTH = re.compile(
    r"\b(?:dob|d\.o\.b\.?|ddn|date of birth|birth ?date|born(?: on| in)?|nee? (?:le|en)|geb(?:oren)?\.?(?: am| op)?|nat[oa] il|f\.? nac\.?|date de naissance)\s*[:=]?\s*"
    #: the head of a letter: "Mrs Anna K, 14.02.1957"
    r"|(?<![^\n])[ \t]*(?:re:?[ \t]*)?(?:mr|mrs|ms|miss|mme|madame|monsieur|herrn?|frau|dhr|mevr|mevrouw)\b\.?[ \t][a-z'*. -]{1,40}[,;(][ \t]*(?=\d)"
)
_DECADES = frozenset("twenties thirties forties fifties sixties seventies eighties nineties".split())
_DECADE_HINT = re.compile(r"0['’]?s\b")
_PARTS = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (6, 9), None: (0, 9)}
_LABEL = re.compile(
    r"\b(?:sex|gender|sexe|birth sex|sex at birth|legal sex"
    r"|administrative gender|geslacht|geschlecht|sexo|sesso)\s*[:=]\s*(?:\|\s*)?"
    r"(?P<sex>masculin\w?|feminin\w?|femenino|female|male|femme|homme|femmina|maschio|weiblich|mannlich|vrouw|man\b|mujer"
    r"|hombre|varon|[mfhvw]\b)"
)
_FEMALE = re.compile(r"f|v(?!aron)|w|mujer")
_BIRTH_SEX = re.compile(
    r"\b(?:dob|date of birth|born|geb(?:oren)?\.?|nee? le)\s*[:=]?\s*[\w/.\- ]{6,12}[,;]\s*(?P<sex>male|female|[mf]\b)"
)
_AGE_LABEL = re.compile(r"\bage\s*/\s*sex\s*[:=]?\s*(?P<n>\d{1,3})\s*(?:y\w*)?\s*/?\s*(?P<sex>m|f|male|female)\b")
_TITLE = re.compile(
    r"(?<![A-Za-z])(?P<male>Mr\.?|Monsieur|MR\.|MR(?!\s+(?i:brain|head|spine|liver|abd|pelvis"
    r"|angio|chest|prostate|cardiac|entero|cholangio|neck|whole|whole-spine)))(?=\s+[A-Z])|(?<![A-Za-z])(?P<female>Mrs\.?|Ms\.?|Miss|Mme"
    r"|Madame|MRS\.?|MS\.)(?=\s+[A-Z])|(?P<male2>\b(?:Monsieur\b|(?:Herrn?|Dhr\.?|De heer)(?=\s+[A-Z])))|(?P<female2>\b(?:Madame\b|(?:Frau|Mevr\.?|Mevrouw)(?=\s+[A-Z])))"
)
# the first letter stands before the look behind it, so that the search jumps from letter to letter
_PRONOUN = re.compile(
    r"[hs](?<![\w'’-][hs])(?<!\b[a-z] [hs])"
    r"(?:(?P<male>(?<=h)(?:e|is|im(?:self)?))|(?P<female>(?<=s)he|(?<=h)er(?:s|self)?))\b(?!\s+(?:opinion|interpretation|review)\b)"
)
_PLAIN_NOUN = re.compile(
    r"\b(?:(?:this|the|a|an|pleasant|elderly|young|old|year-old)\s+){1,6}(?:[a-z-]{1,30}\s+){0,2}?(?P<noun>male|female|man"
    r"|woman|gentleman|lady)\b(?!\s+(?:genital|pelvis|catheter|urethra|breast|organs|condom|hormone|partner"
    r"|relative|pattern|factor))"
)

_PRONOUNS = (frozenset({"he", "his", "him", "himself"}), frozenset({"she", "her", "hers", "herself"}))
#: "Sehr geehrte Frau Kollegin", "Dear Mr Smith": whom a letter is written to
_SALUTATION = re.compile(r"\b(?:[Gg]eehrte[rs]?|[Ll]iebe[rs]?|Dear|Ch[eè]re?|Beste|Geachte)\s*$")
_PLAIN_NOUNS = frozenset({"male", "female", "man", "woman", "gentleman", "lady"})


@dataclass(frozen=True)
class _Words:
    male: re.Pattern[str]
    female: re.Pattern[str]
    person: re.Pattern[str]
    relatives: re.Pattern[str]
    relative_before: re.Pattern[str]
    relative_behind: re.Pattern[str]
    past: re.Pattern[str]
    things: re.Pattern[str]
    numbers: dict[str, int]


_words: _Words | None = None


def _lists() -> _Words:
    """The compiled lists; ``setup`` has to run first (the engine does)."""
    if _words is None:
        raise RuntimeError("families.demographics: setup() has not run")
    return _words


def setup(patterns: Patterns) -> None:
    global _words
    table = patterns.tables[FAMILY]["person"]
    relatives = values.phrases(table["relatives"])
    _words = _Words(
        male=re.compile(values.phrases(table["male"])),
        female=re.compile(values.phrases(table["female"])),
        person=re.compile(values.phrases([*table["patient"], *table["male"], *table["female"]])),
        relatives=re.compile(relatives),
        relative_before=re.compile(rf"{relatives}[^.;\n]{{0,20}}$"),
        relative_behind=re.compile(rf"[\s-]*(?:[a-z]+\s+)?{relatives}"),
        past=re.compile(values.phrases(table["past"]) + r"(?:\s+(?:of|about|around|approximately))?[\s:,]*$"),
        things=re.compile(r"\s*[a-z-]*\s*" + values.phrases(table["things"])),
        numbers=table["numbers"],
    )


@dataclass(frozen=True, slots=True)
class _Age:
    start: int
    end: int
    low: float
    high: float | None
    written: str
    sure: bool
    sex: tuple[int, int, str] | None
    born: datetime.date | None = None  # from a birth date
    birth_year: bool = False


def read(note: NoteText) -> Iterable[Draft]:
    ages = list(_ages(note))
    sure = [a for a in ages if a.sure] or ages[:1]
    seen: set[tuple[float, float | None]] = set()
    first = sure[0] if sure else None
    kept: list[_Age] = []
    births = {age.born for age in ages if age.born is not None}
    attributes = {"birth_date": min(births).isoformat()} if len(births) == 1 else {}
    for age in sure:
        # a second age far from the first is of another time or another person
        if (age.low, age.high) in seen or (
            first is not None and abs(age.low - first.low) > max(1.0, (age.high or age.low) - age.low)
        ):
            continue
        seen.add((age.low, age.high))
        kept.append(age)
        yield Draft(
            family=FAMILY,
            concept="age",
            start=age.start,
            end=age.end,
            rule_id="demographics/person:age",
            code="LOINC 30525-0",
            value=age.low,
            value_high=age.high,
            comparator="=",
            unit="a",
            value_as_written=age.written,
            date=(note.note_date, note.note_date, "note") if (age.born or age.birth_year) and note.note_date else None,
            attributes=dict(attributes),
            assertion="present",
            experiencer="patient",
            temporality="current" if age.born or age.birth_year else None,
        )
    for match in _THEN.finditer(note.folded) if "at age" in note.folded or "at the age" in note.folded else ():
        if note.section_at(match.start()) != "family_history":
            yield Draft(
                SUPPORT, "age_then", match.start(), match.end(), "demographics/person:age", value=float(match["n"]), unit="a",
                comparator="=", assertion="present", temporality="current",
            )  # fmt: skip
    sex = _sex(note, kept)
    today = (note.note_date, note.note_date, "note") if note.note_date else None
    if sex is not None:
        start, end, text = sex
        yield Draft(
            family=FAMILY,
            concept="sex",
            start=start,
            end=end,
            rule_id="demographics/person:sex",
            value_text=text,
            date=today,
            assertion="present",
            experiencer="patient",
            temporality="current",
        )


# -- age -----------------------------------------------------------------------------------------------------------
def _ages(note: NoteText) -> Iterator[_Age]:
    folded, text, w = note.folded, note.text, _lists()
    found: list[_Age] = []
    for match in _OLD.finditer(folded):
        unit = match["unit"][0]
        value = (float(match["n"]) + (0.5 if match["half"] else 0)) * _YEARS[unit]
        if unit != "y" and (full := _AND.search(folded, max(0, match.start() - 20), match.start())):
            value += float(full[1])
        if not 0 <= value <= 112 or not _of_patient(note, match.start(), match.end()):
            continue
        behind = folded[match.end() : match.end() + 60]
        noun = _noun_behind(note, match.end())
        if w.things.match(behind) and not (noun and " smoking" in folded[match.end() : noun[0]].replace("-", " ")):
            continue
        near = folded[max(0, match.start() - 40) : match.start()]
        named = noun is not None or w.person.search(behind) or _PERSON_BEFORE.search(near)
        if not named and unit != "y":
            continue
        end = noun[1] if noun else match.end()
        found.append(_Age(match.start(), end, round(value, 4) if unit != "y" else value, None, match["n"], True, noun))
    for match in _AGE_LABEL.finditer(folded) if "sex" in folded else ():
        sex = (match.start("sex"), match.end("sex"), "male" if match["sex"][0] == "m" else "female")
        found.append(_Age(match.start("n"), match.end("n"), float(match["n"]), None, match["n"], True, sex))
    for match in _WORDED.finditer(folded) if _WORDED_HINT.search(folded) else ():
        if _of_patient(note, match.start(), match.end()) and not w.things.match(folded[match.end() : match.end() + 60]):
            noun = _noun_behind(note, match.end())
            value = float(w.numbers[match["tens"] or match["young"]] + (w.numbers[match["ones"]] if match["ones"] else 0))
            end = noun[1] if noun else match.end()
            found.append(_Age(match.start(), end, value, None, match.group(), True, noun))
    words = note.vocabulary
    french = "ans" in words
    foreign = not _FOREIGN_WORDS.isdisjoint(words)
    for pattern, worth in (
        (_ANS, french),
        (_CIVIL, french),
        (_JARIG, foreign),
        (_ANOS, foreign),
        (_AGED, not _AGE_WORDS.isdisjoint(words)),
        (_PATIENT_COMMA, _COMMA_HINT.search(folded)),
        (_PLAIN, _PLAIN_HINT.search(folded)),
    ):
        if not worth:
            continue
        for match in pattern.finditer(folded):
            if not 0 < int(match["n"]) <= 112 or not _of_patient(
                note, match.start("n") if pattern is _AGED else match.start(), match.end()
            ):
                continue
            start, end = match.start(), match.end()
            if pattern is _AGED:
                begin = re.search(
                    r"\b(?:patiente?|pt|man|woman|homme|femme)\s*,?\s*$", folded[max(0, start - 12) : start]
                )
                if begin:
                    start = max(0, start - 12) + begin.start()
                elif folded[start : start + 3] == "age" and not folded.startswith(("aged", "agee"), start):
                    start = match.start("n")
            word = _sex_word(folded, start, end) or (_noun_behind(note, end) if pattern is _JARIG else None)
            found.append(_Age(start, end, float(match["n"]), None, match["n"], True, word))
    for match in _LETTER.finditer(text) if (words & _LETTER_WORDS or "oF" in text) and _LETTER_HINT.search(text) else ():
        if match.start() and (folded[match.start() - 1] in _GLUED or folded[match.start() - 1].isalpha()):
            continue
        value = int(match["n"])
        temperature = match["sex"] == "F" and (
            value >= 94
            or re.search(r"\b(?:t|temp\w*|fever\w*|size)\W*$", folded[max(0, match.start() - 12) : match.start()])
        )
        if not 15 <= value <= 110 or temperature or not _of_patient(note, match.start(), match.end()):
            continue
        sex = (match.start("sex"), match.end("sex"), "male" if match["sex"] == "M" else "female")
        found.append(
            _Age(match.start(), match.end(), float(value), None, match["n"], not any(a.sure for a in found), sex)
        )
    opening = _OPENING.match(text)
    if opening and _of_patient(note, opening.start("n"), opening.end()):
        sex = (*opening.span("sex"), "male" if opening["sex"] == "M" else "female")
        found.append(_Age(opening.start("n"), opening.end("sex"), float(opening["n"]), None, opening["n"], not found, sex))
    for match in _STROKED.finditer(text) if any(s in text for s in _STROKES) or _STROKED_HINT.search(text) else ():
        value = int(match["n"] or match["n2"])
        if 15 <= value <= 93 and _of_patient(note, match.start(), match.end()):
            group = "sex" if match["sex"] else "sex2"
            sex = (*match.span(group), "male" if match[group] == "M" else "female")
            sure = not any(a.sure for a in found)
            found.append(_Age(match.start(), match.end(), float(value), None, str(value), sure, sex))
    alone = words & _YEAR_WORDS and words & _PERSONS and _YEARS_ALONE_HINT.search(folded)
    for match in _YEARS_ALONE.finditer(folded) if alone else ():
        if _of_patient(note, match.start(), match.end()):
            written = match["n"] or match["n2"]
            word = _sex_word(folded, match.start(), match.end())
            found.append(_Age(match.start(), match.end(), float(written), None, written, True, word))
    for match in _OVER_90.finditer(folded) if "over 90" in folded else ():
        noun = _noun_behind(note, match.end() + 3)
        found.append(_Age(match.start(), match.end(), 90.0, 112.0, "over 90", True, noun))
    for match in _DECADE.finditer(folded) if _DECADE_HINT.search(folded) or words & _DECADES else ():
        if _of_patient(note, match.start(), match.end()):
            low, high = _PARTS[match["part"]]
            decade = float(match["n"] or w.numbers[match["word"][:-3] + "y"])
            written = match["n"] or match["word"]
            found.append(_Age(match.start(), match.end(), decade + low, decade + high, written, not found, None))
    for match in _BIRTH.finditer(folded) if not (_BIRTH_WORDS | _TITLE_WORDS).isdisjoint(words) else ():
        if _of_patient(note, match.start(), match.end()):
            found += _born(note, match.end(), least=15 if match.group().rstrip()[-1] in ",;(" else 0)
    return iter(sorted(found, key=lambda a: (a.start, a.end)))


def _born(note: NoteText, at: int, least: int = 0) -> list[_Age]:
    """The age on the note's date from a birth date; from a birth year the two ages that it allows."""
    spans = [d for d in note.dates_between(at, min(len(note.text), at + 24)) if d.start - at <= 2]
    if not spans or note.note_date is None:
        return []
    written = note.text[spans[0].start : spans[0].end]
    if spans[0].precision == "year":
        years = note.note_date.year - spans[0].earliest.year
        age = _Age(spans[0].start, spans[0].end, years - 1.0, float(years), written, False, None, birth_year=True)
        return [age] if least < years <= 112 else []
    if spans[0].precision != "day" or spans[0].earliest != spans[0].latest:
        return []
    born, today = spans[0].earliest, note.note_date
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not least <= years <= 112:
        return []
    return [_Age(spans[0].start, spans[0].end, float(years), None, written, True, None, born)]


_CHILDBIRTH = re.compile(r"\b(?:born|delivered|delivery|section|pregnancy)\b")
_TO_A = re.compile(r"\bto an?\s{0,9}$")
_CLAUSE = re.compile(r",|\bis\b|\bwho\b")


def _of_patient(note: NoteText, start: int, end: int) -> bool:
    """Not a relative's age, not an age at an earlier event."""
    folded, w = note.folded, _lists()
    begin = max(folded.rfind(stop, max(0, start - 70), start) for stop in (".", ";", "\n"))
    before = folded[max(begin + 1, start - 70) : start]
    if w.past.search(before) or (_TO_A.search(before) and _CHILDBIRTH.search(before)) or note.section_at(start) == "family_history":
        return False
    if w.relatives.search(_CLAUSE.split(before)[-1]) or w.relative_before.search(before):
        return False
    return not w.relative_behind.match(folded[end : end + 30])


_LETTER_BEHIND = re.compile(r"[\s,/]{0,2}\(?(?:[WBAHC]|AA)?([MF])(?![A-Za-z'’])")
_SMALL_BEHIND = re.compile(r"[\s,]{0,2}(?:[wbahc]|aa)?([mf])(?=[\s,.;]|$)")
_WORDS_BEHIND = re.compile(r"(?:[\s,/-]+[a-z0-9&'’()-]+){0,7}")
_VERB = re.compile(r"\b(?:who|with|whose|presented|presents|was|has|had|of|and)\b")


def _noun_behind(note: NoteText, end: int) -> tuple[int, int, str] | None:
    """A word for a man or a woman within a few words behind the age: "64-year-old British Caucasian woman"."""
    folded, text = note.folded, note.text
    letter = _LETTER_BEHIND.match(text, end)
    if letter:
        return letter.start(1), letter.end(1), "male" if letter[1] == "M" else "female"
    lower = _SMALL_BEHIND.match(folded, end)
    if lower:
        return lower.start(1), lower.end(1), "male" if lower[1] == "m" else "female"
    window = _WORDS_BEHIND.match(folded, end)
    behind = folded[end : min(window.end(), end + 70) if window else end]
    verb = _VERB.search(behind)
    return _sex_word(folded, end, end + (verb.start() if verb else len(behind)))


def _sex_word(folded: str, start: int, end: int) -> tuple[int, int, str] | None:
    w = _lists()
    male, female = w.male.search(folded, start, end), w.female.search(folded, start, end)
    first = min((m for m in (male, female) if m), key=lambda m: m.start(), default=None)
    if first is None:
        return None
    return first.start(), first.end(), "male" if first is male else "female"


# -- sex -----------------------------------------------------------------------------------------------------------
def _sex(note: NoteText, ages: list[_Age]) -> tuple[int, int, str] | None:
    """Label, noun beside the age, title, noun of the patient, pronouns: the first kind there is, if it is of one mind."""
    for speak in (_labels, lambda _: [a.sex for a in ages if a.sex], _titles, _nouns):
        kind = speak(note)
        if kind:
            return kind[0] if len({sex for _, _, sex in kind}) == 1 else None
    return _pronouns(note)


def _labels(note: NoteText) -> list[tuple[int, int, str]]:
    folded = note.folded
    named = any(word in folded for word in ("sex", "gender", "geslacht", "geschlecht", "sesso"))
    patterns: tuple[re.Pattern[str], ...] = (_LABEL, _AGE_LABEL) if named else ()
    if not _BIRTH_WORDS.isdisjoint(note.vocabulary):
        patterns += (_BIRTH_SEX,)
    return [
        (m.start("sex"), m.end("sex"), "female" if _FEMALE.match(m["sex"]) else "male")
        for pattern in patterns
        for m in pattern.finditer(folded)
    ]


def _titles(note: NoteText) -> list[tuple[int, int, str]]:
    text = note.text
    if _TITLE_WORDS.isdisjoint(note.vocabulary):
        return []
    return [
        (m.start(), m.end(), "male" if m["male"] or m["male2"] else "female")
        for m in _TITLE.finditer(text)
        if not _SALUTATION.search(text, max(0, m.start() - 24), m.start())
    ]


def _nouns(note: NoteText) -> list[tuple[int, int, str]]:
    folded = note.folded
    if _PLAIN_NOUNS.isdisjoint(note.vocabulary):
        return []
    return [
        (m.start("noun"), m.end("noun"), "female" if m["noun"] in ("female", "woman", "lady") else "male")
        for m in _PLAIN_NOUN.finditer(folded)
        if not _lists().relatives.search(folded, max(0, m.start() - 30), min(len(folded), m.end() + 20))
    ]


def _pronouns(note: NoteText) -> tuple[int, int, str] | None:
    """The first pronoun, if nearly all pronouns outside sentences on relatives agree."""
    folded, w = note.folded, _lists()
    one_sex = any(pronouns.isdisjoint(note.vocabulary) for pronouns in _PRONOUNS)
    first: dict[str, tuple[int, int, str]] = {}
    count = {"male": 0, "female": 0}
    end, relative = -1, False
    for match in _PRONOUN.finditer(folded):
        if match.start() >= end:
            sentence = note.sentence_at(match.start())
            end = sentence.end
            relative = sentence.section == "family_history" or bool(w.relatives.search(folded, sentence.start, end))
        if relative:
            continue
        sex = match.lastgroup or ""
        count[sex] += 1
        first.setdefault(sex, (match.start(), match.end(), sex))
        if one_sex:
            break
    if not first:
        return None
    best = max(count, key=lambda sex: count[sex])
    other = "female" if best == "male" else "male"
    return first[best] if count[best] >= 5 * count[other] and count[best] > count[other] else None
