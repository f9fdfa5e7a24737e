"""A chat model of your own: fine-tuned on a corpus or on chats, and written as llama.cpp reads it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.workflows.arguments.chats import read_chats
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_path
from spacy_ner_plus.workflows.arguments.targets import check_overlap, check_targets
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.causal import DevChats, Finetuned
    from spacy_ner_plus.causal.base import Base
    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.llm.prompting.prompter import Prompter

PARTLY = "document that isn't annotated to its end: left out"
EMPTY = "document without text: left out"
SOME_LABELS = "document that was annotated with some of the labels alone: left out"
OTHER_LABEL = "entity of the label '{label}', which isn't learnt: left out"
UNSEEN = "label that no document has: it is asked for, and nothing of it is learnt"
CANT_WRITE = "document whose entities the reply format can't write: left out"
CONFIG, TEMPLATE = "structured_llm_ner.cfg", "template.jinja"
# Instructions that only name the labels: what else there is to know is learnt, and each word of them costs time.
BRIEF = "brief.v1"
_FORMAT, _LANG = "inline_tags", "en"
# What the written config takes: the adapter on its base, the base with it in it, or all that was trained.
Use = Literal["adapter", "merged", "whole"]
_SHOWN = 60


def finetune_llm(
    corpus: "str | Path | Iterable[Doc]",
    output: str | Path,
    *,
    base: str | Path = "smollm2",
    dev: "str | Path | Iterable[Doc] | None" = None,
    format: str = _FORMAT,
    labels: Any = None,
    task: str = "",
    template: str | Path | None = None,
    own_instructions: bool = False,
    chat_template: str | Path | None = None,
    merge: bool = False,
    limit: int = 0,
    lang: str = _LANG,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> "Finetuned":
    """Fine-tune a chat model to name entities as structured_llm_ner asks for them.

    A run that was cut goes on from its last checkpoint when it is called in the same way again.

    corpus (str | Path | Iterable[Doc]): A gold corpus: a .spacy file, a folder of them, or Docs; or a .jsonl file of
        chats, as `llm export` writes them.
    output (str | Path): A new folder.
    base (str | Path): 'smollm2', a folder as transformers saves it, a .gguf file, or a name on the Hugging Face hub.
    dev (str | Path | Iterable[Doc] | None): A gold corpus, or with chats some more of them, that are answered after
        each epoch: the weights with the best strict F1 are kept, of chats those that answer most of them word for
        word. Default: none, and the last are.
    format (str): The reply format; this, what follows up to `own_instructions`, and `lang` are for a gold corpus.
    labels (Any): As structured_llm_ner takes them. Default: those that entities of the corpus have.
    task (str): As structured_llm_ner takes it.
    template (str | Path | None): A Jinja template for the instructions. Default: one that names the labels alone.
    own_instructions (bool): Whether the format's own instructions are learnt with, which are long.
    chat_template (str | Path | None): A Jinja file in place of the base's own template. An adapter is then merged,
        since a base that is asked with it has its own.
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

    output = Path(output).resolve()
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
    merge = merge or (chat_template is not None and made.method != "full")
    left_out, dev_log = IssueLog(), IssueLog()
    facts: dict[str, Any] = {"corpus": _name(corpus)}
    files_of = None
    if isinstance(corpus, str | Path) and _are_chats(corpus):
        stray = {
            "labels": labels, "task": task, "template": template, "own_instructions": own_instructions,
            "format": format != _FORMAT, "lang": lang != _LANG,
        }  # fmt: skip
        if given := [f"`{name}`" for name, value in stray.items() if value]:
            raise UserError(Errors.E938.format(path=corpus, options=", ".join(given)))
        if dev is not None and not (isinstance(dev, str | Path) and _are_chats(dev)):
            raise UserError(Errors.E937.format(reason=f"'{_name(dev)}' is no .jsonl file, and the corpus is"))
        chats = read_chats(Path(corpus), left_out, limit=limit)
        asked = None if dev is None else dev_chats(read_chats(Path(dev), dev_log), dev_log)
    else:
        if isinstance(dev, str | Path) and _are_chats(dev):
            raise UserError(Errors.E937.format(reason=f"'{dev}' holds chats, and the corpus doesn't"))
        docs = _docs(corpus, limit)
        found = _labels(labels, docs, corpus, left_out)
        if chosen is None and not own_instructions:
            from spacy_ner_plus.llm.formats.base import shipped_template

            chosen = shipped_template(BRIEF)
        prompter = _prompter(format, found, chosen, task)
        chats = lessons(prompter, docs, left_out)
        asked = None if dev is None else dev_lessons(prompter, _docs(dev, 0), dev_log)
        facts |= {"format": prompter.format.name, "labels": ", ".join(found.names)}
        use: Use = "whole" if made.method == "full" else "adapter" if chat_template is None else "merged"
        files_of = _files_of(output, str(base), prompter, lang, use)
    for kind, issue in dev_log:
        left_out.add(f"dev {kind}", issue.example, issue.where, issue.count)
    return finetune(
        chats,
        _find_base(base),
        output,
        made,
        dev=asked,
        merge=merge,
        chat_template=_read_text(chat_template),
        facts=facts,
        files_of=files_of,
        left_out=left_out,
        progress=progress,
    )


def lessons(prompter: "Prompter", docs: Sequence["Doc"], left_out: IssueLog) -> list[list[dict[str, str]]]:
    """RETURNS (list[list[dict[str, str]]]): Chats about Docs, with the right replies.

    left_out (IssueLog): Where what can't be learnt is counted.
    """
    names = set(prompter.labels.names)
    chats: list[list[dict[str, str]]] = []
    for doc in _whole(docs, names, left_out):
        spans = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents if ent.label_ in names]
        try:
            chats += prompter.lessons(doc.text, spans)
        except (ValueError, LookupError):
            left_out.add(CANT_WRITE, doc.text[:_SHOWN])
    return chats


def dev_lessons(prompter: "Prompter", docs: Sequence["Doc"], left_out: IssueLog) -> "DevChats":
    """Ask about gold Docs.

    left_out (IssueLog): Where what can't be asked, or be right or wrong, is counted.
    RETURNS (DevChats): The questions, whose score is strict micro F1. What a reply that can't be read would name is
        missed.
    RAISES (UserError): Where no entity is left that could be found.
    """
    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.evaluation.counting.counts import Counts

    names = set(prompter.labels.names)
    whole = list(_whole(docs, names, left_out))
    if not any(ent.label_ in names for doc in whole for ent in doc.ents):
        reason = f"none of its {len(docs):,} documents has an entity of the labels {', '.join(sorted(names))}"
        raise UserError(Errors.E937.format(reason=reason))
    asked = [[chat[:-1] for chat in prompter.lessons(doc.text, [])] for doc in whole]

    def score(replies: list[str | None]) -> float:
        counts, at = Counts(), 0
        for doc, questions in zip(whole, asked, strict=True):
            given = [reply for reply in replies[at : at + len(questions)] if reply is not None]
            at += len(questions)
            if len(given) < len(questions):  # too long to be asked about
                continue
            mentions = prompter.read_lessons(doc.text, given)
            gold = {(ent.start, ent.end, ent.label_) for ent in doc.ents if ent.label_ in names}
            spans = align_mentions(doc, mentions).spans if mentions else ()
            found = {(span.start, span.end, span.label) for span in spans}
            counts += Counts(correct=len(gold & found), missed=len(gold - found), spurious=len(found - gold))
        return counts.f1

    return DevChats([chat for chats in asked for chat in chats], score, "strict F1")


def _whole(docs: Sequence["Doc"], names: set[str], left_out: IssueLog) -> "Iterator[Doc]":
    """YIELDS (Doc): Those of which all is known that is to be learnt; the others are counted, and entities of other
    labels."""
    from spacy_ner_plus.annotated_labels import annotated_labels

    for doc in docs:
        shown = doc.text[:_SHOWN]
        labels = annotated_labels(doc)
        if not doc.text.strip():
            left_out.add(EMPTY, repr(shown))
        elif any(token.ent_iob == 0 for token in doc):
            left_out.add(PARTLY, shown)
        elif labels is not None and not names <= labels:
            missing = ", ".join(sorted(names - labels))
            left_out.add(SOME_LABELS, f"{shown!r}, without {missing}")
        else:
            for ent in doc.ents:
                if ent.label_ not in names:
                    left_out.add(OTHER_LABEL.format(label=ent.label_), ent.text[:_SHOWN])
            yield doc


def dev_chats(chats: Sequence[Sequence[Mapping[str, str]]], left_out: IssueLog) -> "DevChats":
    """Ask what chats ask.

    left_out (IssueLog): Where chats without an answer are counted.
    RETURNS (DevChats): Them without their answers, whose score is the share that is answered word for word.
    RAISES (UserError): Where none has an answer.
    """
    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.causal.chats import NO_ANSWER, has_answer

    whole = [chat for chat in chats if has_answer(chat)]
    if len(whole) < len(chats):
        left_out.add(NO_ANSWER, "", count=len(chats) - len(whole))
    if not whole:
        raise UserError(Errors.E937.format(reason="none of its chats ends with an answer"))
    right = [chat[-1]["content"].strip() for chat in whole]

    def score(replies: list[str | None]) -> float:
        asked = [(one.strip(), other) for one, other in zip(replies, right, strict=True) if one is not None]
        return sum(one == other for one, other in asked) / len(asked)

    return DevChats([chat[:-1] for chat in whole], score, "share answered word for word")


def write_gguf(
    source: str | Path, out: str | Path, *, dtype: str = "f16", base: str | Path | None = None
) -> Path:
    """Write a model's folder, or an adapter's, as a GGUF file.

    source (str | Path): A folder as transformers saves it, or peft.
    out (str | Path): The file.
    dtype (str): 'f16', 'q8_0' or 'f32', of a model's matrices; an adapter's are floats of 32 bits.
    base (str | Path | None): Of an adapter. Default: the one that it names.
    RETURNS (Path): The file.
    RAISES (UserError): Where something can't be read or written, or isn't known to mean the same to llama.cpp.
    """
    from spacy_ner_plus.gguf_files import adapter_to_gguf, folder_to_gguf
    from spacy_ner_plus.gguf_files.adapters import CONFIG as ADAPTER
    from spacy_ner_plus.gguf_files.safetensors_files import read_json
    from spacy_ner_plus.hub_access import cached_folder

    source, out = Path(source), Path(out)
    check_targets({"the GGUF file": out}, [("the model", source)])
    if not source.is_dir():
        raise UserError(Errors.E101.format(path=source, reason="there is no such folder"))
    if (source / ADAPTER).is_file():
        named = base or read_json(source / ADAPTER).get("base_model_name_or_path") or ""
        found = _find_base(named) if named else ""
        if found and not Path(found).exists():
            found = cached_folder(str(found)) or ""
        if not found:
            raise UserError(Errors.E939.format(adapter=source, base=named or "a base that it doesn't name"))
        return adapter_to_gguf(source, Path(found), out)
    return folder_to_gguf(source, out, dtype=dtype)  # type: ignore[arg-type]


def _find_base(base: str | Path) -> str | Path:
    """RETURNS (str | Path): The file of a model that has a name here; others as they are."""
    from spacy_ner_plus.llm.local.find import find_model
    from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

    return find_model(str(base)) if str(base) in KNOWN_MODELS and not Path(base).exists() else base


def _are_chats(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ".jsonl"


def _docs(corpus: "str | Path | Iterable[Doc]", limit: int) -> "list[Doc]":
    from spacy.vocab import Vocab

    from spacy_ner_plus.workflows.arguments.corpora import check_annotation

    docs = corpus_docs(corpus, Vocab(), limit)
    check_annotation(docs, corpus)
    return docs


def _labels(given: Any, docs: Sequence["Doc"], corpus: Any, left_out: IssueLog) -> "LabelSet":
    from spacy_ner_plus.labels import load_labels

    own = sorted({ent.label_ for doc in docs for ent in doc.ents})
    if not own:
        raise UserError(Errors.E305.format(path=_name(corpus)))
    found = load_labels(own if given is None else given)
    if not set(own) & set(found.names):
        raise UserError(Errors.E901.format(found=", ".join(own), labels=", ".join(found.names)))
    if unseen := [name for name in found.names if name not in own]:
        left_out.add(UNSEEN, ", ".join(unseen), count=len(unseen))
    return found


def _prompter(format: str, labels: "LabelSet", template: str | None, task: str) -> "Prompter":
    from spacy_ner_plus.llm.formats import get_format
    from spacy_ner_plus.llm.prompting.prompter import Prompter

    return Prompter(get_format(format), labels, template=template, task=task)


def _files_of(
    output: Path, base: str, prompter: "Prompter", lang: str, use: Use
) -> "Callable[[Base], dict[str, str]]":
    """RETURNS (Callable[[Base], dict[str, str]]): Makes, by name, the config of a pipeline that asks as the model has
    learnt it, and its template. What lies elsewhere stands in [paths] alone, as whole paths."""
    from thinc.api import Config

    from spacy_ner_plus.causal.chat_template import ChatTemplate
    from spacy_ner_plus.causal.chats import begins_to_think
    from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

    def files(given: "Base") -> dict[str, str]:
        paths = {"tuned": str(output)}
        model: dict[str, Any] = {"local": "${paths.tuned}/merged" if use == "merged" else "${paths.tuned}"}
        if use == "adapter":
            is_known = base in KNOWN_MODELS and not Path(base).exists()
            paths["base"] = base if is_known else str(given.path)
            name = re.sub(r"[^\w.-]+", "-", output.name)
            model = {"local": "${paths.base}", "name": name, "adapters": {name: "${paths.tuned}"}}
        if begins_to_think(ChatTemplate(given.tokenizer).prompt([{"role": "user", "content": "?"}])):
            # It would keep the model from ending its thought.
            model["text_grammar"] = False
        component: dict[str, Any] = {
            "factory": "structured_llm_ner",
            "format": prompter.format.name,
            "labels": _written_labels(prompter.labels),
            "task": prompter.task or None,
            "template": None if prompter.template is None else "${paths.tuned}/" + TEMPLATE,
            "model": model,
        }
        config = Config(
            {
                "paths": paths,
                "nlp": {"lang": lang, "pipeline": ["structured_llm_ner"]},
                "components": {"structured_llm_ner": component},
            }
        )
        found = {CONFIG: f"{config.to_str()}\n"}
        if prompter.template is not None:
            found[TEMPLATE] = prompter.template
        return found

    return files


def _written_labels(labels: "LabelSet") -> list[str] | dict[str, Any]:
    """RETURNS (list[str] | dict[str, Any]): As a config has them, with all that a prompt says of them."""
    if not labels.definitions and not labels.examples:
        return list(labels.names)
    return {row["name"]: {key: row[key] for key in ("definition", "examples")} for row in labels.rows}


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
