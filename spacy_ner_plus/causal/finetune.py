"""Fine-tuning: chats and a base in, a folder with an adapter or a model out."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spacy_ner_plus.causal.base import Base, check_method, read_base
from spacy_ner_plus.causal.chats import Chat, Tokens, encode_chats, encode_prompt
from spacy_ner_plus.causal.checkpoint import NAME as CHECKPOINT
from spacy_ner_plus.causal.checkpoint import State
from spacy_ner_plus.causal.model import prepare
from spacy_ner_plus.causal.output import write_output
from spacy_ner_plus.causal.precision import choose_precision
from spacy_ner_plus.causal.settings import FinetuneSettings
from spacy_ner_plus.causal.training import Dev, Progress, Trainer
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

# Longer chats are rare, and take memory by their square.
_LONGEST = 4096
# Dev replies may be so many times as long as the longest answer that is learnt.
_LONGER = 1.25
# They change nothing about what is learnt.
_WITHOUT_EFFECT = ("checkpoint_seconds",)


@dataclass(frozen=True)
class DevChats:
    """Questions whose right answers are known.

    chats (Sequence[Chat]): Messages up to the question.
    score (Callable[[list[str]], float]): How good the model's replies are, the more the better.
    """

    chats: Sequence[Chat]
    score: Callable[[list[str]], float]


@dataclass(frozen=True)
class Finetuned:
    """What came of fine-tuning.

    folder (Path): The output.
    examples (int): How many chats were learnt from.
    trained (int): How many weights were trained.
    total (int): How many weights the model has.
    precision (str): 'fp32' or 'bf16', of products.
    state (State): Steps, seconds, losses and dev scores.
    left_out (IssueLog): Chats that were left out.
    """

    folder: Path
    examples: int
    trained: int
    total: int
    precision: str
    state: State
    left_out: IssueLog = field(default_factory=IssueLog)


def pass_through(items: Iterable[Any], description: str, total: int | None = None, /) -> Iterable[Any]:
    """Show nothing of how far it is."""
    return items


def finetune(
    chats: Sequence[Chat],
    base: str | Path,
    output: Path,
    settings: FinetuneSettings,
    *,
    dev: DevChats | None = None,
    merge: bool = False,
    chat_template: str | None = None,
    facts: dict[str, Any] | None = None,
    files: dict[str, str] | None = None,
    progress: Progress = pass_through,
) -> Finetuned:
    """Fine-tune a chat model on a CPU or a GPU.

    A run that was cut goes on from its last checkpoint when it is called in the same way again.

    chats (Sequence[Chat]): Messages with `role` and `content`; the last of each is the answer to learn.
    base (str | Path): A folder as transformers saves it, a .gguf file, or a name on the hub.
    output (Path): A new folder.
    dev (DevChats | None): After each epoch it is answered; the weights with the best score are kept.
    merge (bool): Whether the base with its adapter in it is written, too, into 'merged'.
    chat_template (str | None): In Jinja, in place of the base's own.
    facts (dict[str, Any] | None): What training.json says besides.
    files (dict[str, str] | None): Texts to be written beside the weights, by name.
    progress (Progress): Wraps batches.
    RETURNS (Finetuned): What was done.
    RAISES (UserError): Where something can't be read or written, or there is nothing to learn from.
    """
    import torch

    output = Path(output)
    check_output(output)
    check_method(settings.method)
    left_out = IssueLog()
    given = read_base(base, chat_template=chat_template, four_bits=settings.method == "qlora")
    tokens = encode_chats(given.tokenizer, chats, max_length=_max_length(given, settings), left_out=left_out)
    asked = [encode_prompt(given.tokenizer, messages) for messages in dev.chats] if dev else []
    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = choose_precision(settings.precision, device)
    wrapped, trained = prepare(given, settings, precision, device)
    longest = settings.max_new_tokens or round(_LONGER * max(len(chat.answer) for chat in tokens)) + 1
    trainer = Trainer(given.model, given.tokenizer, trained, settings, precision, longest)
    state = trainer.train(
        tokens,
        output,
        _fingerprint(given, tokens, asked, settings),
        dev=Dev(asked, dev.score) if dev else None,
        progress=progress,
    )
    done = Finetuned(
        output,
        examples=len(tokens),
        trained=sum(weight.numel() for weight in trained.values()),
        total=sum(weight.numel() for weight in given.model.parameters()),
        precision=precision,
        state=state,
        left_out=left_out,
    )
    write_output(
        output, given, wrapped, training(done, given, settings, facts or {}), files or {}, merge=merge
    )
    return done


def check_output(output: Path) -> None:
    """RAISES (UserError): Where there is more in the folder than a run that was cut leaves."""
    if not output.exists():
        return
    found = [path.name for path in output.iterdir()] if output.is_dir() else [output.name]
    if any(name != CHECKPOINT and not name.endswith(".part") for name in found):
        raise UserError(Errors.E535.format(path=output))


def training(
    done: Finetuned, base: Base, settings: FinetuneSettings, facts: dict[str, Any]
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What training.json holds."""
    best = done.state.best
    return {
        "base": {"name": base.name, "sha256": base.sha256},
        **facts,
        "settings": asdict(settings),
        "examples": done.examples,
        "left_out": {kind: issue.count for kind, issue in done.left_out},
        "trained_parameters": done.trained,
        "parameters": done.total,
        "precision": done.precision,
        "steps": done.state.step,
        "seconds": round(done.state.seconds, 1),
        "losses": [round(loss, 4) for loss in done.state.losses],
        "dev_f1": [{"epoch": epoch, "f1": round(score, 4)} for epoch, score in done.state.scores],
        "best_dev_f1": None if best is None else round(best[1], 4),
    }


def _max_length(base: Base, settings: FinetuneSettings) -> int:
    context = getattr(base.model.config, "max_position_embeddings", None) or _LONGEST
    return min(settings.max_length or _LONGEST, context)


def _fingerprint(
    base: Base, chats: Sequence[Tokens], asked: Sequence[Tokens], settings: FinetuneSettings
) -> str:
    own = {key: value for key, value in asdict(settings).items() if key not in _WITHOUT_EFFECT}
    rows = [[chat.prompt, chat.answer] for chat in (*chats, *asked)]
    text = json.dumps([base.name, base.sha256, own, rows])
    return hashlib.sha256(text.encode()).hexdigest()
