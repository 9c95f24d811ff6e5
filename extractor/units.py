"""Units as charts write them: spellings to UCUM, and conversion between UCUM codes.

``parse`` knows a table of spellings (``patterns/units.toml``) and a small grammar around it. What it does not know it
refuses: no guess is ever made. ``convert`` works within a dimension, and between mass and substance for the analytes
whose molar mass the table holds.
"""

from __future__ import annotations

import re
from functools import lru_cache

from . import patterns

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−‐‑–", "0123456789-----")
_NEGATIVE = re.compile(r"^(.*?)[.·⋅•* ]?\b([muμnd]?l|mm|cm|min|kg|h)\s?\^?-\s?([13])(?=$|[ .·])(.*)$")
_POWER = re.compile(r"^[x×*·]?\s*10(?!00)\s*(?:[*^]{1,2}|x|'|e\+?|exp|\()?\s*(\d{1,2})\)?\s*(?:(cells?|copies)\s*)?(?=/|$)")
_PREFIXES = {"": 1.0, "k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
#: unit without prefix -> (factor, dimension)
_BASES = {
    "g": (1.0, "mass"), "mol": (1.0, "substance"), "eq": (1.0, "charge"), "L": (1.0, "volume"), "U": (1.0, "catalytic"),
    "[IU]": (1.0, "international"), "kat": (6e7, "catalytic"), "m": (1.0, "length"), "osm": (1.0, "osmoles"),
    "[arb'U]": (1.0, "arbitrary"), "s": (1.0, "time"), "Gy": (1.0, "dose"), "Pa": (1.0, "pressure"),
}  # fmt: skip
_ATOMS = {
    "%": (1e-2, "1"), "1": (1.0, "1"), "ug%": (1e-5, "mass/volume"), "mg%": (1e-2, "mass/volume"), "g%": (10.0, "mass/volume"),
    "mm3": (1e-6, "volume"), "cm3": (1e-3, "volume"), "um3": (1e-15, "volume"), "m2": (1.0, "area"), "mm2": (1e-6, "area"), "2mm2": (2e-6, "area"),
    "{1.73_m2}": (1.0, "standard surface"), "min": (60.0, "time"), "h": (3600.0, "time"), "d": (86400.0, "time"), "(24.h)": (86400.0, "time"),
    "wk": (604800.0, "time"), "mo": (2629800.0, "time"), "a": (31557600.0, "time"), "{copies}": (1.0, "copies"), "{cells}": (1.0, "1"),
    "{score}": (1.0, "score"), "{class}": (1.0, "class"), "{ULN}": (1.0, "ULN"), "{AUC}": (1.0, "AUC"), "[HPF]": (1.0, "field"), "10[HPF]": (10.0, "field"),
    "[LPF]": (1.0, "low power field"), "[lb_av]": (453.59237, "mass"), "[oz_av]": (28.349523, "mass"), "[in_i]": (0.0254, "length"),
    "[ft_i]": (0.3048, "length"), "mm[Hg]": (133.322, "pressure"), "deg": (1.0, "angle"),
    "{Log_IU}": (1.0, "log international"), "{Log_copies}": (1.0, "log copies"),
}  # fmt: skip


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, str]]:
    return patterns.table("units")


@lru_cache(maxsize=4096)
def parse(raw: str | None) -> str | None:
    """UCUM code of a unit as written, or None; never a guess.

    >>> parse("K/uL"), parse("x 10^9/L"), parse("G/L"), parse("g/L"), parse("bananas")
    ('10*3/uL', '10*9/L', '10*9/L', 'g/L', None)
    """
    if not raw or not raw.strip():
        return None
    tables = _tables()
    text = raw.strip().translate(_SUPERSCRIPTS).replace("µ", "u").replace("μ", "u").replace("⁄", "/").replace("º", "°").replace("×", "x").replace("∕", "/")
    text = re.sub(r"\s+", " ", text).strip(".,;: ")
    exact = tables["exact"].get(text.replace(" ", ""))
    if exact or text.replace(" ", "") in tables["refused"]:
        return exact
    low = _stroked(text.lower().replace("²", "2").replace("³", "3").replace("mm^3", "mm3"))
    whole = tables["spelled"].get(low)
    if whole:
        return whole
    if re.fullmatch(r"auc\s*\d(?:\.\d)?", low):
        return "{AUC}"
    power = _POWER.match(low)
    if power and power.end() == len(low):
        return f"10*{int(power.group(1))}" if int(power.group(1)) >= 2 else None
    if power:
        per = _per(low[power.end() :])
        return f"10*{int(power.group(1))}/{per}" if per and int(power.group(1)) in (3, 6, 9, 12) else None
    split = re.fullmatch(r"(?:x\s*)?([^/]*?)\s*(?:/|\bper\b)\s*(.+)", low)
    if not split:
        return _alone(text, low)
    amount_word, per = split.group(1).strip(), _per("/" + split.group(2))
    if per is None:
        return None
    if amount_word in ("", "#", "no", "cells per"):
        return f"/{per}"
    if amount_word == "m" and per not in ("uL", "mm3"):
        return None
    if amount_word == "mm" and per not in ("L",):
        return None
    amount = tables["amount"].get(amount_word.replace(" ", ""))
    if amount is None:
        return None
    return f"{amount}/{per}"


def _stroked(low: str) -> str:
    """Products with negative powers as fractions: mmol.l-1 is mmol/l, mm-3 is /mm3, ml min-1 1.73 m-2 is ml/min/1.73m2."""
    match = _NEGATIVE.match(low) if "-" in low else None
    if match is None:
        return low
    below = match[2] + ("3" if match[3] == "3" else "")
    surface = "/1.73m2" if re.fullmatch(r"[ .·]?1[.,]73\s?m\s?-2", match[4]) else match[4].strip()
    return f"{match[1].strip()}/{below}{surface}"


def _per(text: str) -> str | None:
    word = text.strip().lstrip("/").strip()
    table = _tables()["per"]
    return table.get(word) or table.get(word.replace(" ", ""))


def _alone(text: str, low: str) -> str | None:
    """An amount without a denominator: mg, mmol, IU."""
    if low in ("m", "e", "k", "th", "mm", "l", "gr", "mil"):
        return "L" if low == "l" else None
    return _tables()["amount"].get(low)


def canonical(concept: str) -> str | None:
    """The unit in which a concept's value is kept, as a UCUM code."""
    return _tables()["canonical"].get(concept)


def convert(value: float, unit: str, to: str, concept: str | None = None) -> float:
    """``value`` of ``unit`` (UCUM or a spelling) in the unit ``to``; ``concept`` names the analyte for molar units.

    Raises ValueError where a unit is unknown or the dimensions differ.

    >>> convert(98000, "/mm3", "10*9/L", concept="platelets")
    98.0
    >>> round(convert(150, "umol/L", "mg/dL", concept="creatinine"), 2)
    1.7
    """
    if unit == to:
        return float(value)
    if {unit, to} & {"Cel", "[degF]"}:
        return _temperature(value, unit, to)
    factor, dimension = measure_of(unit)
    to_factor, to_dimension = measure_of(to)
    if dimension != to_dimension:
        factor = factor * _bridge(dimension, to_dimension, unit, to, concept)
    result = value * factor / to_factor
    return float(f"{result:.12g}")


def _temperature(value: float, unit: str, to: str) -> float:
    if unit == "[degF]" and to == "Cel":
        return round((value - 32) * 5 / 9, 4)
    if unit == "Cel" and to == "[degF]":
        return round(value * 9 / 5 + 32, 4)
    raise ValueError(f"cannot convert {unit} to {to}: a temperature converts to a temperature only")


@lru_cache(maxsize=1024)
def measure_of(unit: str) -> tuple[float, str]:
    """(factor to SI-like base, dimension) of a UCUM code; ValueError where it is unknown."""
    code = unit
    if code not in _ATOMS and not _known(code):
        parsed = parse(unit)
        if parsed is None:
            raise ValueError(f"unknown unit {unit!r}: expected a UCUM code or a spelling of patterns/units.toml")
        code = parsed
    return _measure(code)


def _known(code: str) -> bool:
    try:
        _measure(code)
    except ValueError:
        return False
    return True


def _measure(code: str) -> tuple[float, str]:
    if code in _ATOMS:
        return _ATOMS[code]
    top, _, rest = code.partition("/")
    factor, dimension = _atom(top) if top else (1.0, "1")
    names = [dimension]
    for part in rest.split("/") if rest else []:
        below, name = _atom(part)
        factor /= below
        names.append(name)
    return factor, "/".join(names)


def _atom(code: str) -> tuple[float, str]:
    if code in _ATOMS:
        return _ATOMS[code]
    if match := re.fullmatch(r"10\*(\d{1,2})", code):
        return 10.0 ** int(match.group(1)), "1"
    for prefix in ("", *[p for p in _PREFIXES if p]):
        base = code[len(prefix) :]
        if code.startswith(prefix) and base in _BASES:
            factor, dimension = _BASES[base]
            return factor * _PREFIXES[prefix], dimension
    raise ValueError(f"unknown unit {code!r}: expected a UCUM code or a spelling of patterns/units.toml")


def _bridge(dimension: str, to: str, unit: str, target: str, concept: str | None) -> float:
    """Factor between two dimensions that only the analyte connects."""
    tables = _tables()
    mass = tables["molar_mass"].get(concept or "")
    pair = (dimension, to)
    if mass and pair == ("substance/volume", "mass/volume"):
        return float(mass)
    if mass and pair == ("mass/volume", "substance/volume"):
        return 1 / float(mass)
    if pair in (("charge/volume", "substance/volume"), ("substance/volume", "charge/volume")) and concept in (
        "sodium",
        "potassium",
    ):
        return 1.0
    if pair == ("charge/volume", "mass/volume") and concept == "calcium" and mass:
        return float(mass) / 2
    units = {("international/volume", "catalytic/volume"), ("catalytic/volume", "international/volume")}
    if pair in units and (concept or "") in tables["activity"]["concepts"]:
        return 1.0
    if {dimension, to} == {"1/area", "1/field"} and concept == "mitotic_rate":
        return 2e-7 if dimension == "1/area" else 5e6  # WHO: 10 high-power fields of 0.2 mm2 are 2 mm2
    ratio = tables["international"].get(f"{concept} {'{copies}'}")
    if ratio and pair == ("copies/volume", "international/volume"):
        return float(ratio)
    raise ValueError(
        f"cannot convert {unit} to {target}: {dimension} is not {to}" + (f" ({concept})" if concept else "")
    )
