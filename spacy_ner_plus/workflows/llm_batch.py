"""Texts to a chat model in batches, at half the price, and their replies to its store."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import replace
from itertools import islice, takewhile
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
    from spacy_ner_plus.llm.batch.replay import Replay
    from spacy_ner_plus.llm.batch.state import BatchState
    from spacy_ner_plus.llm.batch.submission import Submission, Wanted
    from spacy_ner_plus.llm.client.kept_replies import KeptReplies
    from spacy_ner_plus.llm.client.settings import ChatSettings
    from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor

_MEGABYTE = 1_000_000
# What a component that finds sentences writes.
_SENTENCES = frozenset({"doc.sents", "token.is_sent_start"})


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
    variant: str | None = None,
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
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    progress (Progress): Wraps the texts. Default: none.
    RAISES (UserError): Where something can't be read, or the server doesn't take a batch.
    """
    from spacy_ner_plus.llm.batch.submission import Submitter

    at_least("limit", limit, 0)
    at_least("max_requests", max_requests, 1)
    at_least("max_megabytes", max_megabytes, 0)
    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    extractor = nlp.get_pipe(name).extractor_of(variant)
    settings = extractor.model.settings
    given = [texts] if isinstance(texts, str | Path) else list(texts)
    names = [str(text) for text in given if isinstance(text, str | Path)]
    found = _read(names, format, nlp.lang) if names else (doc.text for doc in given)
    too_long: list[int] = []
    chosen = _within(islice(found, limit or None), nlp.max_length, too_long)
    with _open_state(settings, name) as state, _open_kept(settings) as kept:
        submitter = Submitter(
            settings,
            state,
            kept,
            count=extractor.model.count_tokens,
            most_requests=max_requests,
            most_bytes=int(max_megabytes * _MEGABYTE),
            time_window=time_window,
        )
        wanted = _wanted(progress(chosen, "Reading texts"), _asker(nlp, name, kept, variant, is_run=True))
        done = submitter.submit(wanted, reading=_reading(extractor), texts=names, send=send)
    done.too_long = len(too_long)
    return done


def batch_status(
    pipeline: "Language | str | Path",
    *,
    overrides: Iterable[str] = (),
    component: str | None = None,
    variant: str | None = None,
    code: str | Path | None = None,
) -> "list[BatchStatus]":
    """Ask how the batches stand that aren't collected yet.

    pipeline (Language | str | Path): As it was submitted with.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (list[BatchStatus]): Oldest first.
    RAISES (UserError): Where the server doesn't say.
    """
    from spacy_ner_plus.llm.batch.batch_api import BatchAPI
    from spacy_ner_plus.llm.batch.collection import look

    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    settings = nlp.get_pipe(name).extractor_of(variant).model.settings
    with _open_state(settings, name) as state:
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
    variant: str | None = None,
    code: str | Path | None = None,
) -> "Collection":
    """Fetch the replies to all batches that are over, read them, and keep them in the store.

    What came of a batch that expired or was cancelled is kept, too. A run of the pipeline takes its replies from the
    store then.

    pipeline (Language | str | Path): As it was submitted with.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RAISES (UserError): Where the server doesn't answer, or a batch was submitted for other labels or another format.
    """
    from spacy_ner_plus.llm.batch.collection import Collector

    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    extractor = nlp.get_pipe(name).extractor_of(variant)
    settings = extractor.model.settings
    with _open_state(settings, name) as state, _open_kept(settings) as kept:
        done = Collector(settings, state, kept, _asker(nlp, name, kept, variant)).collect(_reading(extractor))
    done.name = name
    return done


def drop_batches(
    pipeline: "Language | str | Path",
    ids: Sequence[str],
    *,
    overrides: Iterable[str] = (),
    component: str | None = None,
    variant: str | None = None,
    code: str | Path | None = None,
) -> int:
    """Forget batches that aren't collected yet, so that their requests may be submitted again.

    Nothing is asked of the server: what runs there goes on, and is paid for.

    pipeline (Language | str | Path): As it was submitted with.
    ids (Sequence[str]): As `batch_status` tells them: the server's, or the name of one that isn't created yet.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str): The component. Default: the only structured_llm_ner.
    variant (str): Which of its variants, where it has several. Default: the one that is pinned.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (int): How many requests they had.
    RAISES (UserError): Where one isn't there.
    """
    nlp = load_pipeline(pipeline, overrides, code=code)
    name = find_component(nlp, FACTORY, component)
    settings = nlp.get_pipe(name).extractor_of(variant).model.settings
    with _open_state(settings, name) as state:
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
            yield from (record.text for record in read_texts([file]))
        else:
            yield from (doc.text for doc in convert(file, format=format, lang=lang).docs)


def _within(texts: Iterable[str], most: int, too_long: list[int]) -> Iterator[str]:
    """YIELDS (str): The texts with words that a pipeline takes; the lengths of the others are noted."""
    for text in texts:
        if len(text) > most:
            too_long.append(len(text))
        elif text.strip():
            yield text


def _open_state(settings: "ChatSettings", name: str) -> "BatchState":
    """Open the batches of a component's store, which are noted beside it."""
    from spacy_ner_plus.llm.batch.state import BatchState
    from spacy_ner_plus.llm.store.addresses import path_beside

    if settings.store is None:
        raise UserError(Errors.E694.format(name=name))
    return BatchState(path_beside(settings.store, "batches"))


@contextmanager
def _open_kept(settings: "ChatSettings") -> "Iterator[KeptReplies]":
    """Open the replies of a store, to be written to whatever the settings say of a run."""
    from spacy_ner_plus.llm.client.kept_replies import KeptReplies
    from spacy_ner_plus.llm.client.usage import UsageMeter

    with closing(KeptReplies(replace(settings, replay_only=False), UsageMeter(None, ""))) as kept:
        yield kept


def _asker(
    nlp: "Language", name: str, kept: "KeptReplies", variant: str | None, *, is_run: bool = False
) -> "Callable[[str], Replay]":
    """Make what finds out what a run asks about a text: the extractor, with the store in place of its model.

    variant (str | None): As `extractor_of` of the component takes it.
    is_run (bool): Whether the texts are those of a run, of which a cascade asks only about some.
    """
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.llm.batch.replay import Replay
    from spacy_ner_plus.pipeline.structured_llm_ner.cascade import Cascade, CascadeSettings

    pipe = nlp.get_pipe(name)
    given = pipe.settings.cascade if is_run else None
    cascade = None if given is None else Cascade(CascadeSettings.of(given), IssueLog())
    replaying = copy(pipe.extractor_of(variant))
    replay = Replay(replaying.model, kept)
    replaying.model = replay
    before = _before(nlp, name, everything=cascade is not None)

    def ask(text: str) -> Replay:
        doc = nlp.make_doc(text)
        for other in before:
            doc = other(doc)
        replay.clear()
        if cascade is None or cascade.asks_about(doc):
            replaying.submit(doc)
        return replay

    return ask


def _before(nlp: "Language", name: str, *, everything: bool) -> "list[Callable[[Doc], Doc]]":
    """Find what has to run before a component.

    everything (bool): Whether all that runs before it, else only where it finds sentences, by which texts are cut.
    RETURNS (list[Callable]): The components, without those that ask a chat model, too.
    """
    before = list(takewhile(lambda pipe: pipe[0] != name, nlp.pipeline))
    metas = {other: nlp.get_pipe_meta(other) for other, _ in before}
    if not everything and not any(_SENTENCES & set(meta.assigns) for meta in metas.values()):
        return []
    return [pipe for other, pipe in before if metas[other].factory != FACTORY]


def _reading(extractor: "Extractor") -> str:
    """Name what a reader of replies depends on beside their text."""
    format, labels = extractor.prompter.format, extractor.labels
    return json.dumps({"format": format.name, "labels": list(labels)}, ensure_ascii=False)


def _wanted(texts: Iterable[str], ask: "Callable[[str], Replay]") -> "Iterator[Wanted]":
    """YIELDS (Wanted): What a run about texts would ask, and has no reply to."""
    from spacy_ner_plus.llm.batch.submission import Wanted
    from spacy_ner_plus.pipeline.structured_llm_ner.estimate import REPLY_SHARE

    for text in texts:
        replay = ask(text)
        if not replay.open:
            continue
        # Several questions about a text share its entities.
        tokens = round(replay.count_tokens(text) * REPLY_SHARE / len(replay.asked))
        for question in replay.open.values():
            completion = min(tokens, replay.settings.max_tokens)
            yield Wanted(question.request, text, completion, is_second=question.is_second)
