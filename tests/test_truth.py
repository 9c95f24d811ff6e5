"""Kleene's tables, whole."""

from __future__ import annotations

import itertools

import pytest

from extractor.truth import Truth, all_of, any_of, if_else, negate

F, U, T = Truth.F, Truth.U, Truth.T
ALL = {
    (F, F): F, (F, U): F, (F, T): F,
    (U, F): F, (U, U): U, (U, T): U,
    (T, F): F, (T, U): U, (T, T): T,
}  # fmt: skip
ANY = {
    (F, F): F, (F, U): U, (F, T): T,
    (U, F): U, (U, U): U, (U, T): T,
    (T, F): T, (T, U): T, (T, T): T,
}  # fmt: skip
IF = {
    (T, a, b): a for a, b in itertools.product(Truth, Truth)
} | {(F, a, b): b for a, b in itertools.product(Truth, Truth)} | {
    (U, F, F): F, (U, F, U): U, (U, F, T): U,
    (U, U, F): U, (U, U, U): U, (U, U, T): U,
    (U, T, F): U, (U, T, U): U, (U, T, T): T,
}  # fmt: skip


def name(pair) -> str:
    return "".join(item.name for item in pair)


@pytest.mark.parametrize("pair", ALL, ids=name)
def test_all(pair):
    assert all_of(pair) is ALL[pair]


@pytest.mark.parametrize("pair", ANY, ids=name)
def test_any(pair):
    assert any_of(pair) is ANY[pair]


@pytest.mark.parametrize("value, opposite", [(F, T), (U, U), (T, F)], ids=["F", "U", "T"])
def test_not(value, opposite):
    assert negate(value) is opposite


@pytest.mark.parametrize("parts", IF, ids=name)
def test_if(parts):
    assert if_else(*parts) is IF[parts]


def test_tables_are_whole():
    assert (len(ALL), len(ANY), len(IF)) == (9, 9, 27)


def test_empty():
    assert all_of([]) is T
    assert any_of([]) is F


@pytest.mark.parametrize("value", list(Truth), ids=lambda v: v.name)
def test_a_truth_is_no_bool(value):
    with pytest.raises(TypeError):
        bool(value)


@pytest.mark.parametrize("pair", ALL, ids=name)
def test_de_morgan(pair):
    assert negate(all_of(pair)) is any_of([negate(item) for item in pair])
