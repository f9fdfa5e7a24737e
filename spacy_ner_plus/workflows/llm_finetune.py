"""A chat model of your own: fine-tuned on a corpus or on chats, and written as llama.cpp reads it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_path
from spacy_ner_plus.workflows.arguments.targets import check_overlap, check_targets
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.causal import DevChats, Finetuned
    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.llm.prompting.prompter import Prompter

PARTLY = "document that isn't annotated to its end: left out"
OTHER_LABEL = "entity of a label that isn't learnt: left out"
CANT_WRITE = "document whose entities the reply format can't write: left out"
CONFIG, TEMPLATE = "structured_llm_ner.cfg", "template.jinja"
# Instructions that only name the labels: what else there is to know is learnt, and each word of them costs time.
BRIEF = "brief.v1"
_SHOWN = 60


def finetune_llm(
    corpus: "str | Path | Iterable[Doc]",
    output: str | Path,
    *,
    base: str | Path = "smollm2",
    dev: "str | Path | Iterable[Doc] | None" = None,
    format: str = "inline_tags",
    labels: Any = None,
    task: str = "",
    template: str | Path | None = None,
    own_instructions: bool = False,
    chat_template: str | Path | None = None,
    merge: bool = False,
    limit: int = 0,
    lang: str = "en",
    settings: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> "Finetuned":
    """Fine-tune a chat model to name entities as structured_llm_ner asks for them.

    A run that was cut goes on from its last checkpoint when it is called in the same way again.

    corpus (str | Path | Iterable[Doc]): A gold corpus: a .spacy file, a folder of them, or Docs; or a .jsonl file of
        chats, as `llm export` writes them.
    output (str | Path): A new folder.
    base (str | Path): 'smollm2', a folder as transformers saves it, a .gguf file, or a name on the Hugging Face hub.
    dev (str | Path | Iterable[Doc] | None): A gold corpus, or chats, that are answered after each epoch: the best
        weights are kept. Default: none, and the last are.
    format (str): The reply format. Default: 'inline_tags'.
    labels (Any): As structured_llm_ner takes them. Default: those of the corpus.
    task (str): As structured_llm_ner takes it.
    template (str | Path | None): A Jinja template for the instructions. Default: one that names the labels alone.
    own_instructions (bool): Whether the format's own instructions are learnt with, which are long.
    chat_template (str | Path | None): A Jinja file in place of the base's own template.
    merge (bool): Whether the base with the adapter in it is written, too.
    limit (int): Only the first documents, 0 for all.
    lang (str): Language of the pipeline that the written config makes.
    settings (Mapping[str, Any] | None): What `FinetuneSettings` has.
    progress (Progress): Wraps batches.
    RETURNS (Finetuned): What was done.
    RAISES (UserError): Where something can't be read or written, or there is nothing to learn from.
    """
    from spacy_ner_plus.causal import FinetuneSettings, finetune
    from spacy_ner_plus.causal.finetune import check_output

    output = Path(output)
    inputs = [("the corpus", corpus_path(corpus)), ("the dev corpus", corpus_path(dev))]
    check_overlap({"the model": output}, inputs)
    check_output(output)
    known = defaults(FinetuneSettings)
    for key in settings or {}:
        if key not in known:
            raise UserError(
                Errors.E506.format(value=key, option="setting of fine-tuning", choices=", ".join(known))
            )
    made = FinetuneSettings(**(settings or {}))
    chosen = _read_text(template)
    left_out = IssueLog()
    facts: dict[str, Any] = {}
    files: dict[str, str] = {}
    if _are_chats(corpus):
        chats = read_chats(Path(corpus))[: limit or None]  # type: ignore[arg-type]
        asked = dev_chats(read_chats(Path(dev))) if _are_chats(dev) else None  # type: ignore[arg-type]
        if dev is not None and asked is None:
            raise UserError(Errors.E905.format(reasons=f"'{dev}' is no .jsonl file, as the training data is"))
    else:
        docs = _docs(corpus, limit)
        found = _labels(labels, docs, corpus)
        if chosen is None and not own_instructions:
            from spacy_ner_plus.llm.formats.base import shipped_template

            chosen = shipped_template(BRIEF)
        prompter = _prompter(format, found, chosen, task)
        chats = lessons(prompter, docs, left_out)
        asked = None if dev is None else dev_lessons(prompter, _docs(dev, 0))
        facts = {"format": prompter.format.name, "labels": ", ".join(found.names), "corpus": _name(corpus)}
        files = _files(output, str(base), made.method, prompter, lang)
    done = finetune(
        chats,
        _find_base(base),
        output,
        made,
        dev=asked,
        merge=merge,
        chat_template=_read_text(chat_template),
        facts=facts,
        files=files,
        progress=progress,
    )
    done.left_out.merge(left_out)
    return done


def lessons(prompter: "Prompter", docs: Sequence["Doc"], left_out: IssueLog) -> list[list[dict[str, str]]]:
    """RETURNS (list[list[dict[str, str]]]): Chats about Docs, with the right replies.

    left_out (IssueLog): Where what can't be learnt is counted.
    """
    names = set(prompter.labels.names)
    chats: list[list[dict[str, str]]] = []
    for doc in docs:
        shown = doc.text[:_SHOWN]
        if any(token.ent_iob == 0 for token in doc):
            left_out.add(PARTLY, shown)
            continue
        others = [ent for ent in doc.ents if ent.label_ not in names]
        if others:
            left_out.add(OTHER_LABEL, f"{others[0].label_} {others[0].text[:_SHOWN]!r}", count=len(others))
        spans = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents if ent.label_ in names]
        try:
            chats += prompter.lessons(doc.text, spans)
        except (ValueError, LookupError):
            left_out.add(CANT_WRITE, shown)
    return chats


def dev_lessons(prompter: "Prompter", docs: Sequence["Doc"]) -> "DevChats":
    """RETURNS (DevChats): Questions about gold Docs, whose score is strict micro F1. What a reply that can't be read
    would name is missed."""
    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.evaluation.counting.counts import Counts

    names = set(prompter.labels.names)
    whole = [doc for doc in docs if doc.text.strip() and all(token.ent_iob for token in doc)]
    asked = [[chat[:-1] for chat in prompter.lessons(doc.text, [])] for doc in whole]

    def score(replies: list[str]) -> float:
        counts, at = Counts(), 0
        for doc, questions in zip(whole, asked, strict=True):
            mentions = prompter.read_lessons(doc.text, replies[at : at + len(questions)])
            at += len(questions)
            gold = {(ent.start, ent.end, ent.label_) for ent in doc.ents if ent.label_ in names}
            spans = align_mentions(doc, mentions).spans if mentions else ()
            found = {(span.start, span.end, span.label) for span in spans}
            counts += Counts(correct=len(gold & found), missed=len(gold - found), spurious=len(found - gold))
        return counts.f1

    return DevChats([chat for chats in asked for chat in chats], score)


def dev_chats(chats: Sequence[Sequence[Mapping[str, str]]]) -> "DevChats":
    """RETURNS (DevChats): Chats without their answers, whose score is the share that is answered word for word."""
    from spacy_ner_plus.causal import DevChats

    right = [str(chat[-1].get("content", "")).strip() for chat in chats]

    def score(replies: list[str]) -> float:
        return sum(one.strip() == other for one, other in zip(replies, right, strict=True)) / len(right)

    return DevChats([chat[:-1] for chat in chats], score)


def read_chats(path: Path) -> list[list[dict[str, str]]]:
    """Read chats, a line each: {"messages": [{"role": "user", "content": "…"}, …]}.

    RETURNS (list[list[dict[str, str]]]): Their messages.
    RAISES (UserError): Where the file can't be read, or a line is of another form.
    """
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            Errors.E101.format(path=path, reason=getattr(error, "strerror", None) or error)
        ) from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            messages = json.loads(line)["messages"]
            if not all(isinstance(one["role"], str) and isinstance(one["content"], str) for one in messages):
                raise TypeError
        except (ValueError, TypeError, KeyError):
            reason = f"line {number} isn't of the form {{'messages': [{{'role': …, 'content': …}}, …]}}"
            raise UserError(Errors.E891.format(path=path, reason=reason)) from None
        found.append([{"role": one["role"], "content": one["content"]} for one in messages])
    return found


def write_gguf(
    source: str | Path, out: str | Path, *, dtype: str = "f16", base: str | Path | None = None
) -> Path:
    """Write a model's folder, or an adapter's, as a GGUF file.

    source (str | Path): A folder as transformers saves it, or peft.
    out (str | Path): The file.
    dtype (str): 'f16', 'q8_0' or 'f32', of a model's matrices; an adapter keeps its own.
    base (str | Path | None): Of an adapter. Default: the one that it names.
    RETURNS (Path): The file.
    RAISES (UserError): Where something can't be read or written, or isn't known to mean the same to llama.cpp.
    """
    from spacy_ner_plus.gguf_files import adapter_to_gguf, folder_to_gguf
    from spacy_ner_plus.gguf_files.adapters import CONFIG as ADAPTER
    from spacy_ner_plus.gguf_files.safetensors_files import read_json

    source, out = Path(source), Path(out)
    check_targets({"the GGUF file": out}, [("the model", source)])
    if not source.is_dir():
        raise UserError(Errors.E101.format(path=source, reason="there is no such folder"))
    if (source / ADAPTER).is_file():
        named = base or read_json(source / ADAPTER).get("base_model_name_or_path") or ""
        return adapter_to_gguf(source, Path(_find_base(named)), out)
    return folder_to_gguf(source, out, dtype=dtype)  # type: ignore[arg-type]


def _find_base(base: str | Path) -> str | Path:
    """RETURNS (str | Path): The file of a model that has a name here; others as they are."""
    from spacy_ner_plus.llm.local.find import find_model
    from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

    return find_model(str(base)) if str(base) in KNOWN_MODELS and not Path(base).exists() else base


def _are_chats(given: Any) -> bool:
    return isinstance(given, str | Path) and Path(given).suffix == ".jsonl"


def _docs(corpus: "str | Path | Iterable[Doc]", limit: int) -> "list[Doc]":
    from spacy.vocab import Vocab

    from spacy_ner_plus.workflows.arguments.corpora import check_annotation

    docs = corpus_docs(corpus, Vocab(), limit)
    check_annotation(docs, corpus)
    return docs


def _labels(given: Any, docs: Sequence["Doc"], corpus: Any) -> "LabelSet":
    from spacy_ner_plus.labels import load_labels

    own = sorted({ent.label_ for doc in docs for ent in doc.ents})
    if not own:
        raise UserError(Errors.E305.format(path=_name(corpus)))
    found = load_labels(own if given is None else given)
    if not set(own) & set(found.names):
        raise UserError(Errors.E901.format(found=", ".join(own), labels=", ".join(found.names)))
    return found


def _prompter(format: str, labels: "LabelSet", template: str | None, task: str) -> "Prompter":
    from spacy_ner_plus.llm.formats import get_format
    from spacy_ner_plus.llm.prompting.prompter import Prompter

    return Prompter(get_format(format), labels, template=template, task=task)


def _files(output: Path, base: str, method: str, prompter: "Prompter", lang: str) -> dict[str, str]:
    """RETURNS (dict[str, str]): By name: the config of a pipeline that asks as the model has learnt it."""
    from thinc.api import Config

    name = output.name
    model = {"local": base, "name": name, "adapters": {name: str(output)}}
    if method == "full":
        model = {"local": str(output)}
    labels = prompter.labels
    component: dict[str, Any] = {
        "factory": "structured_llm_ner",
        "format": prompter.format.name,
        "labels": dict(labels.definitions)
        if len(labels.definitions) == len(labels.names)
        else list(labels.names),
        "task": prompter.task or None,
        "template": None if prompter.template is None else str(output / TEMPLATE),
        "model": model,
    }
    config = Config(
        {
            "nlp": {"lang": lang, "pipeline": ["structured_llm_ner"]},
            "components": {"structured_llm_ner": component},
        }
    )
    files = {CONFIG: f"{config.to_str()}\n"}
    if prompter.template is not None:
        files[TEMPLATE] = prompter.template
    return files


def _read_text(path: str | Path | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=path, reason=error)) from error


def _name(corpus: Any) -> str:
    path = corpus_path(corpus)
    return "Docs" if path is None else str(path)
