"""The medspaCy pipeline: ``extractor.load()`` gives a spaCy ``Language`` whose documents carry their facts.

Batch work reads raw text and builds no document; this pipeline shows the same reading as medspaCy objects, for
notebooks, for the review and for whoever wants to add components of their own: sentences and sections of notes, the
targets of the pattern files, ConText with our complete rule set and its graph, and ``doc._.facts``. A test runs both ways
over all corpora and asks for the same facts.

This is the only module that imports medspacy. Importing it silences all warnings of the process and logs every token
through loguru; both are undone here, so that no note text can reach a log.
"""

# no `from __future__ import annotations`: spaCy reads the factories' annotations when they are registered
import datetime
import os
import warnings
from typing import Any

import spacy
from loguru import logger
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..records import Fact, Note
from .assertion import cue_rules
from .engine import Engine
from .text import NoteText

logger.disable("PyRuSH")
with warnings.catch_warnings():
    import medspacy  # noqa: F401  (registers the extensions)
    from medspacy.context import ConText, ConTextRule
    from medspacy.context.context_graph import ConTextGraph
    from medspacy.context.context_modifier import ConTextModifier
    from medspacy.custom_tokenizer import create_medspacy_tokenizer
    from medspacy.section_detection.section import Section as MedspacySection

SPAN_GROUP = "medspacy_spans"
_DIRECTIONS = {"forward": "FORWARD", "backward": "BACKWARD", "both": "BIDIRECTIONAL", "pseudo": "PSEUDO"}
#: our category of a cue -> medspaCy's name, where medspaCy has one (it sets is_negated, is_uncertain ... from these)
CATEGORIES = {
    "absent": "NEGATED_EXISTENCE",
    "possible": "POSSIBLE_EXISTENCE",
    "hypothetical": "HYPOTHETICAL",
    "historical": "HISTORICAL",
    "family": "FAMILY",
}

for _name, _default in (("note", None), ("drafts", None), ("facts", None)):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=_default)


def context_rules() -> list[ConTextRule]:
    """Our complete ConText rule set as medspaCy rules; medspaCy's own defaults are never loaded."""
    rules = []
    for name, direction, phrases in cue_rules():
        category = CATEGORIES.get(name, name.upper())
        rules += [ConTextRule(phrase, category, direction=_DIRECTIONS[direction]) for phrase in phrases]
    return rules


def _span(doc: Doc, start: int, end: int) -> Span:
    """The tokens that hold a stretch of the text that is not empty."""
    found = doc.char_span(start, end, alignment_mode="expand")
    assert found is not None
    return found


class NoteConText(ConText):
    """medspaCy's ConText with our rules and our scopes: a cue reaches as far as its clause.

    Rules, modifiers, graph and span attributes are medspaCy's; which modifier reaches which target is decided by
    ``Assertor``, the one engine that batch work uses too.
    """

    def __init__(self, nlp: Language, name: str, engine: Engine) -> None:
        super().__init__(nlp, name, rules=None, input_span_type="group", span_group_name=SPAN_GROUP)
        self.engine = engine
        self.add(context_rules())
        self._by_key = {(rule.category, rule.literal.lower()): rule for rule in self.rules}

    def __call__(self, doc: Doc, targets: Any = None) -> Doc:
        view: NoteText = doc._.note
        spans = list(doc.spans.get(SPAN_GROUP, ()))
        modifiers: dict[tuple[str, int, int], ConTextModifier] = {}
        edges = []
        for span, draft in zip(spans, doc._.drafts, strict=True):
            anchor = draft.anchor or (draft.start, draft.end)
            sentence = view.sentence_at(anchor[0])
            [found] = self.engine.assertor.resolve(
                view, sentence.start, sentence.end, [anchor], section=sentence.section
            )
            for cue in found.cues:
                modifier = modifiers.get(cue)
                if modifier is None:
                    modifier = modifiers[cue] = self._modifier(doc, cue[0], view.place(cue[1]), view.place(cue[2]))
                edges.append((span, modifier))
                span._.modifiers += (modifier,)
        graph = ConTextGraph(targets=spans, modifiers=list(modifiers.values()), edges=edges)
        self.set_context_attributes(edges)
        doc._.context_graph = graph
        return doc

    def _modifier(self, doc: Doc, category: str, start: int, end: int) -> ConTextModifier:
        name = CATEGORIES.get(category, category.upper())
        cue = _span(doc, start, max(end, start + 1))
        words = doc.text[start:end].lower()
        rule = self._by_key.get((name, words)) or ConTextRule(words or category, name)
        return ConTextModifier(rule, cue.start, cue.end, doc)


class NoteComponent:
    """Sentences, sections and targets of a note (assigns ``doc.sents``, ``doc._.sections``, ``doc.spans``)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __call__(self, doc: Doc) -> Doc:
        note_date = doc.user_data.get("note_date")
        view = self.engine.text(doc.text, note_date, doc.user_data.get("note_type", ""))
        doc._.note = view
        starts = {view.place(start) for start, _ in view.sentences}
        begins = sorted(starts)
        at = 0
        for token in doc:
            starts_here = at < len(begins) and token.idx + len(token.text) > begins[at] and not token.is_space
            token.is_sent_start = token.i == 0 or starts_here
            while at < len(begins) and token.idx + len(token.text) > begins[at]:
                at += 1
        doc._.sections = [self._section(doc, view, section) for section in view.sections]
        drafts = self.engine.drafts(view)
        spans = []
        for draft in drafts:
            anchor = draft.anchor or (draft.start, draft.end)
            begin, end = map(view.place, anchor)
            found = doc.char_span(begin, end, label=draft.concept, alignment_mode="expand")
            spans.append(found if found is not None else Span(doc, 0, 1, label=draft.concept))
        doc._.drafts = drafts
        doc.spans[SPAN_GROUP] = spans
        return doc

    @staticmethod
    def _section(doc: Doc, view: NoteText, section: Any) -> MedspacySection:
        place = view.place
        heading_end = section.start + len(section.heading)
        title = _span(doc, place(section.start), place(heading_end))
        body_start = place(section.body)
        body = doc.char_span(body_start, max(place(section.end), body_start + 1), alignment_mode="expand")
        begin, end = (body.start, body.end) if body is not None else (title.end, title.end)
        return MedspacySection(section.name, title.start, title.end, begin, end)


class FactComponent:
    """Completes the targets to facts (requires ``extractor_note``, assigns ``doc._.facts``)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __call__(self, doc: Doc) -> Doc:
        note = Note(
            str(doc.user_data.get("patient_id", "")),
            str(doc.user_data.get("note_id", "")),
            doc.user_data.get("note_date"),
            doc.user_data.get("note_type", ""),
            doc.text,
        )
        doc._.facts = self.engine.complete(note, doc._.note, doc._.drafts)
        return doc


@Language.factory("extractor_note", default_config={"date_order": "auto", "overlay": None})
def _note_factory(nlp: Language, name: str, date_order: str, overlay: str | None) -> NoteComponent:
    return NoteComponent(Engine(date_order=date_order, overlay=overlay))


def _engine_of(nlp: Language) -> Engine:
    component = nlp.get_pipe("extractor_note")
    assert isinstance(component, NoteComponent)
    return component.engine


@Language.factory("extractor_context")
def _context_factory(nlp: Language, name: str):
    return NoteConText(nlp, name, _engine_of(nlp))


@Language.factory("extractor_facts")
def _facts_factory(nlp: Language, name: str):
    return FactComponent(_engine_of(nlp))


def load(*, date_order: str = "auto", overlay: str | os.PathLike[str] | None = None) -> Language:
    """The medspaCy pipeline. ``nlp(text)._.facts`` are the facts of a text; ``nlp(text)._.context_graph`` their cues.

    For a note with its date use ``read(nlp, note)``.
    """
    nlp = spacy.blank("en")
    nlp.max_length = 20_000_000
    nlp.tokenizer = create_medspacy_tokenizer(nlp)
    nlp.add_pipe(
        "extractor_note", config={"date_order": date_order, "overlay": os.fspath(overlay) if overlay else None}
    )
    nlp.add_pipe("extractor_context")
    nlp.add_pipe("extractor_facts")
    return nlp


def read(nlp: Language, note: Note) -> Doc:
    """A note as a document: its date, type and identity reach the facts."""
    doc = nlp.make_doc(note.text)
    doc.user_data["patient_id"], doc.user_data["note_id"] = note.patient_id, note.note_id
    doc.user_data["note_date"], doc.user_data["note_type"] = note.note_date, note.note_type
    return nlp(doc)


def facts_of(nlp: Language, text: str, note_date: datetime.date | None = None) -> list[Fact]:
    """Facts of a bare text."""
    return list(read(nlp, Note("", "", note_date, "", text))._.facts)
