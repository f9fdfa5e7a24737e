"""A pipeline as an annotator: what it says of each text, by characters, whatever its tokens are."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import INSIDE, UNALIGNED_ATTR, WITHIN_TOKENS
from spacy_ner_plus.annotation.distil.pipeline_tags import pipeline_tags
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.failures import find_failure, is_answered
from spacy_ner_plus.evaluation.predictions import pipe_in_order
from spacy_ner_plus.pipeline.entity_vote.policies import UNKNOWN_PRECISION
from spacy_ner_plus.pipeline.structured_llm_ner.records.doc_extensions import register_extensions
from spacy_ner_plus.soft_tags import SoftTags, pack, token_bounds, unpack
from spacy_ner_plus.spans import span_scores

CHANGED = "the pipeline changes the text"
SILENT = "no component says anything about entities, not even that there are none"


@runtime_checkable
class GivesSoftTags(Protocol):
    """A component that writes how probable each tag is, beside the entities under its key in doc.spans."""

    soft_temperature: float | None

    @property
    def spans_key(self) -> str: ...


@dataclass(frozen=True)
class TextAnswer:
    """What an annotator says of a text.

    spans (list[list]): Entities in order: start and end in characters, label, and score or None where the pipeline
        gives none.
    missing (list[list[int]]): Stretches of which it says nothing, start and end in characters.
    failure (str): Why it says nothing of the text or a part of it; '' where it says something of all.
    soft (dict[str, Any] | None): How probable each tag is at each of its tokens, for `soft_tags`; None where it wasn't
        asked, or gives no more than spans.
    within (list[list]): What it named that none of its own spans can hold, such as a part of a word: start and end in
        characters, label.
    """

    spans: list[list[Any]]
    missing: list[list[int]]
    failure: str = ""
    soft: dict[str, Any] | None = None
    within: list[list[Any]] = field(default_factory=list)

    def soft_tags(self) -> tuple[SoftTags, np.ndarray] | None:
        """RETURNS (tuple[SoftTags, Ints2d] | None): How probable each tag is, and start and end in characters of the
        tokens that these are of."""
        if self.soft is None:
            return None
        bounds = np.array(self.soft["bounds"], dtype=np.int64).reshape(-1, 2)
        attrs = {
            name: b64decode(value) if isinstance(value, str) else value for name, value in self.soft.items()
        }
        return unpack(attrs), bounds


class Annotator:
    """A pipeline under the name by which its annotation is known.

    name (str): The name.
    nlp (Language): The pipeline.
    identity (str): A hash of all that its answers depend on beside the texts; '' where that can't be told, and
        nothing of it may be used again.
    batch_size (int | None): How many texts at once; None for the pipeline's own.
    soft_temperature (float | None): How soft are the tags that are asked for beside spans, where a component gives any;
        None where none are asked for.
    episode (str): That of all its texts, for components which draw what they ask once in an episode; '' for none.
    """

    def __init__(
        self,
        name: str,
        nlp: Language,
        identity: str = "",
        *,
        batch_size: int | None = None,
        soft_temperature: float | None = None,
        episode: str = "",
    ):
        self.name = name
        self.nlp = nlp
        self.identity = identity
        if identity and soft_temperature is not None:
            self.identity = f"{identity} soft {soft_temperature}"
        if identity and episode:
            self.identity = f"{self.identity} episode {episode}"
        self._episode = episode
        self._batch_size = batch_size
        self._soft_temperature = soft_temperature
        givers = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, GivesSoftTags)]
        # Of several, nothing says how they make one.
        giver = givers[0] if soft_temperature is not None and len(givers) == 1 else None
        self._giver = giver if giver is not None and self._can_be_read(giver) else None

    @property
    def gives_soft_tags(self) -> bool:
        """RETURNS (bool): Whether it is asked how probable each tag is; else its spans' scores say so."""
        return self._giver is not None

    def labels(self) -> frozenset[str] | None:
        """RETURNS (frozenset[str] | None): The labels that it looks for; None where a component doesn't say so."""
        known: set[str] = set()
        found = False
        for name in self.nlp.pipe_names:
            if not self._sets_ents(name):
                continue
            labels = self.nlp.pipe_labels.get(name)
            if not labels:
                return None
            known.update(labels)
            found = True
        return frozenset(known) if found else None

    def _sets_ents(self, name: str) -> bool:
        """RETURNS (bool): Whether a component says that it sets entities."""
        # A span ruler says so in its settings, and not in its meta.
        says_so = getattr(self.nlp.get_pipe(name), "annotate_ents", False)
        return says_so or "doc.ents" in self.nlp.get_pipe_meta(name).assigns

    def _can_be_read(self, giver: GivesSoftTags) -> bool:
        """RETURNS (bool): Whether it can be told, at the end of the pipeline, which tokens and which entities its soft
        tags are of: no later component merges tokens, and where it keeps no group of its entities, no other sets any,
        or may, as one that isn't spaCy's."""
        pipes = [pipe for _, pipe in self.nlp.pipeline]
        later = self.nlp.pipe_names[pipes.index(giver) + 1 :]
        if any(self.nlp.get_pipe_meta(name).retokenizes for name in later):
            return False
        return bool(giver.spans_key) or not any(
            self._sets_ents(name) or not str(getattr(pipe, "__module__", "")).startswith("spacy.")
            for name, pipe in self.nlp.pipeline
            if pipe is not giver
        )

    def annotate(self, texts: Sequence[SourceText]) -> Iterator[TextAnswer]:
        """Annotate texts; one on which the pipeline fails has no annotation, and says why.

        YIELDS (TextAnswer): One for each text, in order.
        RAISES (UserError): Where a setting is at fault, and with it every text would fail.
        """
        done = 0
        # The strings of a shard are forgotten with it.
        with self.nlp.memory_zone(), self._giving_soft_tags():
            try:
                for answer in self._pipe(texts):
                    yield answer
                    done += 1
            except UserError:
                raise
            except Exception:  # noqa: BLE001 - spaCy's `ner` and `parser` hand no Doc to an error handler
                for text in texts[done:]:
                    yield self._alone(text)

    def _pipe(self, texts: Sequence[SourceText]) -> Iterator[TextAnswer]:
        inputs = ((self._input(text), text) for text in texts)
        for doc, text, failure in pipe_in_order(self.nlp, inputs, batch_size=self._batch_size):
            yield no_answer(text, failure) if doc is None else self._read(doc, text)

    def _read(self, doc: Doc, text: SourceText) -> TextAnswer:
        answer = read_answer(doc, text)
        if self._giver is None or answer.missing == [[0, len(text.text)]]:
            return answer
        soft = pipeline_tags(doc, self._giver.spans_key, span_scores(doc))
        if soft is None:
            return answer
        packed = {
            name: b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in pack(soft).items()
        }
        return replace(answer, soft={"bounds": token_bounds(doc).tolist(), **packed})

    @contextmanager
    def _giving_soft_tags(self) -> Iterator[None]:
        """Have the component write soft tags meanwhile, also where it belongs to a pipeline of somebody else's."""
        if self._giver is None:
            yield
            return
        before = self._giver.soft_temperature
        self._giver.soft_temperature = self._soft_temperature
        try:
            yield
        finally:
            self._giver.soft_temperature = before

    def _alone(self, text: SourceText) -> TextAnswer:
        try:
            return next(self._pipe([text]))
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are annotated
            return no_answer(text, f"{type(error).__name__}: {error}")

    def _input(self, text: SourceText) -> str | Doc:
        # The pipeline's own tokens are what it was made for; only where nobody knows the white space the source's.
        if text.knows_spaces and (not self._episode or len(text.text) > self.nlp.max_length):
            return text.text
        doc = self.nlp.make_doc(text.text) if text.knows_spaces else text.doc(self.nlp.vocab)
        if self._episode:
            register_extensions()
            doc._.episode = self._episode
        return doc


def no_answer(text: SourceText, failure: str) -> TextAnswer:
    """RETURNS (TextAnswer): That nothing is said of a text, and why."""
    return TextAnswer([], [[0, len(text.text)]], failure)


def read_answer(doc: Doc, text: SourceText) -> TextAnswer:
    """RETURNS (TextAnswer): What an annotated Doc says of a text."""
    if text.knows_spaces and doc.text != text.text:
        return no_answer(text, CHANGED)
    # Whatever says that there are no entities says so; a Doc that isn't touched isn't annotated.
    if not is_answered(doc):
        return no_answer(text, find_failure(doc) or SILENT)
    scores = span_scores(doc)
    spans = [
        [ent.start_char, ent.end_char, ent.label_, scores.get((ent.start, ent.end, ent.label))]
        for ent in doc.ents
    ]
    missing: list[list[int]] = []
    for token in doc:
        if token.ent_iob:
            continue
        if missing and missing[-1][1] >= token.idx - 1:
            missing[-1][1] = token.idx + len(token)
        else:
            missing.append([token.idx, token.idx + len(token)])
    return TextAnswer(spans, missing, find_failure(doc), within=_within_words(doc))


def _within_words(doc: Doc) -> list[list[Any]]:
    """Find where a Doc has mentions that a chat model named and that no span of whole tokens can hold.

    RETURNS (list[list]): Start and end in characters, and label: something may be there, so that it isn't O.
    """
    named = {
        (mention.strip(), label)
        for group in doc.spans.values()
        for mention, label, reason in group.attrs.get(UNALIGNED_ATTR, ())
        if reason in (INSIDE, WITHIN_TOKENS) and mention.strip()
    }
    return [
        [match.start(), match.end(), label]
        for mention, label in sorted(named)
        for match in re.finditer(re.escape(mention), doc.text)
    ]


def with_scores(answer: TextAnswer, scores: Mapping[str, float]) -> TextAnswer:
    """Give spans that have no score one.

    scores (Mapping[str, float]): By label; of others it is a half.
    """
    spans = [
        [start, end, label, scores.get(label, UNKNOWN_PRECISION) if score is None else score]
        for start, end, label, score in answer.spans
    ]
    return replace(answer, spans=spans)


def rename(answer: TextAnswer, new_label: Callable[[str], str | None]) -> TextAnswer:
    """Give spans other labels; those whose new one is None are O."""
    spans = [
        [start, end, new, score]
        for start, end, label, score in answer.spans
        if (new := new_label(label)) is not None
    ]
    within = [
        [start, end, new] for start, end, label in answer.within if (new := new_label(label)) is not None
    ]
    return replace(answer, spans=spans, within=within)
