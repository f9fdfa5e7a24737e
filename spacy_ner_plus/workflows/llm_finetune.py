"""A chat model of your own: fine-tuned on a corpus or on chats, and written as llama.cpp reads it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_path
from spacy_ner_plus.workflows.arguments.targets import check_overlap, check_targets
from spacy_ner_plus.workflows.finetuning.chats import read_chats
from spacy_ner_plus.workflows.finetuning.lessons import dev_chats, dev_lessons, lessons
from spacy_ner_plus.workflows.finetuning.pipeline_files import Use, pipeline_files
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.causal import Finetuned
    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.llm.prompting.prompter import Prompter

UNSEEN = "label that no document has: it is asked for, and nothing of it is learnt"
# Instructions that only name the labels: what else there is to know is learnt, and each word of them costs time.
BRIEF = "brief.v1"
_FORMAT, _LANG = "inline_tags", "en"


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
    overwrite: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> "Finetuned":
    """Fine-tune a chat model to name entities as structured_llm_ner asks for them.

    A run that was cut goes on from its last checkpoint when it is called in the same way again, and one that was
    finished is left as it is.

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
    overwrite (bool): Whether what another run has made in the folder gives way, once this one is finished.
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
        files_of = pipeline_files(output, str(base), prompter, lang, use)
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
        overwrite=overwrite,
        progress=progress,
    )


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
