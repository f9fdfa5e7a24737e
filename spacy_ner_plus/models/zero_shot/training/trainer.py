"""A GLiNER model that learns: which prompts a batch is asked for, the gradient, and steps."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from thinc.api import Optimizer
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.encoders.pretrained import freeze_layers
from spacy_ner_plus.models.training.optimizer import make_adamw, take_step
from spacy_ner_plus.models.zero_shot.gliner_model import GLiNERModel, quiet_gliner
from spacy_ner_plus.models.zero_shot.prompts import Prompt, Prompts
from spacy_ner_plus.models.zero_shot.reading import Layout, batch_windows
from spacy_ner_plus.models.zero_shot.span_model import SpanModel
from spacy_ner_plus.models.zero_shot.training.gold_windows import GoldText, GoldWindow, gold_windows
from spacy_ner_plus.models.zero_shot.training.loss import gold_loss, rehearsal_loss
from spacy_ner_plus.models.zero_shot.training.targets import Column, make_targets

# Where attention of transformers keeps the rate that it hands to torch.
_ATTENTION_RATES = ("dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Curriculum:
    """What is learnt.

    prompts (Prompts): What the component asks for.
    labels (Sequence[str]): The entity label of each; several may have one.
    rehearsed (Prompts): Prompts beside them whose scores shouldn't change.
    rehearsal (float): How much what gold says nothing of counts; 0 for not at all.
    most (int): Most prompts at once.
    """

    prompts: Prompts
    labels: Sequence[str]
    rehearsed: Prompts
    rehearsal: float
    most: int


class ZeroShotTrainer:
    """Trains a model of gliner.

    model (SpanModel): The model.
    trained (str): 'all' of it, or its 'heads', without encoders.
    frozen_layers (int): How many of the encoder's lowest layers, with its embeddings, are not trained.
    head_rate_factor (float): Learning rate of the heads, as a multiple of the encoders'.
    teacher (SpanModel | None): The model as it was, where it is rehearsed.
    RAISES (UserError): Where the model is of gliner2, or has fewer layers.
    """

    def __init__(
        self,
        model: SpanModel,
        name: str,
        *,
        trained: Literal["heads", "all"],
        frozen_layers: int,
        head_rate_factor: float,
        teacher: SpanModel | None,
    ):
        if not isinstance(model, GLiNERModel):
            raise UserError(Errors.E640.format(name=name))
        self._model = model
        self._teacher = teacher
        model.network.requires_grad_(True)
        encoders = model.encoders
        if trained == "heads":
            for encoder in encoders:
                encoder.requires_grad_(False)
        else:
            freeze_layers(model.encoder, frozen_layers)
        in_encoders = {id(weight) for encoder in encoders for weight in encoder.parameters()}
        heads = [weight for weight in model.network.parameters() if id(weight) not in in_encoders]
        self._optimizer = make_adamw(model.network, [(head_rate_factor, heads)])
        # Layers that the config switches off stay off.
        self._dropouts = [
            (module, rate)
            for module in model.network.modules()
            for rate in (("p",) if isinstance(module, nn.Dropout) else _ATTENTION_RATES)
            if isinstance(getattr(module, rate, None), float) and getattr(module, rate) > 0
        ]

    def learn(
        self,
        texts: Sequence[GoldText],
        curriculum: Curriculum,
        layout: Layout,
        drop: float,
    ) -> float:
        """Add to the gradient.

        drop (float): The share that dropout layers drop.
        RETURNS (float): The loss, summed over windows, spans and prompts.
        """
        model = self._model
        columns = self._choose(texts, curriculum)
        if not columns:
            return 0.0
        prompts = tuple(column.prompt for column in columns)
        fixed, sizes = model.prompt_sizes(prompts)
        windowing = replace(layout.windowing, pieces=max(model.limit - fixed - sum(sizes), 1))
        windows = gold_windows(model, texts, windowing)
        beside = sum(len(prompt.name.split()) + 1 for prompt in prompts) if model.reads_prompts else 0
        total = 0.0
        network = model.network
        network.train()
        for layer, rate in self._dropouts:
            setattr(layer, rate, drop)
        try:
            for batch in batch_windows(windows, layout.batch_words, beside):
                loss = self._loss(batch, columns, curriculum.rehearsal)
                if loss.requires_grad:
                    loss.backward()
                total += loss.item()
        finally:
            network.eval()
        return total

    def step(self, optimizer: Optimizer) -> bool:
        """Take a step with the gradient that was gathered.

        RETURNS (bool): Whether there was one.
        """
        network = self._model.network
        if not any(weight.grad is not None for weight in network.parameters()):
            return False
        take_step(self._optimizer, optimizer, network)
        return True

    def _choose(self, texts: Sequence[GoldText], curriculum: Curriculum) -> list[Column]:
        """The prompts of a batch: of labels that are in it, and of others, drawn at random, in random order: negatives,
        without which all that looks like an entity would be one of those that are asked for."""
        by_label: dict[str, list[Prompt]] = {}
        for prompt, label in zip(curriculum.prompts, curriculum.labels, strict=True):
            by_label.setdefault(label, []).append(prompt)
        present = {span.label for text in texts for span in text.spans} & set(by_label)
        rehearses = self._teacher is not None and curriculum.rehearsal > 0
        others = [
            label
            for label in by_label
            if label not in present
            and (rehearses or any(text.labels is None or label in text.labels for text in texts))
        ]
        found = [Column(random.choice(by_label[label]), label) for label in sorted(present)]
        more = [Column(random.choice(by_label[label]), label) for label in others]
        if rehearses:
            more += [Column(prompt, None) for prompt in curriculum.rehearsed]
        random.shuffle(found)
        random.shuffle(more)
        chosen = list(self._fitting([*found, *more][: max(curriculum.most, 1)]))
        random.shuffle(chosen)
        return chosen

    def _fitting(self, columns: Sequence[Column]) -> Iterator[Column]:
        """YIELDS (Column): As many as leave a text half of what the model reads at once, and one at least."""
        if not columns:
            return
        fixed, sizes = self._model.prompt_sizes(tuple(column.prompt for column in columns))
        room = self._model.limit // 2 - fixed
        for i, (column, size) in enumerate(zip(columns, sizes, strict=True)):
            room -= size
            if i and room < 0:
                return
            yield column

    def _loss(
        self, windows: Sequence[GoldWindow], columns: Sequence[Column], rehearsal: float
    ) -> torch.Tensor:
        inputs = [window.window for window in windows]
        with quiet_gliner():
            logits = self._model.logits(inputs, tuple(column.prompt for column in columns))
        widths = None if self._model.widest is None else range(1, len(logits) + 1)
        device = logits[0].device
        targets = [
            type(target)(*(tensor.to(device) for tensor in target))
            for target in make_targets(windows, columns, widths)
        ]
        loss = sum(
            (gold_loss(*pair) for pair in zip(logits, targets, strict=True)), torch.zeros((), device=device)
        )
        if self._teacher is not None and rehearsal > 0:
            # The earlier model is asked only what it is to be remembered for: it doesn't know the other prompts.
            kept = [i for i in range(len(columns)) if any(bool(t.unasked[:, :, i].any()) for t in targets)]
            if kept:
                prompts = tuple(columns[i].prompt for i in kept)
                with torch.no_grad(), quiet_gliner():
                    taught = self._teacher.logits(inputs, prompts)
                for mine, other, target in zip(logits, taught, targets, strict=True):
                    part = type(target)(
                        *(tensor[:, :, kept] for tensor in (target.wanted, target.known, target.unasked))
                    )
                    loss = loss + rehearsal * rehearsal_loss(mine[:, :, kept], other, part)
        return loss
