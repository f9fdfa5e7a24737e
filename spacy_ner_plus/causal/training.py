"""The loop: batches, steps, dev scores, checkpoints."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.causal.batches import epoch_batches
from spacy_ner_plus.causal.chats import Tokens, without_thought
from spacy_ner_plus.causal.checkpoint import State, load_checkpoint, save_checkpoint
from spacy_ner_plus.causal.passes import loss_of, reply_ids
from spacy_ner_plus.causal.precision import Precision
from spacy_ner_plus.causal.settings import FinetuneSettings
from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# How many replies are decoded at once.
_DECODED = 32
# Wraps what is worked on, with what is done and how many there are.
Progress = Callable[[Iterable[Any], str, int | None], Iterable[Any]]


@dataclass(frozen=True)
class Dev:
    """Texts of which the right answers are known.

    prompts (Sequence[Tokens | None]): What is asked; None for what is too long to be.
    score (Callable[[list[str | None]], float]): How good the replies are, the more the better; None where none was
        asked for.
    metric (str): What the score is.
    """

    prompts: Sequence[Tokens | None]
    score: Callable[[list[str | None]], float]
    metric: str


@dataclass(frozen=True)
class Trainer:
    """What is trained, and how.

    model (PreTrainedModel): With an adapter in it, or with weights that are trained themselves.
    trained (dict[str, torch.nn.Parameter]): The weights that are trained, by name.
    precision (str): 'fp32' or 'bf16', of products.
    longest_reply (int): Tokens at most, where dev replies are decoded.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    trained: "dict[str, torch.nn.Parameter]"
    settings: FinetuneSettings
    precision: Precision
    longest_reply: int

    def train(
        self, chats: Sequence[Tokens], folder: Path, state: State, *, dev: Dev | None, progress: Progress
    ) -> State:
        """Train. The weights are then the best ones.

        folder (Path): Where checkpoints are written.
        state (State): How far the run is: of its checkpoint, if steps are done.
        RETURNS (State): What was done.
        RAISES (UserError): Where the loss is no number any more, or a checkpoint can't be read or written.
        """
        import torch

        settings = self.settings
        weights = list(self.trained.values())
        optimizer = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=settings.weight_decay)
        best = load_checkpoint(folder, self.trained, optimizer) if state.step else {}
        steps = math.ceil(len(chats) / settings.batch_size)
        saved = monotonic()
        # A run may have been cut after an epoch's last step, before it was over.
        for epoch in range(len(state.losses), settings.epochs):
            if settings.patience and state.since_best() >= settings.patience:
                break
            batches = epoch_batches(chats, settings.batch_size, seed=settings.seed, epoch=epoch)
            begin = monotonic()
            left = batches[state.step - epoch * steps :]
            metric = "" if dev is None else dev.metric
            for batch in progress(left, self._heading(state, epoch, steps, metric), len(left)):
                loss = self._step(batch, optimizer, state.step, steps * settings.epochs)
                state.step += 1
                state.sums = state.sums[0] + loss, state.sums[1] + 1
                state.seconds += monotonic() - begin
                begin = monotonic()
                if begin - saved > settings.checkpoint_seconds:
                    save_checkpoint(folder, state, self.trained, optimizer, best)
                    saved = monotonic()
            state.losses.append(state.sums[0] / state.sums[1])
            state.sums = 0.0, 0
            if dev is not None and (
                (epoch + 1) % settings.evaluate_every == 0 or epoch + 1 == settings.epochs
            ):
                score = self._score(dev, progress)
                state.scores.append((epoch + 1, score))
                if state.best == (epoch + 1, score):
                    best = {name: weight.detach().clone() for name, weight in self.trained.items()}
            save_checkpoint(folder, state, self.trained, optimizer, best)
            saved = monotonic()
        with torch.no_grad():
            for name, weight in best.items():
                self.trained[name].copy_(weight)
        return state

    def _score(self, dev: Dev, progress: Progress) -> float:
        replies = iter(self.replies([prompt for prompt in dev.prompts if prompt is not None], progress))
        return dev.score([None if prompt is None else next(replies) for prompt in dev.prompts])

    def _heading(self, state: State, epoch: int, steps: int, metric: str) -> str:
        parts = [f"Epoch {epoch + 1} of {self.settings.epochs}"]
        if state.losses:
            parts.append(f"loss {state.losses[-1]:.3f}")
        if state.scores:
            parts.append(f"dev {metric} {state.scores[-1][1]:.3f}")
        if state.step:
            minutes = state.seconds / state.step * (steps * self.settings.epochs - state.step) / 60
            parts.append(f"{minutes:,.0f} min left at most")
        return ", ".join(parts)

    def _step(
        self, batch: Sequence[Tokens], optimizer: "torch.optim.Optimizer", step: int, steps: int
    ) -> float:
        import torch

        settings = self.settings
        # So that a run that goes on drops what one that wasn't cut drops.
        torch.manual_seed(settings.seed * 1_000_003 + step)
        self.model.train()
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * _share(step, steps, settings.warmup)
        size = math.ceil(len(batch) / settings.accumulate)
        answers = sum(len(chat.answer) for chat in batch)
        total = 0.0
        for start in range(0, len(batch), size):
            part = batch[start : start + size]
            with self._autocast():
                # Checkpointing computes layers anew, for which no keys and values can be kept.
                loss = loss_of(self.model, part, share=not settings.gradient_checkpointing)
            # Each token of the step counts the same, whatever part it is in.
            loss = loss * (sum(len(chat.answer) for chat in part) / answers)
            loss.backward()
            total += float(loss.detach())
        if not math.isfinite(total):
            raise UserError(Errors.E908.format(step=step + 1, rate=settings.rate))
        torch.nn.utils.clip_grad_norm_(list(self.trained.values()), settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return total

    def replies(self, prompts: Sequence[Tokens], progress: Progress) -> list[str]:
        """RETURNS (list[str]): What the model answers to each prompt, in order."""
        import torch

        self.model.eval()
        found: dict[int, str] = {}
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        groups = [order[start : start + _DECODED] for start in range(0, len(order), _DECODED)]
        for group in progress(groups, "Answering dev texts", len(groups)):
            with torch.inference_mode(), self._autocast():
                ids = reply_ids(
                    self.model,
                    [prompts[i] for i in group],
                    max_new_tokens=self.longest_reply,
                    end=self.tokenizer.eos_token_id,
                )
            for i, reply in zip(group, ids, strict=True):
                found[i] = without_thought(self.tokenizer.decode(reply, skip_special_tokens=True))
        return [found[i] for i in range(len(prompts))]

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        import torch

        kind = self.model.get_input_embeddings().weight.device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.precision == "bf16"):
            yield


def _share(step: int, steps: int, warmup: float) -> float:
    """RETURNS (float): The part of the highest rate that a step, from 0, has."""
    rising = max(warmup * steps, 1)
    if step + 1 < rising:
        return (step + 1) / rising
    return (steps - step) / max(steps - rising + 1, 1)
