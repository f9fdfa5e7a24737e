"""AutoModelForTokenClassification, the Trainer and the pipeline, as in the example run_ner.py.

https://github.com/huggingface/transformers/tree/main/examples/pytorch/token-classification
(README: BERT on CoNLL-2003 with the script's defaults): sentences given as words,
labels at a word's first wordpiece, 3 epochs, batches of 8, AdamW at 5e-5 that
falls linearly without warm-up, no weight decay, fp32, the last model is kept.
An evaluation after each epoch is added, for the curve, and timed apart.

Raw text goes to `pipeline("token-classification")` whole, with the `stride` that
its documentation asks for where a text is longer than the model (512 wordpieces).
Its aggregation strategy is the best of four on dev, chosen after the training.
Words of gold are read as run_ner.py evaluates them: sentences, first wordpieces.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from scoring import score
from seqeval.metrics import f1_score
from spacy.tokens import Doc
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    pipeline,
    set_seed,
)

from peers import Entity
from peers.clock import Clock
from peers.hf_trainer import QUIET, ClockCallback, words_seen
from peers.length import raise_epochs
from peers.sentences import Sentence, gather, iob2, labels_of, to_sentences
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.spans import tags_to_spans

SOURCE = "transformers, examples/pytorch/token-classification/run_ner.py"
RECIPE = {"learning_rate": 5e-5, "per_device_train_batch_size": 8, "num_train_epochs": 3}
BATCH_SIZES = (1, 4, 8, 32)
STRATEGIES = ("first", "simple", "average", "max")
STRIDE = 128
IGNORED = -100


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
) -> dict[str, Any]:
    """Train with the example's recipe."""
    tags = iob2(labels_of(train_docs))
    clock = Clock(limits)
    set_seed(seed)
    path = encoder_path_v1()
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForTokenClassification.from_pretrained(
        path,
        num_labels=len(tags),
        id2label=dict(enumerate(tags)),
        label2id={tag: i for i, tag in enumerate(tags)},
    )
    sentences = to_sentences(train_docs)
    epochs = raise_epochs(
        RECIPE["num_train_epochs"], len(sentences), RECIPE["per_device_train_batch_size"], min_steps
    )
    recipe = {**RECIPE, "num_train_epochs": epochs}

    def evaluate(prediction) -> dict[str, float]:
        found, gold = prediction.predictions.argmax(-1), prediction.label_ids
        rows = [row != IGNORED for row in gold]
        return {
            "f1": f1_score(
                [[tags[tag] for tag in row[kept]] for row, kept in zip(gold, rows, strict=True)],
                [[tags[tag] for tag in row[kept]] for row, kept in zip(found, rows, strict=True)],
            )
        }

    trainer = Trainer(
        model,
        TrainingArguments(
            str(folder / "work"),
            seed=seed,
            eval_strategy="epoch",
            per_device_eval_batch_size=8,
            **recipe,
            **QUIET,
        ),
        train_dataset=_features(sentences, tokenizer, tags),
        eval_dataset=_features(to_sentences(dev_docs), tokenizer, tags),
        data_collator=DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
        compute_metrics=evaluate,
        callbacks=[ClockCallback(clock, "eval_f1")],
    )
    trainer.train()
    clock.end()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    strategy = _best_strategy(folder, dev_docs)
    (folder / "pipeline.json").write_text(json.dumps({"aggregation_strategy": strategy}), encoding="utf8")
    seen = words_seen(trainer, sum(len(sentence.words) for sentence in sentences))
    return {
        **clock.report(),
        "words_seen": seen,
        "recipe": {**recipe, "aggregation_strategy": strategy, "stride": STRIDE},
        "source": SOURCE,
    }


def load(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the pipeline for raw text."""
    settings = json.loads((folder / "pipeline.json").read_text(encoding="utf8"))
    return _load_pipeline(folder, settings["aggregation_strategy"])


def load_for_tokens(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the model for gold words and sentences."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()

    def predict(docs: list[Doc], batch_size: int | None = None) -> list[list[Entity]]:
        sentences = to_sentences(docs)
        spans = []
        size = batch_size or BATCH_SIZES[-1]
        for begin in range(0, len(sentences), size):
            words = [sentence.words for sentence in sentences[begin : begin + size]]
            batch = tokenizer(
                words, is_split_into_words=True, truncation=True, padding=True, return_tensors="pt"
            )
            with torch.inference_mode():
                found = model(**batch).logits.argmax(-1).tolist()
            for row, row_words in enumerate(words):
                # A word beyond the model's 512 wordpieces stays O, as in the example.
                tags = ["O"] * len(row_words)
                for piece, word in reversed(list(enumerate(batch.word_ids(row)))):
                    if word is not None:
                        tags[word] = model.config.id2label[found[row][piece]]
                spans.append(tags_to_spans(tags))
        return gather(sentences, spans, len(docs))

    return predict


def _load_pipeline(folder: Path, strategy: str) -> Callable[..., list[list[Entity]]]:
    pipe = pipeline(
        "token-classification", model=str(folder), aggregation_strategy=strategy, stride=STRIDE, device="cpu"
    )

    def predict(texts: list[str], batch_size: int | None = None) -> list[list[Entity]]:
        results = pipe(list(texts), batch_size=batch_size or BATCH_SIZES[0])
        return [[(ent["start"], ent["end"], ent["entity_group"]) for ent in ents] for ents in results]

    return predict


def _best_strategy(folder: Path, dev_docs: list[Doc]) -> str:
    texts = [doc.text for doc in dev_docs]
    scores = {name: score(dev_docs, _load_pipeline(folder, name)(texts, 8))["f1"] for name in STRATEGIES}
    return max(STRATEGIES, key=lambda name: scores[name])


def _features(sentences: list[Sentence], tokenizer, tags: list[str]) -> list[dict[str, Any]]:
    numbers = {tag: i for i, tag in enumerate(tags)}
    # tokenizer.json of this encoder asks for padding to 128; the example pads in the collator.
    encoded = tokenizer(
        [sentence.words for sentence in sentences], is_split_into_words=True, truncation=True, padding=False
    )
    features = []
    for row, sentence in enumerate(sentences):
        labels, last = [], None
        for word in encoded.word_ids(row):
            first = word is not None and word != last
            labels.append(numbers.get(sentence.tags[word], 0) if first else IGNORED)
            last = word
        features.append(
            {
                "input_ids": encoded["input_ids"][row],
                "attention_mask": encoded["attention_mask"][row],
                "labels": labels,
            }
        )
    return features
