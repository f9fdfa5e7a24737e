"""Fine-tuning: chats and a base in, a folder with an adapter or a model out."""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spacy_ner_plus.causal.base import Base, check_method, read_base
from spacy_ner_plus.causal.chat_template import Chat
from spacy_ner_plus.causal.chats import Tokens, encode_chats, encode_prompts
from spacy_ner_plus.causal.checkpoint import NAME as CHECKPOINT
from spacy_ner_plus.causal.checkpoint import State, read_state
from spacy_ner_plus.causal.model import prepare
from spacy_ner_plus.causal.output import MERGED, TRAINING, write_output
from spacy_ner_plus.causal.precision import choose_precision
from spacy_ner_plus.causal.settings import FinetuneSettings
from spacy_ner_plus.causal.training import Dev, Progress, Trainer
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import PART, cant_write
from spacy_ner_plus.issues import IssueLog

# Longer chats are rare, and take memory by their square.
_LONGEST = 4096
# Dev replies may be so many times as long as the longest answer that is learnt.
_LONGER = 1.25
# They change nothing about what is learnt.
_WITHOUT_EFFECT = ("checkpoint_seconds",)
# In training.json: which run it was.
_RUN = "run"
DEV_TOO_LONG = "dev question with more tokens than fit: not asked, and not scored"


@dataclass(frozen=True)
class DevChats:
    """Questions whose right answers are known.

    chats (Sequence[Chat]): Messages up to the question.
    score (Callable[[list[str | None]], float]): How good the model's replies are, the more the better; None for
        questions that weren't asked.
    metric (str): What the score is called.
    """

    chats: Sequence[Chat]
    score: Callable[[list[str | None]], float]
    metric: str = "F1"


@dataclass(frozen=True)
class Finetuned:
    """What came of fine-tuning.

    folder (Path): The output.
    examples (int): How many chats were learnt from.
    trained (int): How many weights were trained.
    total (int): How many weights the model has.
    precision (str): 'fp32' or 'bf16', of products.
    state (State): Steps, seconds, losses and dev scores.
    metric (str): What the dev scores are; '' where there are none.
    facts (dict[str, Any]): What training.json says besides, such as the labels.
    left_out (IssueLog): Chats that were left out.
    is_new (bool): False where an earlier run had done the same, whose output is left as it is.
    """

    folder: Path
    examples: int
    trained: int
    total: int
    precision: str
    state: State
    metric: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    left_out: IssueLog = field(default_factory=IssueLog)
    is_new: bool = True


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
    files_of: Callable[[Base], dict[str, str]] | None = None,
    left_out: IssueLog | None = None,
    overwrite: bool = False,
    progress: Progress = pass_through,
) -> Finetuned:
    """Fine-tune a chat model on a CPU or a GPU.

    A run that was cut goes on from its last checkpoint when it is called in the same way again, and one that was
    finished is left as it is.

    chats (Sequence[Chat]): Messages with `role` and `content`; the last of each is the answer to learn.
    base (str | Path): A folder as transformers saves it, a .gguf file, or a name on the hub.
    output (Path): A new folder.
    dev (DevChats | None): After each epoch it is answered; the weights with the best score are kept.
    merge (bool): Whether the base with its adapter in it is written, too, into 'merged'.
    chat_template (str | None): In Jinja, in place of the base's own.
    facts (dict[str, Any] | None): What training.json says besides.
    files_of (Callable[[Base], dict[str, str]] | None): Makes texts to be written beside the weights, by name.
    left_out (IssueLog | None): What was left out before; what is left out here is added to it.
    overwrite (bool): Whether what another run has made in the folder gives way, once this one is finished.
    progress (Progress): Wraps batches.
    RETURNS (Finetuned): What was done.
    RAISES (UserError): Where something can't be read or written, there is nothing to learn from, or the folder holds
        something else.
    """
    import torch

    output = Path(output).resolve()
    check_output(output)
    check_method(settings.method)
    _remove_parts(output)
    left_out = IssueLog() if left_out is None else left_out
    given = read_base(base, chat_template=chat_template, four_bits=settings.method == "qlora")
    max_length = _max_length(given, settings)
    tokens = encode_chats(given.tokenizer, chats, max_length=max_length, left_out=left_out)
    asked = None if dev is None else _asked(given, dev, max_length, left_out)
    _check_tokens(given, [*tokens, *(prompt for prompt in asked or () if prompt is not None)])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    fingerprint = _fingerprint(given, chats, dev, settings)
    files = files_of(given) if files_of else {}
    finished = _read_finished(output)
    if finished is not None:
        if finished.get(_RUN) == fingerprint and _has_files(output, files, merge=merge):
            return _as_it_is(output, finished, facts or {}, left_out)
        if not overwrite:
            raise UserError(Errors.E941.format(folder=output))
    begun = _begun(output, fingerprint, overwrite=overwrite)
    # Which is faster is measured, and may be measured otherwise by now.
    precision = (begun and begun.precision) or choose_precision(settings.precision, device)
    wrapped, trained = prepare(given, settings, precision, device)
    longest = settings.max_new_tokens or round(_LONGER * max(len(chat.answer) for chat in tokens)) + 1
    trainer = Trainer(given.model, given.tokenizer, trained, settings, precision, longest)
    state = trainer.train(
        tokens,
        output,
        begun or State(fingerprint, precision=precision),
        dev=None if dev is None or asked is None else Dev(asked, dev.score, dev.metric),
        progress=progress,
    )
    done = Finetuned(
        output,
        examples=len(tokens),
        trained=sum(weight.numel() for weight in trained.values()),
        total=sum(weight.numel() for weight in given.model.parameters()),
        precision=precision,
        state=state,
        metric="" if dev is None else dev.metric,
        facts=facts or {},
        left_out=left_out,
    )
    notes = training(done, given, settings)
    write_output(output, given, wrapped, notes, files, merge=merge)
    return done


def check_output(output: Path) -> None:
    """RAISES (UserError): Where there is something else in the folder than a run leaves, cut or finished, or nothing
    can be written there."""
    folder = next(path for path in (output, *output.absolute().parents) if path.exists())
    if folder.is_file() and folder != output:
        raise cant_write(output, f"{folder} is a file")
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise cant_write(output, f"no right to write in {folder}")
    if not output.exists():
        return
    if output.is_dir() and _read_finished(output) is not None:
        return
    found = [path.name for path in output.iterdir()] if output.is_dir() else [""]
    if any(name != CHECKPOINT and not name.endswith(PART) for name in found):
        raise UserError(Errors.E535.format(path=output))


def _read_finished(output: Path) -> dict[str, Any] | None:
    """RETURNS (dict[str, Any] | None): What a finished run has noted in its output; None where there is none."""
    try:
        notes = json.loads((output / TRAINING).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None
    return notes if isinstance(notes, dict) and "trained_parameters" in notes else None


def _begun(output: Path, fingerprint: str, *, overwrite: bool) -> State | None:
    """RETURNS (State | None): How far the run is that was cut; None where there is none, or it gives way.
    RAISES (UserError): Where it is another one, and doesn't."""
    try:
        return read_state(output, fingerprint)
    except UserError:
        if overwrite:
            return None
        raise


def _has_files(output: Path, files: dict[str, str], *, merge: bool) -> bool:
    """RETURNS (bool): Whether an output has the texts that belong to it, and the merged model if it is wanted."""
    try:
        is_same = all((output / name).read_text(encoding="utf8") == text for name, text in files.items())
    except (OSError, UnicodeDecodeError):
        return False
    return is_same and (not merge or (output / MERGED).is_dir())


def _as_it_is(output: Path, notes: dict[str, Any], facts: dict[str, Any], left_out: IssueLog) -> Finetuned:
    """RETURNS (Finetuned): What an earlier run has done."""
    state = State(
        notes[_RUN],
        step=notes["steps"],
        seconds=notes["seconds"],
        losses=notes["losses"],
        scores=[(row["epoch"], row["score"]) for row in notes["dev_scores"]],
        precision=notes["precision"],
    )
    return Finetuned(
        output,
        examples=notes["examples"],
        trained=notes["trained_parameters"],
        total=notes["parameters"],
        precision=notes["precision"],
        state=state,
        metric=notes["dev_metric"],
        facts=facts,
        left_out=left_out,
        is_new=False,
    )


def _remove_parts(output: Path) -> None:
    """Remove what a killed run was writing, which nothing would ever take away; what it put aside is put back."""
    for path in output.parent.glob(f".{glob.escape(output.name)}.*{PART}"):
        if not output.exists() and (path / CHECKPOINT).is_file():
            path.rename(output)
        else:
            shutil.rmtree(path, ignore_errors=True)
    for path in output.glob(f".{CHECKPOINT}.*{PART}"):
        path.unlink()


def training(done: Finetuned, base: Base, settings: FinetuneSettings) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What training.json holds."""
    best = done.state.best
    return {
        _RUN: done.state.fingerprint,
        "base": {"name": base.name, "sha256": base.sha256},
        **done.facts,
        "settings": asdict(settings),
        "examples": done.examples,
        "left_out": {kind: issue.count for kind, issue in done.left_out},
        "trained_parameters": done.trained,
        "parameters": done.total,
        "precision": done.precision,
        "steps": done.state.step,
        "seconds": round(done.state.seconds, 1),
        "losses": [round(loss, 4) for loss in done.state.losses],
        "dev_metric": done.metric,
        "dev_scores": [{"epoch": epoch, "score": round(score, 4)} for epoch, score in done.state.scores],
        "best_dev_score": None if best is None else round(best[1], 4),
    }


def _max_length(base: Base, settings: FinetuneSettings) -> int:
    context = getattr(base.model.config, "max_position_embeddings", None) or _LONGEST
    return min(settings.max_length or _LONGEST, context)


def _asked(base: Base, dev: DevChats, max_length: int, left_out: IssueLog) -> list[Tokens | None]:
    """RETURNS (list[Tokens | None]): The dev questions; None for one that is too long.
    RAISES (UserError): Where none is left."""
    found: list[Tokens | None] = []
    for number, prompt in enumerate(encode_prompts(base.tokenizer, dev.chats), start=1):
        if len(prompt) > max_length:
            left_out.add(DEV_TOO_LONG, f"{len(prompt):,} tokens of {max_length:,}", f"dev chat {number}")
        found.append(prompt if len(prompt) <= max_length else None)
    if not any(found):
        reason = f"all of its {len(found):,} questions are too long" if found else "it asks nothing"
        raise UserError(Errors.E937.format(reason=reason))
    return found


def _check_tokens(base: Base, chats: Sequence[Tokens]) -> None:
    """RAISES (UserError): Where a chat has a token that the model has no place for."""
    rows = base.model.get_input_embeddings().num_embeddings
    most = max(max((*chat.prompt, *chat.answer)) for chat in chats)
    if most >= rows:
        text = base.tokenizer.convert_ids_to_tokens(most)
        reason = f"its tokenizer has the token {text!r} as number {most:,}, and the model knows {rows:,}"
        raise UserError(Errors.E902.format(base=base.name, reason=reason))


def _fingerprint(base: Base, chats: Sequence[Chat], dev: DevChats | None, settings: FinetuneSettings) -> str:
    """RETURNS (str): The same for the same run. Not of tokens: some templates write today's date."""
    own = {key: value for key, value in asdict(settings).items() if key not in _WITHOUT_EFFECT}
    asked = [] if dev is None else [list(map(dict, messages)) for messages in dev.chats]
    rows = [[list(map(dict, messages)) for messages in chats], asked]
    tokenizer = getattr(base.tokenizer, "backend_tokenizer", None)
    words = tokenizer.to_str() if tokenizer is not None else sorted(base.tokenizer.get_vocab().items())
    text = json.dumps([base.sha256, base.tokenizer.chat_template, words, own, rows], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
