"""Batches through the model: what all prompts begin with is computed once for all of them.

A system message that all chats share is most of their tokens. Its keys and values are computed for one row, and
repeated for the others; gradients go back through them, so that loss and gradients are those of whole rows. Only the
positions of answers reach the output layer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.causal.chats import Tokens, shared_prefix

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# A shorter beginning isn't worth a pass of its own.
_LEAST_SHARED = 8


def loss_of(model: "PreTrainedModel", batch: Sequence[Tokens], *, share: bool = True) -> "torch.Tensor":
    """Compute the loss on the answers of some chats.

    share (bool): Whether what all prompts begin with is computed once.
    RETURNS (torch.Tensor): The mean over the answers' tokens.
    """
    import torch
    import torch.nn.functional as F

    shared = shared_prefix(batch) if share else 0
    shared = shared if shared >= _LEAST_SHARED and len(batch) > 1 else 0
    rows = [(*chat.prompt[shared:], *chat.answer) for chat in batch]
    longest = max(map(len, rows))
    device = model.get_input_embeddings().weight.device
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), shared + longest, dtype=torch.long)
    mask[:, :shared] = 1
    # The token before each of the answer's predicts it.
    learnt = torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, (row, chat) in enumerate(zip(rows, batch, strict=True)):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, shared : shared + len(row)] = 1
        learnt[i, len(row) - len(chat.answer) - 1 : len(row) - 1] = True
    targets = torch.tensor([token for chat in batch for token in chat.answer], device=device)
    ids, mask, learnt = ids.to(device), mask.to(device), learnt.to(device)
    positions = torch.arange(shared, shared + longest, device=device).expand(len(rows), -1)
    given: dict[str, Any] = {"attention_mask": mask, "position_ids": positions, "use_cache": bool(shared)}
    if shared:
        given["past_key_values"] = _prefix(model, batch[0].prompt[:shared], len(rows), device)
    with _only_at(model, learnt):
        logits = model(input_ids=ids, **given).logits
    return F.cross_entropy(logits.float(), targets)


def _prefix(model: "PreTrainedModel", prefix: Sequence[int], rows: int, device: "torch.device") -> Any:
    """RETURNS (DynamicCache): The keys and values of a beginning, for each row."""
    import torch

    ids = torch.tensor([prefix], device=device)
    with _only_at(model, torch.zeros_like(ids, dtype=torch.bool)):
        cache = model(input_ids=ids, past_key_values=_new_cache(), use_cache=True).past_key_values
    cache.batch_repeat_interleave(rows)
    return cache


def _new_cache() -> Any:
    """RETURNS (DynamicCache): Keys and values of nothing yet: some classes have none of their own, or of another
    kind."""
    from transformers import DynamicCache

    return DynamicCache()


@contextmanager
def _only_at(model: "PreTrainedModel", chosen: "torch.Tensor") -> Iterator[None]:
    """Let only the chosen positions through the output layer; logits then have the shape (positions, tokens)."""

    # In two dimensions: of what has three and isn't contiguous torch makes batches, and copies the layer's weights.
    def choose(_: Any, inputs: tuple["torch.Tensor", ...]) -> tuple["torch.Tensor", ...]:
        return (inputs[0][chosen], *inputs[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        handle.remove()


def reply_ids(
    model: "PreTrainedModel", prompts: Sequence[Tokens], *, max_new_tokens: int, end: int
) -> list[list[int]]:
    """Decode greedily, all prompts at once.

    end (int): The token that ends a reply.
    RETURNS (list[list[int]]): What is written after each prompt, without the end; cut at `max_new_tokens`.
    """
    import torch

    shared = shared_prefix(prompts)
    shared = shared if shared >= _LEAST_SHARED and len(prompts) > 1 else 0
    rows = [prompt.prompt[shared:] for prompt in prompts]
    longest = max(map(len, rows))
    device = model.get_input_embeddings().weight.device
    # Padded on the left, so that all rows go on at the same place.
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), shared + longest, dtype=torch.long)
    mask[:, :shared] = 1
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :] = torch.tensor(row)
        mask[i, shared + longest - len(row) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]
    found: list[list[int]] = [[] for _ in rows]
    going = list(range(len(rows)))
    cache = _prefix(model, prompts[0].prompt[:shared], len(rows), device) if shared else _new_cache()
    for _ in range(max_new_tokens):
        is_last = torch.zeros_like(ids, dtype=torch.bool)
        is_last[:, -1] = True
        with _only_at(model, is_last):
            out = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
        cache = out.past_key_values
        chosen = out.logits.argmax(-1)
        kept = []
        for i, token in enumerate(chosen.tolist()):
            if token != end:
                found[going[i]].append(token)
                kept.append(i)
        if not kept:
            break
        # Rows that have ended cost nothing more.
        if len(kept) < len(going):
            index = torch.tensor(kept, device=device)
            cache.batch_select_indices(index)
            chosen, mask, positions = chosen[index], mask[index], positions[index]
            going = [going[i] for i in kept]
        ids = chosen[:, None]
        mask = torch.cat([mask, mask.new_ones(len(going), 1)], dim=1)
        positions = positions[:, -1:] + 1
    return found
