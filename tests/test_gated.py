"""A gate never changes what an expression finds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.gated import AnyOf, Gated, needed

EXPRESSIONS = (
    r"\b(?:stopp(?:ed|ing)|held) (?:on|in)\b",
    r"(?:ab|cd)+e?",
    r"x?(?:foo|bar|b)(?=z)",
    r"a(?:b|c)d|aef",
    r"(?:no|not)\W+(?:\w+\W+)?$",
    r"(a)\1b",
    r"[ab]cd?e",
    r"(?i:ab)c|(?:dd){2}",
    r"(?<=b)c(?!d)",
    r"a{0,2}bc{1,3}",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(text=st.text(alphabet="abcdefoxz nothld\n", max_size=24))
@settings(max_examples=300, deadline=None)
def test_a_gate_finds_what_the_expression_finds(expression, text):
    gated, plain = Gated(expression), re.compile(expression)
    assert [m.span() for m in gated.finditer(text)] == [m.span() for m in plain.finditer(text)]
    found, expected = gated.search(text), plain.search(text)
    assert (found and found.span()) == (expected and expected.span())
    assert AnyOf([expression]).search(text) == (expected is not None)


def test_literals_are_read_from_the_expression():
    assert needed(r"\b(?:stopp(?:ed|ing)|held) (?:on|in)\b") == {"stopp", "held"}
    assert needed(r"(?:reconcil\w*|verified with)\b") == {"reconcil", "verified with"}
    assert needed(r"\d+ ?(?:mg)?") == frozenset()
    assert needed("abc", re.IGNORECASE) == frozenset()


def test_an_empty_list_matches_nothing_and_an_ungated_one_everything_it_should():
    assert not AnyOf([]).search("abc")
    assert AnyOf([r"\d", "held"]).search("grade 3")
    assert not AnyOf([r"\d", "held"]).search("none")
