"""Which of many texts to label: near to some, far from each other, or what a pipeline is unsure of."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder

DUPLICATES = 0.95
WITHOUT_TEXT = "record without text: passed over"
LONG = "text longer than the model reads: embedded in parts"
REPLACED = "meta of the source that had this name: replaced by the selection's"
# What sources say of texts that nobody has annotated yet, as is usual here.
_EXPECTED = ("record without annotation",)


@dataclass
class Selection:
    """Texts that were selected.

    docs (list[Doc]): They, the best first; `doc.user_data["record"]["meta"]` has `rank`, from 1, and `score`.
    scores (list[float]): Of each, as its meta has it.
    texts (int): How many texts the sources have.
    embedded (int): How many texts were embedded now, those of queries and examples among them.
    from_cache (int): How many vectors were there already.
    duplicates (int): Texts that are there twice, but for case, spaces, and the like.
    near_duplicates (int): Texts that were passed over, as one that was selected, or is labelled, is nearly the same.
    long_texts (int): Texts longer than the model reads, which were embedded in parts.
    mean_similarity (float | None): The mean cosine of two of the selected texts; None for fewer than two.
    path (Path | None): What was written.
    issues (IssueLog): What was lost or repaired on the way.
    notes (list[str]): What was found out about the sources.
    """

    docs: list["Doc"]
    scores: list[float]
    texts: int
    embedded: int
    from_cache: int
    duplicates: int
    near_duplicates: int
    long_texts: int
    mean_similarity: float | None
    path: Path | None = None
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def select(
    sources: str | Path | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    query: str | Sequence[str] = (),
    like: str | Path | Sequence[str | Path] = (),
    number: int = 100,
    duplicates: float = DUPLICATES,
    model: str = "all-MiniLM-L6-v2",
    device: str = "auto",
    precision: str = "auto",
    cache: str | Path | None = None,
    format: str = "auto",
    target_format: str | None = None,
    options: Mapping[str, Any] | None = None,
    lang: str = "en",
    encoding: str = "utf-8",
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> Selection:
    """Select texts to label, and write them in the order of their rank, whole or not at all.

    sources (str | Path | Sequence[str | Path]): Texts in any format of the converter, annotated or not; a .txt file
        that is no corpus has one a line.
    target (str | Path): The file to write, whose ending says the format. Default: nothing is written.
    query (str | Sequence[str]): Texts that the selected ones are to be near to in meaning: a text's score is its
        cosine with the nearest of them.
    like (str | Path | Sequence[str | Path]): Likewise the texts of a corpus.
    number (int): How many to select. Default: 100.
    duplicates (float): From which cosine on two texts are nearly the same, and only the better is selected; above 1
        none are. Default: 0.95. Equal texts are one in any case.
    model (str): Folder or hub name of a sentence-transformers model. Default: the packaged all-MiniLM-L6-v2.
    device (str): Where it runs: 'auto' (a GPU where there is one), 'cpu', 'cuda', ... Default: 'auto'.
    precision (str): Its floats: 'auto' for the fastest here, 'fp32', 'bf16' or 'fp16'. Default: 'auto'.
    cache (str | Path): The folder where embeddings are kept. Default: that of the user, which SPACY_NER_PLUS_CACHE
        names ('off' for none).
    format (str): Of the sources and examples: one of `formats()`, 'text' for a text a line, or 'auto'. Default: 'auto'.
    target_format (str): Of the target, one of `formats()` that is written. Default: as its ending says.
    options (Mapping[str, Any]): How to read and write, by the names that the formats' options have.
    lang (str): Language code. Default: 'en'.
    encoding (str): Of text files. Default: 'utf-8'.
    issues (IssueLog): Where losses and repairs are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps the texts while they are read and embedded. Default: none.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    from spacy_ner_plus.annotation.select.ranking import best, mean_similarity, similarities
    from spacy_ner_plus.corpus import DocSpool
    from spacy_ner_plus.data.formats.options import options_for
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.outputs import target_format as find_target_format

    names, examples = _names(sources), _names(like)
    queries = [query] if isinstance(query, str) else list(query)
    at_least("number", number, 1)
    if not queries and not examples:
        raise UserError(Errors.E673)
    if not duplicates > 0:
        values = {"setting": "duplicates", "value": duplicates, "remedy": "a cosine above 0"}
        raise UserError(Errors.E676.format(**values))
    target = None if target is None else Path(target)
    given = dict(options or {})
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    nlp = blank_pipeline(lang)
    writer = None if target is None else find_target_format(target, target_format, 0)
    writer_options = None if writer is None else options_for(writer, given)
    if target is not None:
        check_overlap({"the output": target}, [("the examples", path) for path in examples])
    reading = {
        "format": format, "options": given, "encoding": encoding, "issues": issues, "notes": notes,
        "written": [] if target is None else [target],
    }  # fmt: skip
    embedder = _embedder(model, device, precision, cache)
    with open_outputs({"": target}, writer, writer_options) as outputs:
        wanted = [embedder.embed(queries, "query").vectors] if queries else []
        if examples:
            texts = (record.doc.text for record in read_texts(examples, nlp, progress=no_progress, **reading))
            wanted += [
                embedder.embed(some).vectors for some in _chunks(text for text in texts if text.strip())
            ]
            if len(wanted) == bool(queries):
                raise UserError(Errors.E674.format(sources=", ".join(examples), reason="none has any text"))
        spool = DocSpool(Path(tempfile.gettempdir()))
        corpus = _Corpus(embedder, spool, issues)
        corpus.read(read_texts(names, nlp, progress=progress, **reading))
        if not len(spool):
            raise UserError(Errors.E674.format(sources=", ".join(names), reason="none has any text"))
        if number > len(spool):
            values = {"number": number, "texts": len(spool), "sources": ", ".join(names)}
            raise UserError(Errors.E675.format(**values))
        for kind in _EXPECTED:
            issues.kinds.pop(kind, None)
        import numpy as np

        scores = similarities(corpus.vectors, np.concatenate(wanted))
        chosen = best(corpus.vectors, scores, number, below=duplicates)
        docs = list(spool.take(chosen.indices, nlp.vocab))
        for rank, (doc, score) in enumerate(zip(docs, chosen.scores, strict=True), start=1):
            _write_meta(doc, {"rank": rank, "score": round(float(score), 6)}, issues)
            outputs[""].add(doc)
        with staged(outputs.values(), nlp, issues):
            pass
    if len(docs) < number:
        import warnings

        values = {"selected": len(docs), "number": number, "duplicates": duplicates}
        warnings.warn(Warnings.W336.format(**values), stacklevel=2)
    return Selection(
        docs,
        [round(float(score), 6) for score in chosen.scores],
        texts=corpus.texts,
        embedded=embedder.embedded,
        from_cache=embedder.from_store,
        duplicates=corpus.duplicates,
        near_duplicates=chosen.near_duplicates,
        long_texts=corpus.long_texts,
        mean_similarity=mean_similarity(corpus.vectors.take(chosen.indices)),
        path=target,
        issues=issues,
        notes=notes,
    )


class _Corpus:
    """The texts of the sources, equal ones once: their Docs and vectors, both in temporary files."""

    def __init__(self, embedder: "KeptEmbedder", spool: Any, issues: IssueLog):
        self._embedder = embedder
        self._spool = spool
        self._issues = issues
        self.vectors: Any = None
        self.texts = self.duplicates = self.long_texts = 0

    def read(self, records: Iterable[Any]) -> None:
        for some in _chunks(self._different(records)):
            self._embed(some)

    def _different(self, records: Iterable[Any]) -> Iterator[str]:
        from spacy_ner_plus.alignment.normalization import squeeze
        from spacy_ner_plus.data.statistics.counts import hash_text

        seen: set[int] = set()
        for record in records:
            text = record.doc.text if record.text is None else record.text
            if not text.strip():
                self._issues.add(WITHOUT_TEXT, record.id, record.where)
                continue
            self.texts += 1
            form = hash_text(squeeze(text))
            if form in seen:
                self.duplicates += 1
                continue
            seen.add(form)
            self._spool.add(record.doc)
            yield text

    def _embed(self, texts: list[str]) -> None:
        from spacy_ner_plus.annotation.select.vectors import Vectors

        found = self._embedder.embed(texts)
        for text, parts in zip(texts, found.parts, strict=True):
            if parts > 1:
                self.long_texts += 1
                self._issues.add(LONG, text[:60])
        if self.vectors is None:
            self.vectors = Vectors(found.vectors.shape[1])
        self.vectors.append(found.vectors)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    from itertools import islice

    from spacy_ner_plus.models.embeddings.kept_embedder import CHUNK

    texts = iter(texts)
    while some := list(islice(texts, CHUNK)):
        yield some


def _embedder(model: str, device: str, precision: str, cache: str | Path | None) -> "KeptEmbedder":
    from spacy_ner_plus.cache_folder import cache_folder
    from spacy_ner_plus.models.embeddings.embedder import Embedder
    from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder
    from spacy_ner_plus.models.embeddings.vector_store import VectorStore

    embedder = Embedder(model, device=device, precision=precision)
    kept = cache_folder() if cache is None else Path(cache)
    folder = kept / "embeddings" if cache is None and kept is not None else kept
    return KeptEmbedder(embedder, None if folder is None else VectorStore(folder, embedder.folder))


def _names(sources: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(name) for name in ([sources] if isinstance(sources, str | Path) else sources)]


def _write_meta(doc: "Doc", values: Mapping[str, Any], issues: IssueLog) -> None:
    from spacy_ner_plus.data.records.record import RECORD, record_of

    record = record_of(doc)
    for name in values:
        if name in record["meta"]:
            issues.add(REPLACED, f"{name}: {record['meta'][name]}", record["where"])
    doc.user_data[RECORD] = {**record, "meta": {**record["meta"], **values}}
