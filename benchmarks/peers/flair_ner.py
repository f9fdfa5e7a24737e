"""Flair's SequenceTagger over TransformerWordEmbeddings, fine-tuned as its tutorial says.

https://flairnlp.github.io/docs/tutorial-training/how-to-train-sequence-tagger and the
defaults of ModelTrainer.fine_tune in Flair 0.15: last layer, first subtoken, no CRF, no RNN, no
reprojection, hidden size 256; 10 epochs, batches of 4, AdamW at 5e-5, linear with warm-up 0.1,
gradient clipped at 5.0, the last model is kept. The tutorial's 5e-6 is for XLM-R-large; with
`context` the embeddings see 64 words of the document on each side (FLERT, arXiv:2011.06993).
It evaluates after each epoch by itself.

Raw text is cut by Flair's own SegtokSentenceSplitter, as its tutorial on tagging says;
a long sentence is read in strides. Words of gold are given as lists. Context never crosses
a document's border here, in training as in prediction.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flair
from flair.data import Corpus
from flair.data import Sentence as FlairSentence
from flair.datasets import FlairDatapointDataset
from flair.embeddings import TransformerWordEmbeddings
from flair.models import SequenceTagger
from flair.splitter import SegtokSentenceSplitter
from flair.trainers import ModelTrainer
from flair.trainers.plugins.base import TrainerPlugin, TrainingInterrupt
from spacy.tokens import Doc

from peers import Entity
from peers.clock import Clock
from peers.length import raise_epochs
from peers.sentences import Sentence, gather, to_sentences
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.spans import TokenSpan

SOURCE = "Flair 0.15, tutorial 'Train a sequence tagger', defaults of ModelTrainer.fine_tune"
RECIPE = {"learning_rate": 5e-5, "mini_batch_size": 4, "max_epochs": 10, "warmup_fraction": 0.1}
BATCH_SIZES = (32, 8, 64)


class ClockPlugin(TrainerPlugin):
    """Time evaluations apart, count words, and stop the training at its limit."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock
        self.words_seen = 0

    @TrainerPlugin.hook
    def after_training_batch(self, batch=(), **kwargs):
        self.words_seen += sum(len(sentence) for sentence in batch)
        if self.clock.over():
            raise TrainingInterrupt("out of time")

    @TrainerPlugin.hook
    def after_training_epoch(self, **kwargs):
        self.clock.pause()

    @TrainerPlugin.hook
    def after_evaluation(self, validation_scores=(), **kwargs):
        self.clock.resume(validation_scores[0])


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
    context: bool = False,
) -> dict[str, Any]:
    """Fine-tune with the tutorial's recipe."""
    clock = Clock(limits)
    flair.set_seed(seed)
    sentences = to_sentences(train_docs)
    epochs = raise_epochs(RECIPE["max_epochs"], len(sentences), RECIPE["mini_batch_size"], min_steps)
    recipe = {**RECIPE, "max_epochs": epochs}
    corpus = Corpus(
        train=FlairDatapointDataset(_with_labels(sentences)),
        dev=FlairDatapointDataset(_with_labels(to_sentences(dev_docs))),
        sample_missing_splits=False,
    )
    embeddings = TransformerWordEmbeddings(
        model=encoder_path_v1(), layers="-1", subtoken_pooling="first", fine_tune=True, use_context=context
    )
    tagger = SequenceTagger(
        hidden_size=256,
        embeddings=embeddings,
        tag_dictionary=corpus.make_label_dictionary(label_type="ner", add_unk=False),
        tag_type="ner",
        use_crf=False,
        use_rnn=False,
        reproject_embeddings=False,
    )
    plugin = ClockPlugin(clock)
    ModelTrainer(tagger, corpus).fine_tune(
        folder / "work", plugins=[plugin], save_final_model=False, create_file_logs=False, **recipe
    )
    clock.end()
    tagger.save(folder / "final-model.pt")
    return {
        **clock.report(),
        "words_seen": plugin.words_seen,
        "recipe": {**recipe, "use_context": context},
        "source": SOURCE,
    }


def load(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the tagger for raw text."""
    tagger = SequenceTagger.load(folder / "final-model.pt")
    splitter = SegtokSentenceSplitter()

    def predict(texts: list[str], batch_size: int | None = None) -> list[list[Entity]]:
        documents = [splitter.split(text) for text in texts]
        for sentences in documents:
            FlairSentence.set_context_for_sentences(sentences)
        together = [sentence for sentences in documents for sentence in sentences]
        tagger.predict(together, mini_batch_size=batch_size or BATCH_SIZES[0])
        return [
            [
                (
                    sentence.start_position + span.start_position,
                    sentence.start_position + span.end_position,
                    span.get_label("ner").value,
                )
                for sentence in sentences
                for span in sentence.get_spans("ner")
            ]
            for sentences in documents
        ]

    return predict


def load_for_tokens(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the tagger for gold words and sentences."""
    tagger = SequenceTagger.load(folder / "final-model.pt")

    def predict(docs: list[Doc], batch_size: int | None = None) -> list[list[Entity]]:
        sentences = to_sentences(docs)
        flair_sentences = _in_context(sentences)
        tagger.predict(flair_sentences, mini_batch_size=batch_size or BATCH_SIZES[0])
        spans = [
            [
                TokenSpan(span.tokens[0].idx - 1, span.tokens[-1].idx, span.get_label("ner").value)
                for span in sentence.get_spans("ner")
            ]
            for sentence in flair_sentences
        ]
        return gather(sentences, spans, len(docs))

    return predict


def _in_context(sentences: Iterable[Sentence]) -> list[FlairSentence]:
    """Make Flair's sentences, each with its neighbours in the same document as context."""
    documents: dict[int, list[FlairSentence]] = {}
    for sentence in sentences:
        documents.setdefault(sentence.doc, []).append(FlairSentence(sentence.words))
    for document in documents.values():
        FlairSentence.set_context_for_sentences(document)
    return [sentence for document in documents.values() for sentence in document]


def _with_labels(sentences: list[Sentence]) -> list[FlairSentence]:
    flair_sentences = _in_context(sentences)
    for ours, theirs in zip(sentences, flair_sentences, strict=True):
        if len(ours.words) != len(theirs):
            raise ValueError(
                f"Flair made {len(theirs)} tokens of {len(ours.words)} words: {theirs.text[:80]}"
            )
        for start, end, label in ours.spans:
            theirs[start:end].add_label("ner", label)
    return flair_sentences
