"""Texts to a chat model in batches, at half the price, and their replies to its store."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import find_component, load_pipeline
from spacy_ner_plus.workflows.arguments.texts import has_texts, read_texts
from spacy_ner_plus.workflows.convert import convert
from spacy_ner_plus.workflows.llm import FACTORY
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.llm.batch.collection import BatchStatus, Collection
    from spacy_ner_plus.llm.batch.state import BatchState
    from spacy_ner_plus.llm.batch.submission import Submission, Wanted
    from spacy_ner_plus.llm.batch.unanswered import Unanswered
    from spacy_ner_plus.llm.client.settings import ChatSettings
    from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor

_MEGABYTE = 1_000_000


def submit_batches(
    pipeline: "Language | str | Path",
    texts: "str | Path | Sequence[str | Path] | Iterable[Doc]",
    *,
    format: str = "auto",
    limit: int = 0,
    max_requests: int = 50_000,
    max_megabytes: float = 200,
    time_window: str = "24h",
    send: bool = True,
    overrides: Iterable[str] = (),
    component: str | None = None,
    code: str | Path | None = None,
    progress: Progress = no_progress,
) -> "Submission":
    """Submit what a run would ask and the store has no reply to, at half the price, within a day.

    Run again after replies were collected, it submits the second questions, after replies that can't be read, and
    what got no reply. What a batch that isn't collected yet asks isn't submitted twice; a command that was ended
    between its steps is gone on with.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline. Its component
        needs a `store`.
    texts (str | Path | Sequence[str | Path] | Iterable[Doc]): Files of any format of `convert`, text files with one
        text a line, JSONL files with the texts under 'text', or Docs.
    format (str): Of the files: one of `formats()`. Default 'auto': by ending and content.
    limit (int): Only the first texts. Default: 0 for all.
    max_requests (int): Of a batch. Default: 50,000, as OpenAI takes at most.
    max_megabytes (float): Of a batch's file. Default: 200, likewise.
    time_window (str): Within which a batch is answered, where the server gives a choice. Default: '24h'.
    send (bool): Whether to submit, or only to count. Default: True.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    progress (Progress): Wraps the texts. Default: none.
    RAISES (UserError): Where something can't be read, or the server doesn't take a batch.
    """
    from spacy_ner_plus.llm.batch.submission import Submitter
    from spacy_ner_plus.llm.batch.unanswered import Unanswered
    from spacy_ner_plus.llm.store.store import Store

    at_least("limit", limit, 0)
    at_least("max_requests", max_requests, 1)
    at_least("max_megabytes", max_megabytes, 0)
    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    extractor = nlp.get_pipe(name).extractor
    settings = extractor.model.settings
    path = _store_path(settings, name)
    given = [texts] if isinstance(texts, str | Path) else list(texts)
    names = [str(text) for text in given if isinstance(text, str | Path)]
    found = _read(names, format, nlp.lang) if names else (doc.text for doc in given)
    docs = (nlp.make_doc(text) for text in islice(found, limit or None) if text.strip())
    with _open(path) as state, Store(path) as store:
        submitter = Submitter(
            settings,
            state,
            count=extractor.model.count_tokens,
            most_requests=max_requests,
            most_bytes=int(max_megabytes * _MEGABYTE),
            time_window=time_window,
        )
        wanted = _wanted(extractor, progress(docs, "Reading texts"), Unanswered(settings, store))
        return submitter.submit(wanted, reading=_reading(extractor), texts=names, store=store, send=send)


def batch_status(
    pipeline: "Language | str | Path",
    *,
    overrides: Iterable[str] = (),
    component: str | None = None,
    code: str | Path | None = None,
) -> "list[BatchStatus]":
    """Ask how the batches stand that aren't collected yet.

    pipeline (Language | str | Path): As it was submitted with.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (list[BatchStatus]): Oldest first.
    RAISES (UserError): Where the server doesn't say.
    """
    from spacy_ner_plus.llm.batch.batch_api import BatchAPI
    from spacy_ner_plus.llm.batch.collection import look

    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    settings = nlp.get_pipe(name).client.settings
    with _open(_store_path(settings, name)) as state:
        batches = [
            batch for batch in state.batches(settings.endpoint(), settings.name) if not batch.collected
        ]
        if not batches:
            return []
        api = BatchAPI(settings)
        try:
            return look(api, batches)
        finally:
            api.close()


def collect_batches(
    pipeline: "Language | str | Path",
    *,
    overrides: Iterable[str] = (),
    component: str | None = None,
    code: str | Path | None = None,
) -> "Collection":
    """Fetch the replies to all batches that are over, read them, and keep them in the store.

    What came of a batch that expired or was cancelled is kept, too. A run of the pipeline takes its replies from the
    store then.

    pipeline (Language | str | Path): As it was submitted with.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RAISES (UserError): Where the server doesn't answer, or a batch was submitted for other labels or another format.
    """
    from spacy_ner_plus.llm.batch.collection import Collector
    from spacy_ner_plus.llm.store.store import Store

    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    extractor = nlp.get_pipe(name).extractor
    settings = extractor.model.settings
    path = _store_path(settings, name)
    with _open(path) as state, Store(path) as store:
        done = Collector(settings, state, store, extractor.prompter.reader).collect(_reading(extractor))
    done.name = name
    return done


def drop_batches(
    pipeline: "Language | str | Path",
    ids: Sequence[str],
    *,
    overrides: Iterable[str] = (),
    component: str | None = None,
    code: str | Path | None = None,
) -> int:
    """Forget batches that aren't collected yet, so that their requests may be submitted again.

    Nothing is asked of the server: what runs there goes on, and is paid for.

    pipeline (Language | str | Path): As it was submitted with.
    ids (Sequence[str]): As `batch_status` tells them: the server's, or the name of one that isn't created yet.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (int): How many requests they had.
    RAISES (UserError): Where one isn't there.
    """
    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    settings = nlp.get_pipe(name).client.settings
    with _open(_store_path(settings, name)) as state:
        batches = state.batches(settings.endpoint(), settings.name)
        known = {key: batch for batch in batches if not batch.collected for key in (batch.id, batch.name)}
        for id in ids:
            if not id or id not in known:
                raise UserError(Errors.E692.format(id=id, name=name, path=state.path))
        dropped = {known[id].name: known[id].requests for id in ids}
        state.drop(dropped)
        return sum(dropped.values())


def _read(files: Sequence[str], format: str, lang: str) -> Iterator[str]:
    """YIELDS (str): The texts of files, as `predict` reads them, or as a corpus."""
    for file in files:
        if format == "auto" and has_texts(file):
            yield from (record["text"] for record in read_texts([file]))
        else:
            yield from (doc.text for doc in convert(file, format=format, lang=lang).docs)


def _store_path(settings: "ChatSettings", name: str) -> Path:
    if settings.store is None:
        raise UserError(Errors.E694.format(name=name))
    return Path(settings.store).expanduser()


def _open(store: Path) -> "BatchState":
    """Open the batches of a store, which are noted beside it."""
    from spacy_ner_plus.llm.batch.state import BatchState

    return BatchState(store.with_name(f"{store.name}-batches"))


def _reading(extractor: "Extractor") -> str:
    """Name what a reader of replies depends on beside their text."""
    format, labels = extractor.prompter.format, extractor.labels
    return json.dumps({"format": format.name, "labels": list(labels)}, ensure_ascii=False)


def _wanted(extractor: "Extractor", docs: "Iterable[Doc]", unanswered: "Unanswered") -> "Iterator[Wanted]":
    """YIELDS (Wanted): What a run about Docs would ask, and has no reply to, each once."""
    from spacy_ner_plus.llm.batch.submission import Wanted
    from spacy_ner_plus.pipeline.structured_llm_ner.estimate import REPLY_SHARE

    model, prompter = extractor.model, extractor.prompter
    for doc in docs:
        whole = doc.text
        texts = [whole[start:end] for start, end in extractor.chunks(doc) for _ in range(extractor.samples)]
        for text, request in zip(texts, extractor.requests(doc), strict=True):
            asked = unanswered.next(request, prompter.reader(text))
            if asked is None:
                continue
            completion = min(round(model.count_tokens(text) * REPLY_SHARE), model.settings.max_tokens)
            yield Wanted(asked, text, completion, is_second=asked.messages != request.messages)
