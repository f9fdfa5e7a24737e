"""Whether a chat model is given, which reply format suits it, and what a run with it takes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import check_installed
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import find_component, load_pipeline, path_of
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.llm.store.store import KeptReply
    from spacy_ner_plus.pipeline.structured_llm_ner.estimate import Estimate
    from spacy_ner_plus.pipeline.structured_llm_ner.trial import Trial

FACTORY = "structured_llm_ner"
# The shortest beginning of an id by which a reply can be meant.
_SHORTEST_ID = 8


def check_server(url: str, model: str = "default") -> str:
    """Check that a chat model is given, without asking it.

    url (str): Of an OpenAI-compatible server; or a model on this machine, such as 'local:smollm2'.
    model (str): The model, as the server calls it. Default: 'default'.
    RETURNS (str): Where requests would be sent; of a local model what was given.
    RAISES (UserError): Where there is no URL, where it is no address, or the local model isn't there.
    """
    from spacy_ner_plus.llm.client.settings import ChatSettings
    from spacy_ner_plus.llm.local.addresses import local_name, located
    from spacy_ner_plus.llm.local.find import find_model

    if not url.strip():
        raise UserError(Errors.E514)
    local = local_name(url)
    if local is not None:
        ChatSettings(**located({"base_url": url, "name": model}))
        check_installed("xllamacpp", "local-llm")
        find_model(local)
        return url.strip()
    return ChatSettings(base_url=url, name=model).address()


def try_formats(
    pipeline: "Language | str | Path",
    gold: "str | Path | Iterable[Doc]",
    target: str | Path | None = None,
    *,
    limit: int = 50,
    formats: Sequence[str] | None = None,
    overrides: Iterable[str] = (),
    component: str | None = None,
    variant: str | None = None,
    code: str | Path | None = None,
    progress: Progress = no_progress,
) -> "list[Trial]":
    """Annotate a development corpus with every reply format, and score it.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    gold (str | Path | Iterable[Doc]): Gold corpus: a .spacy file, a folder of them, or Docs.
    target (str | Path): Where the trials are written as JSON. Default: nowhere.
    limit (int): Only the first documents, 0 for all. Default: 50.
    formats (Sequence[str]): Which formats. Default: all.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    progress (Progress): Wraps the formats. Default: none.
    RETURNS (list[Trial]): One for each format.
    RAISES (UserError): Where something can't be read, or a format isn't there.
    """
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.llm.formats import FORMATS
    from spacy_ner_plus.pipeline.structured_llm_ner.trial import try_format

    at_least("limit", limit, 0)
    target = None if target is None else Path(target)
    for name in formats or ():
        if name not in FORMATS:
            raise UserError(Errors.E506.format(value=name, option="reply format", choices=", ".join(FORMATS)))
    inputs = [("the pipeline", path_of(pipeline)), ("the code", code)]
    check_targets({"the trials": target}, inputs, corpora=[("the corpus", corpus_path(gold))])
    nlp = load_pipeline(pipeline, overrides, code=code)
    pipe = nlp.get_pipe(find_component(nlp, FACTORY, component))
    golds = corpus_docs(gold, nlp.vocab, limit)
    if not any(doc.ents for doc in golds):
        raise UserError(Errors.E305.format(path=corpus_path(gold) or corpus_name(gold)))
    chosen = list(formats or FORMATS)
    tried = (
        try_format(
            pipe.extractor_with(variant, format=name), golds, threshold=pipe.threshold, score=pipe.score
        )
        for name in chosen
    )
    trials = list(progress(tried, "Trying", len(chosen)))
    if target is not None:
        rows = json.dumps([trial.to_dict() for trial in trials], indent=2)
        write_whole(target, f"{rows}\n".encode())
    return trials


@dataclass(frozen=True)
class Shown:
    """What is sent about a text, and what came of it.

    requests (list[list[dict[str, str]]]): The messages of each request, in order.
    replies (list[list[str]]): The replies to each, as the server sent them; [] where nothing was asked.
    doc (Doc | None): The annotated Doc; None where nothing was asked.
    """

    requests: list[list[dict[str, str]]]
    replies: list[list[str]] = field(default_factory=list)
    doc: "Doc | None" = None


def show(
    pipeline: "Language | str | Path",
    text: str,
    *,
    ask: bool = True,
    overrides: Iterable[str] = (),
    component: str | None = None,
    variant: str | None = None,
    code: str | Path | None = None,
) -> Shown:
    """Ask about one text, and give the messages, the replies and what was made of them.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    text (str): The text.
    ask (bool): Whether to send anything; without, only the messages are made. Default: True.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RAISES (UserError): Where something can't be read, there are no words, or no request can succeed.
    """
    from spacy_ner_plus.pipeline.structured_llm_ner.llm_io import KEY, write_io

    if not text.strip():
        raise UserError(Errors.E515)
    nlp = load_pipeline(pipeline, overrides, code=code)
    pipe = nlp.get_pipe(find_component(nlp, FACTORY, component))
    doc = nlp.make_doc(text)
    if not ask:
        return Shown(
            [
                [dict(message) for message in request.messages]
                for request in pipe.extractor_of(variant).requests(doc)
            ]
        )
    extractor = pipe.extractor_of(variant)
    submitted = extractor.submit(doc)
    pipe.set_annotations([doc], [extractor.read(submitted)])
    write_io(submitted, pipe.name, extractor.model)
    io = doc.user_data[KEY][pipe.name]
    return Shown(io["prompt"], io["replies"], doc)


def estimate(
    pipeline: "Language | str | Path",
    texts: "str | Path | Sequence[str | Path] | Iterable[Doc]",
    *,
    limit: int = 0,
    overrides: Iterable[str] = (),
    component: str | None = None,
    variant: str | None = None,
    code: str | Path | None = None,
) -> "Estimate":
    """Count what a run would send; nothing is sent.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    texts (str | Path | Sequence[str | Path] | Iterable[Doc]): A .spacy corpus, text files with one text a
        line, JSONL files, or Docs.
    limit (int): Only the first texts. Default: 0 for all.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RAISES (UserError): Where something can't be read.
    """
    from itertools import islice

    from spacy_ner_plus.pipeline.structured_llm_ner import estimate
    from spacy_ner_plus.workflows.arguments.texts import read_texts

    at_least("limit", limit, 0)
    nlp = load_pipeline(pipeline, overrides, code=code)
    extractor = nlp.get_pipe(find_component(nlp, FACTORY, component)).extractor_of(variant)
    given = [texts] if isinstance(texts, str | Path) else list(texts)
    files = [Path(text) for text in given if isinstance(text, str | Path)]
    if len(given) == 1 and files and (files[0].suffix == ".spacy" or files[0].is_dir()):
        docs = corpus_docs(files[0], nlp.vocab, limit)
    elif files:
        records = read_texts([str(file) for file in given])
        docs = (nlp.make_doc(record.text) for record in islice(records, limit or None))
    else:
        docs = corpus_docs(given, nlp.vocab, limit)
    return estimate.estimate(extractor, docs)


def list_replies(store: str | Path, *, status: Sequence[str] = ()) -> "list[KeptReply]":
    """List the replies in a store.

    store (str | Path): The file, or the address of the database.
    status (Sequence[str]): Only those with one of these: 'valid', 'repaired', 'invalid', 'cut', or 'unread' for
        what an earlier version kept. Default: all.
    RETURNS (list[KeptReply]): Requests with their replies, oldest first.
    RAISES (UserError): Where there is no store, or no such status.
    """
    from spacy_ner_plus.llm.requests import ReplyStatus
    from spacy_ner_plus.llm.store.store import Store

    names = {found.name.lower(): found for found in ReplyStatus}
    for name in status:
        if name not in names:
            raise UserError(Errors.E506.format(value=name, option="status", choices=", ".join(names)))
    wanted = {names[name] for name in status} or set(ReplyStatus)
    with Store(store, read_only=True) as opened:
        return [kept for kept in opened.replies() if kept.reply.status in wanted]


def find_replies(store: str | Path, ids: Sequence[str]) -> "list[KeptReply]":
    """Find replies in a store.

    store (str | Path): The file, or the address of the database.
    ids (Sequence[str]): Ids of replies, or their beginnings.
    RETURNS (list[KeptReply]): One for each.
    RAISES (UserError): Where an id is that of none, or the beginning of several.
    """
    kept = list_replies(store)
    found = []
    for id in ids:
        matches = [one for one in kept if one.id.startswith(id)]
        if len(matches) != 1 or len(id) < min(_SHORTEST_ID, len(matches[0].id)):
            raise UserError(Errors.E271.format(path=store, id=id, count=len(matches)))
        found += matches
    return found


def drop_replies(store: str | Path, ids: Sequence[str] = (), *, status: Sequence[str] = ()) -> int:
    """Take replies out of a store, so that the next run asks for them.

    store (str | Path): The file, or the address of the database.
    ids (Sequence[str]): Ids of replies, or their beginnings.
    status (Sequence[str]): All with one of these, as `list_replies` takes them.
    RETURNS (int): How many were taken out.
    RAISES (UserError): Where neither is given, or an id is that of none.
    """
    from spacy_ner_plus.llm.store.store import Store

    if not ids and not status:
        raise UserError(Errors.E272)
    dropped = [*find_replies(store, ids), *(list_replies(store, status=status) if status else ())]
    with Store(store) as opened:
        return opened.drop({kept.id for kept in dropped})


def export_store(store: str | Path, target: str | Path, *, table: str = "inferences") -> int:
    """Write what a store holds to a file, which is there whole or not at all.

    store (str | Path): The file, or the address of the database.
    target (str | Path): A .parquet or .jsonl file.
    table (str): 'inferences', 'feedback' or 'replies'. Default: 'inferences'.
    RETURNS (int): How many rows were written.
    RAISES (UserError): Where there is no store or table, or the file can't be written.
    """
    from spacy_ner_plus.llm.store.addresses import read_where
    from spacy_ner_plus.llm.store.export import TABLES, check_target, export
    from spacy_ner_plus.llm.store.store import Store

    target, where = Path(target), read_where(store)
    if table not in TABLES:
        raise UserError(Errors.E506.format(value=table, option="table", choices=", ".join(TABLES)))
    check_target(target)
    check_targets({"the export": target}, [("the store", where if isinstance(where, Path) else None)])
    with Store(store, read_only=True) as opened:
        return export(opened, table, target)
