"""SpanMarker, trained as its README says, on sentences or with their documents around them.

README of SpanMarker 1.8.1: model_max_length 256, marker_max_length 128,
entity_max_length 8, 3 epochs, batches of 32 (in parts, for memory), AdamW at 5e-5, weight decay 0.01,
warm-up 0.1, bf16 where the hardware has it; the last model is kept. With `context`
the data get `document_id` and `sentence_id`, and model_max_length is as long as the encoder
allows, as in training_scripts/conllpp_context.py of its repository (512 there, whose other
settings are for XLM-R-large; 510 here, since SpanMarker counts positions from 2). The README
evaluates every 3,000 steps, which a small corpus never reaches, by a script that is fetched
from the hub; here dev is predicted and scored after each epoch, for the curve, and timed apart.

Raw text goes through its spaCy component, as its documentation says, over the
rule-based sentencizer; a sentence over 120 words is cut, since what is beyond
model_max_length would be dropped without a word. Words of gold are given as lists.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from scoring import score
from spacy.tokens import Doc
from span_marker import SpanMarkerModel, Trainer
from transformers import TrainingArguments, set_seed

from peers import Entity
from peers.clock import Clock
from peers.hf_trainer import QUIET, ClockCallback, words_seen
from peers.length import raise_epochs
from peers.sentences import Sentence, doc_entities, gather, iob2, labels_of, make_sentencizer, to_sentences
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.spans import TokenSpan

SOURCE = "README of span_marker 1.8.1; training_scripts/conllpp_context.py for document context"
RECIPE = {
    "learning_rate": 5e-5,
    "num_train_epochs": 3,
    "weight_decay": 0.01,
    "warmup_ratio": 0.1,
}
# Batches of 32, taken in parts: whole ones would hold 10 GB, and 20 GB with context.
PARTS = {False: 8, True: 4}
BATCH = 32
MARKERS = {"marker_max_length": 128, "entity_max_length": 8}
BATCH_SIZES = (4, 16, 32)


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
    context: bool = False,
) -> dict[str, Any]:
    """Train with the README's recipe."""
    tags = iob2(labels_of(train_docs))
    bf16 = _computes_bf16()
    parts = {
        "per_device_train_batch_size": PARTS[context],
        "gradient_accumulation_steps": BATCH // PARTS[context],
    }
    sentences = to_sentences(train_docs)
    length = {"num_train_epochs": raise_epochs(RECIPE["num_train_epochs"], len(sentences), BATCH, min_steps)}
    recipe = {
        **RECIPE,
        **length,
        **parts,
        **MARKERS,
        "model_max_length": 510 if context else 256,
        "bf16": bf16,
    }
    clock = Clock(limits)
    set_seed(seed)
    model = SpanMarkerModel.from_pretrained(
        encoder_path_v1(), labels=tags, model_max_length=recipe["model_max_length"], **MARKERS
    )
    predictor = _for_tokens(model)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            str(folder / "work"),
            seed=seed,
            bf16=bf16,
            # Without this the Trainer refuses bf16 on a CPU that has it.
            use_cpu=not torch.cuda.is_available(),
            **{**RECIPE, **length},
            **parts,
            **QUIET,
        ),
        train_dataset=_dataset(sentences, tags, context),
        callbacks=[ClockCallback(clock, evaluate=lambda: score(dev_docs, predictor(dev_docs))["f1"])],
    )
    trainer.train()
    clock.end()
    model.save_pretrained(folder)
    seen = words_seen(trainer, sum(len(sentence.words) for sentence in sentences))
    return {**clock.report(), "words_seen": seen, "recipe": recipe, "source": SOURCE}


def load(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load its spaCy component for raw text."""
    nlp = make_sentencizer()
    component = nlp.add_pipe("span_marker", config={"model": str(folder)})

    def predict(texts: list[str], batch_size: int | None = None) -> list[list[Entity]]:
        component.batch_size = batch_size or BATCH_SIZES[0]
        return [doc_entities(doc) for doc in nlp.pipe(texts)]

    return predict


def load_for_tokens(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the model for gold words and sentences."""
    return _for_tokens(SpanMarkerModel.from_pretrained(str(folder)))


def _for_tokens(model: SpanMarkerModel) -> Callable[..., list[list[Entity]]]:
    def predict(docs: list[Doc], batch_size: int | None = None) -> list[list[Entity]]:
        sentences = to_sentences(docs)
        # A data set even without context: a list of one-word sentences would be taken for words.
        data = {"tokens": [sentence.words for sentence in sentences]}
        if model.config.trained_with_document_context:
            data["document_id"] = [sentence.doc for sentence in sentences]
            data["sentence_id"] = [sentence.number for sentence in sentences]
        found = model.predict(Dataset.from_dict(data), batch_size=batch_size or BATCH_SIZES[-1])
        spans = [
            [TokenSpan(ent["word_start_index"], ent["word_end_index"], ent["label"]) for ent in ents]
            for ents in found
        ]
        return gather(sentences, spans, len(docs))

    return predict


def _computes_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    flags = Path("/proc/cpuinfo")
    return flags.exists() and re.search(r"\b(avx512_bf16|amx_bf16)\b", flags.read_text()) is not None


def _dataset(sentences: list[Sentence], tags: list[str], context: bool) -> Dataset:
    numbers = {tag: i for i, tag in enumerate(tags)}
    data = {
        "tokens": [sentence.words for sentence in sentences],
        "ner_tags": [[numbers.get(tag, 0) for tag in sentence.tags] for sentence in sentences],
    }
    features = {"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=tags))}
    if context:
        data["document_id"] = [sentence.doc for sentence in sentences]
        data["sentence_id"] = [sentence.number for sentence in sentences]
        features |= {"document_id": Value("int64"), "sentence_id": Value("int64")}
    return Dataset.from_dict(data, features=Features(features))
