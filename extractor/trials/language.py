"""Reads a rule ("platelets >= 100 10*9/L within 21 d and not state(recent_platelet_transfusion)") into nodes.

The grammar is ``rules.lark``; ``docs/trials.md`` is its manual. A rule that cannot be read is a ``TrialError`` that
names the file and the criterion, and points at the word.

>>> parse("not (ki67 > 20 % or true)")
Not(item=Any(items=(Compare(name='ki67', operator='>', value=20.0, unit='%', window=None, derived=False), Constant(truth=<Truth.T: 2>))))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from lark import Lark, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from extractor.errors import TrialError
from extractor.truth import Truth

#: unit of a multiple of the upper limit of normal, as in ``facts.parquet``
ULN = "{ULN}"

#: words of the grammar as a person reads them
_SAID = {
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "OPERATOR": "a comparison (< <= > >= ==)",
    "NUMBER": "a number",
    "NAME": "a name",
    "QUOTED": "a quoted name",
    "UNIT": "a unit",
    "PERIOD": "d, wk, mo or a",
    "REFERENCE": "the id of a criterion",
    "$END": "the end of the rule",
}


@dataclass(frozen=True)
class Window:
    """``within 21 d`` (0 to 21 days before the index date), ``within 6 mo`` (after index minus 6 calendar months)."""

    length: int
    period: str  # d, mo

    @property
    def days(self) -> int | None:
        return self.length if self.period == "d" else None

    @property
    def months(self) -> int | None:
        return self.length if self.period == "mo" else None

    def __str__(self) -> str:
        return f"{self.length} {'days' if self.period == 'd' else 'months'}"


@dataclass(frozen=True)
class Node:
    """Any part of a rule."""

    def children(self) -> Iterator[Node]:
        for item in fields(self):
            value = getattr(self, item.name)
            yield from (part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Node))

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True)
class Constant(Node):
    truth: Truth


@dataclass(frozen=True)
class All(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Any(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True)
class AtLeast(Node):
    number: int
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    item: Node


@dataclass(frozen=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Known(Node):
    """True where its rule has a definite answer, false where that is unknown."""

    item: Node


@dataclass(frozen=True)
class Reference(Node):
    """The sentence of another criterion or leaf."""

    id: str


@dataclass(frozen=True)
class Atom(Node):
    """A question to the facts of the patient."""


@dataclass(frozen=True)
class State(Atom):
    """A clinical state of the timeline by name; ``attest``: only a person can settle it."""

    name: str
    attest: bool = False


@dataclass(frozen=True)
class Compare(Atom):
    """A number against a threshold; unit ``{ULN}`` compares with a multiple of the upper limit of normal."""

    name: str
    operator: str
    value: float
    unit: str = ""
    window: Window | None = None
    derived: bool = False


@dataclass(frozen=True)
class Is(Atom):
    """A word of the patient (sex, cohort, the text of a finding) is one of these."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Present(Atom):
    """A finding or condition: the newest statement decides."""

    name: str
    text: str = ""
    window: Window | None = None


@dataclass(frozen=True)
class Event(Atom):
    """Something that happened: once is enough, and its date counts."""

    name: str
    text: str = ""
    window: Window | None = None


@dataclass(frozen=True)
class Received(Atom):
    """A drug, or a drug of a class, was given (planned and declined ones were not)."""

    name: str
    window: Window | None = None


class _Build(Transformer):
    def true(self, _):
        return Constant(Truth.T)

    def false(self, _):
        return Constant(Truth.F)

    def unknown(self, _):
        return Constant(Truth.U)

    def conjunction(self, items):
        return items[0] if len(items) == 1 else All(tuple(items))

    def disjunction(self, items):
        return items[0] if len(items) == 1 else Any(tuple(items))

    def negation(self, items):
        return Not(items[0])

    def conditional(self, items):
        return If(*items)

    def known(self, items):
        return Known(items[0])

    def at_least(self, items):
        return AtLeast(int(items[0]), tuple(items[1:]))

    def reference(self, items):
        return Reference(str(items[0]))

    def name(self, items):
        return str(items[0]).strip('"')

    def unit(self, items):
        return ULN if items[0] == "ULN" else str(items[0])

    def term(self, items):
        return tuple(items)

    def window(self, items):
        length, period = int(float(items[0])), str(items[1])
        if period in ("wk", "a"):
            length, period = (length * 7, "d") if period == "wk" else (length * 12, "mo")
        return Window(length, period)

    def state(self, items):
        return State(items[0])

    def attest(self, items):
        return State(items[0], attest=True)

    def present(self, items):
        return Present(*_term(items))

    def event(self, items):
        return Event(*_term(items))

    def received(self, items):
        return Received(items[0], items[1] if len(items) > 1 else None)

    def comparison(self, items):
        return _compare(items, derived=False)

    def derived(self, items):
        return _compare(items, derived=True)

    def at_uln(self, items):
        return _compare([items[0], items[1], "1", ULN, *items[2:]], derived=False)

    def is_one_of(self, items):
        return Is(items[0], tuple(items[1:]))


def _term(items: list) -> tuple[str, str, Window | None]:
    words = items[0]
    return words[0], words[1] if len(words) > 1 else "", items[1] if len(items) > 1 else None


def _compare(items: list, *, derived: bool) -> Compare:
    name, operator, value, *rest = items
    window = next((item for item in rest if isinstance(item, Window)), None)
    unit = next((item for item in rest if isinstance(item, str)), "")
    return Compare(name, str(operator), float(value), unit, window, derived)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = Path(__file__).with_name("rules.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


@lru_cache(maxsize=4096)
def parse(rule: str, where: str = "rule") -> Node:
    """The nodes of a rule; raises TrialError with a pointer at the word that does not fit.

    ``where`` names file, criterion and key for the message.
    """
    try:
        return _Build().transform(_parser().parse(rule))
    except UnexpectedEOF as error:
        raise TrialError(_pointed(rule, where, len(rule), error.expected)) from None
    except UnexpectedToken as error:
        position = len(rule) if error.token.type == "$END" else error.token.start_pos
        raise TrialError(_pointed(rule, where, position, error.expected)) from None
    except UnexpectedCharacters as error:
        raise TrialError(_pointed(rule, where, error.pos_in_stream or 0, error.allowed)) from None
    except UnexpectedInput as error:  # pragma: no cover - the three above are all that lark raises
        raise TrialError(_pointed(rule, where, error.pos_in_stream or 0, ())) from None


def _pointed(rule: str, where: str, position: int, expected) -> str:
    """The message of a rule that cannot be read: the line, a pointer and what would fit."""
    before = rule[:position]
    line = rule.split("\n")[before.count("\n")]
    column = position - (before.rfind("\n") + 1)
    word = rule[position:].split()[0] if rule[position:].split() else "the end of the rule"
    said = sorted({_SAID.get(str(name), str(name).lower()) for name in expected or () if str(name) != "WS"})
    allowed = f" expected {', '.join(said)}." if said else ""
    return f"{where}: cannot read {word!r} at column {column + 1};{allowed}\n  {line}\n  {' ' * column}^"


def atoms(node: Node) -> tuple[Atom, ...]:
    """All questions that a rule asks of the facts, in order, each once."""
    return tuple(dict.fromkeys(item for item in node.walk() if isinstance(item, Atom)))


def references(node: Node) -> tuple[str, ...]:
    """Ids of the criteria that a rule refers to."""
    return tuple(dict.fromkeys(item.id for item in node.walk() if isinstance(item, Reference)))


__all__ = ["ULN", "Window", "atoms", "parse", "references"]
