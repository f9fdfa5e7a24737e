"""GLiNER on the same encoder, trained from its configuration as its documentation says.

https://github.com/urchade/GLiNER, docs/training.md ("Using Configuration Files"):
span_mode markerV0, max_width 12, max_len 384, max_types 25, dropout 0.4; 10,000 steps of 8
sentences, AdamW at 1e-5 for the encoder and 5e-5 for the rest, weight decay 0.01, cosine
schedule with warm-up 0.1, gradient clipped at 1.0, no focal loss, all negatives. Each sentence
names all labels (`ner_labels`), which that page recommends for a fixed label set. There is
no pretrained GLiNER of this encoder, so fine-tuning one isn't compared. On a CPU
the recipe takes more than an hour, and the limit cuts it. GLiNER computes no dev F1 in
training, hence there is no curve.

Raw text is cut by the rule-based sentencizer into sentences of at most 120 words, as
those of the training data; the threshold is GLiNER's 0.5. Words of gold take the place
of its own word splitter.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gliner import GLiNER, GLiNERConfig
from spacy.tokens import Doc
from transformers import set_seed

from peers import Entity
from peers.clock import Clock
from peers.hf_trainer import QUIET, ClockCallback, words_seen
from peers.sentences import Sentence, gather, labels_of, make_sentencizer, shifted, to_sentences
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.spans import TokenSpan

SOURCE = "GLiNER, docs/training.md"
MODEL = {"span_mode": "markerV0", "max_width": 12, "max_len": 384, "max_types": 25, "dropout": 0.4}
RECIPE = {
    "max_steps": 10000,
    "per_device_train_batch_size": 8,
    "learning_rate": 1e-5,
    "others_lr": 5e-5,
    "weight_decay": 0.01,
    "others_weight_decay": 0.01,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.1,
    "max_grad_norm": 1.0,
    "focal_loss_alpha": -1.0,
    "focal_loss_gamma": 0.0,
    "loss_reduction": "sum",
    "negatives": 1.0,
    "masking": "none",
}
BATCH_SIZES = (8, 16, 32)
LABELS = "labels.txt"


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
) -> dict[str, Any]:
    """Train from the configuration."""
    from gliner.training import Trainer

    labels = labels_of(train_docs)
    clock = Clock(limits)
    set_seed(seed)
    config = GLiNERConfig(model_name=encoder_path_v1(), hidden_size=384, num_rnn_layers=0, **MODEL)
    model = GLiNER.from_config(config, backbone_from_pretrained=True, local_files_only=True)
    sentences = to_sentences(train_docs)
    recipe = {**RECIPE, "max_steps": max(RECIPE["max_steps"], min_steps)}
    settings = model.create_training_args(
        output_dir=str(folder / "work"), seed=seed, remove_unused_columns=False, **recipe, **QUIET
    )
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=[_example(sentence, labels) for sentence in sentences],
        data_collator=model._create_data_collator(),
        processing_class=model.data_processor.transformer_tokenizer,
        callbacks=[ClockCallback(clock)],
    )
    trainer.train()
    clock.end()
    model.save_pretrained(folder, safe_serialization=True)
    (folder / LABELS).write_text("\n".join(labels), encoding="utf8")
    seen = words_seen(trainer, sum(len(sentence.words) for sentence in sentences))
    return {**clock.report(), "words_seen": seen, "recipe": {**MODEL, **recipe}, "source": SOURCE}


def load(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the model for raw text."""
    model, labels = _load_model(folder)
    nlp = make_sentencizer()

    def predict(texts: list[str], batch_size: int | None = None) -> list[list[Entity]]:
        sents = [(number, sent) for number, doc in enumerate(nlp.pipe(texts)) for sent in doc.sents]
        results = model.inference(
            [sent.text for _, sent in sents], labels, batch_size=batch_size or BATCH_SIZES[0]
        )
        entities: list[list[Entity]] = [[] for _ in texts]
        for (number, sent), found in zip(sents, results, strict=True):
            entities[number] += shifted(sent, ((ent["start"], ent["end"], ent["label"]) for ent in found))
        return entities

    return predict


def load_for_tokens(folder: Path) -> Callable[..., list[list[Entity]]]:
    """Load the model for gold words and sentences."""
    model, labels = _load_model(folder)
    model.data_processor.words_splitter = _gold_words

    def predict(docs: list[Doc], batch_size: int | None = None) -> list[list[Entity]]:
        sentences = to_sentences(docs)
        results = model.inference(
            [_Words.of(sentence.words) for sentence in sentences],
            labels,
            batch_size=batch_size or BATCH_SIZES[0],
        )
        spans = [
            [_by_word(sentence, ent) for ent in found]
            for sentence, found in zip(sentences, results, strict=True)
        ]
        return gather(sentences, spans, len(docs))

    return predict


class _Words(str):
    """A text that knows its words, so that no splitter changes them."""

    words: list[str]

    @classmethod
    def of(cls, words: list[str]) -> "_Words":
        text = cls(" ".join(words))
        text.words = words
        return text


def _gold_words(text: str) -> Iterator[tuple[str, int, int]]:
    begin = 0
    for word in text.words:
        yield word, begin, begin + len(word)
        begin += len(word) + 1


def _by_word(sentence: Sentence, ent: dict[str, Any]) -> TokenSpan:
    begins = [begin for _, begin, _ in _gold_words(_Words.of(sentence.words))]
    first = begins.index(ent["start"])
    last = max(i for i, begin in enumerate(begins) if begin < ent["end"])
    return TokenSpan(first, last + 1, ent["label"])


def _load_model(folder: Path) -> tuple[GLiNER, list[str]]:
    model = GLiNER.from_pretrained(str(folder), local_files_only=True)
    return model, (folder / LABELS).read_text(encoding="utf8").splitlines()


def _example(sentence: Sentence, labels: list[str]) -> dict[str, Any]:
    return {
        "tokenized_text": sentence.words,
        "ner": [[start, end - 1, label] for start, end, label in sentence.spans],
        "ner_labels": labels,
    }
