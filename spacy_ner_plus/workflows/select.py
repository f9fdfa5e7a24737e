"""Which of many texts to label: near to some, far from each other, or what a pipeline is unsure of."""

import math
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.predict import FAILED, ZONE
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    import numpy as np
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.select.narrowing import Narrowing
    from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder

DUPLICATES = 0.95
# How many times as many as are selected are left to select from, by all measures but the last.
CANDIDATES = 10
REPLACED = "meta of the source that had this name: replaced by the selection's"
# What sources say of texts that nobody has annotated yet, as is usual here.
_EXPECTED = ("record without annotation",)


@dataclass
class Selection:
    """Texts that were selected.

    docs (list[Doc]): They, the best first. `doc.user_data["record"]["meta"]` has `rank`, from 1, and `score`, that of
        the last measure; where several were used, also `similarity`, `uncertainty` and `distance`.
    scores (list[float | None]): Of each, as its meta has it; None for the first of diverse ones.
    texts (int): How many texts the sources have.
    embedded (int): How many texts were embedded now, those of queries, examples and labelled texts among them.
    from_cache (int): How many vectors were there already.
    duplicates (int): Texts that are there twice, but for case, spaces, and the like.
    labelled (int): Texts that are labelled already.
    near_duplicates (int): Texts that were passed over, as one that was selected, or is labelled, is nearly the same.
    long_texts (int): Texts longer than the model reads, which were embedded in parts.
    mean_similarity (float | None): The mean cosine of two of the selected texts; None for fewer than two.
    path (Path | None): What was written.
    issues (IssueLog): What was lost or repaired on the way.
    notes (list[str]): What was found out about the sources.
    """

    docs: list["Doc"]
    scores: list[float | None]
    texts: int
    embedded: int
    from_cache: int
    duplicates: int
    labelled: int
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
    uncertain: "Language | str | Path | None" = None,
    diverse: bool = False,
    number: int = 100,
    candidates: int | None = None,
    labelled: str | Path | Sequence[str | Path] = (),
    duplicates: float = DUPLICATES,
    model: str = "all-MiniLM-L6-v2",
    device: str = "auto",
    precision: str = "auto",
    probed: float = 1.0,
    seed: int = 0,
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
    uncertain (Language | str | Path): A pipeline with a component of ours: the texts are to be those that it is the
        most unsure of, as `pipeline.uncertainty` says. Texts on which it fails are left out, and counted.
    diverse (bool): Whether they are to be far from each other: each is the farthest from all before it. Default: False.
    number (int): How many to select. Default: 100.
    candidates (int): Of several of these, each selects from what the one before it left, in this order: how many those
        before the last leave. Default: ten times as many as are selected.
    labelled (str | Path | Sequence[str | Path]): Corpora of texts that are labelled already. What is equal to one of
        them, or nearly, isn't selected, and diverse texts are far from them, too.
    duplicates (float): From which cosine on two texts are nearly the same, and only the better is selected; above 1
        none are. Default: 0.95. Equal texts are one in any case.
    model (str): Folder or hub name of a sentence-transformers model. Default: the packaged all-MiniLM-L6-v2.
    device (str): Where it runs: 'auto' (a GPU where there is one), 'cpu', 'cuda', ... Default: 'auto'.
    probed (float): Above 200,000 texts, the share of FAISS's inverted lists that is searched for the nearest to a
        query (extra [select]). Default: 1, so that numpy compares all, which takes no longer (docs/select.md).
    precision (str): Its floats: 'auto' for the fastest here, 'fp32', 'bf16' or 'fp16'. Default: 'auto'.
    seed (int): Of the text that diverse ones begin with, where nothing else ranks them. Default: 0.
    cache (str | Path): The folder where embeddings are kept. Default: that of the user, which SPACY_NER_PLUS_CACHE
        names ('off' for none).
    format (str): Of the sources: one of `formats()`, 'text' for a text a line, or 'auto'. Default: 'auto'.
    target_format (str): Of the target, one of `formats()` that is written. Default: as its ending says.
    options (Mapping[str, Any]): How to read and write, by the names that the formats' options have.
    lang (str): Language code. Default: 'en'.
    encoding (str): Of text files. Default: 'utf-8'.
    issues (IssueLog): Where losses and repairs are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps the texts while they are read and embedded. Default: none.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    import numpy as np

    from spacy_ner_plus.annotation.select.embedded_texts import EmbeddedTexts, embed_all, text_of
    from spacy_ner_plus.annotation.select.narrowing import UNCERTAINTY, Narrowing
    from spacy_ner_plus.annotation.select.ranking import mean_similarity
    from spacy_ner_plus.data.formats.options import options_for
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.outputs import target_format as find_target_format

    names, examples, known = _names(sources), _names(like), _names(labelled)
    queries = [query] if isinstance(query, str) else list(query)
    _check_numbers(number, candidates, duplicates, probed)
    if not all(text.strip() for text in queries):
        raise UserError(Errors.E676.format(setting="query", value="empty", remedy="a text (--query)"))
    if not (queries or examples or diverse or uncertain is not None):
        raise UserError(Errors.E673)
    target = None if target is None else Path(target)
    given = dict(options or {})
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    nlp = blank_pipeline(lang)
    writer = None if target is None else find_target_format(target, target_format, 0)
    writer_options = None if writer is None else options_for(writer, given)
    if target is not None:
        inputs = [
            *(("the examples", path) for path in examples),
            *(("labelled texts", path) for path in known),
        ]
        check_overlap({"the output": target}, inputs)
    log = {
        "encoding": encoding,
        "issues": issues,
        "notes": notes,
        "written": [] if target is None else [target],
    }
    tagger = None if uncertain is None else load_pipeline(uncertain)

    def read(paths: list[str]) -> list[str]:
        records = read_texts(paths, nlp, format="auto", options={}, progress=progress, **log)
        texts = [text for record in records if (text := text_of(record)).strip()]
        if not texts:
            raise _no_texts(paths)
        return texts

    with open_outputs({"": target}, writer, writer_options) as outputs:
        embedder = _embedder(model, device, precision, cache)
        folder = Path(tempfile.gettempdir())
        texts = EmbeddedTexts(nlp.vocab, embedder, folder, issues, progress)
        try:
            # All is read before anything is embedded, which takes much longer.
            like_texts, labelled_texts = read(examples) if examples else [], read(known) if known else []
            records = read_texts(
                names, nlp, format=format, options=given, writer=writer, progress=progress, **log
            )
            texts.add(records, labelled_texts)
            for kind in _EXPECTED:
                issues.kinds.pop(kind, None)
            if not texts.count:
                raise _no_texts(names)
            if number > len(texts):
                values = {"number": number, "texts": len(texts), "sources": ", ".join(names)}
                raise UserError(Errors.E675.format(**values))
            beside = embed_all(embedder, labelled_texts)
            narrowing = Narrowing(texts.vectors, duplicates, beside, probed)
            steps: list[Callable[[int], None]] = []
            if queries or like_texts:
                wanted = [embedder.embed(queries, "query").vectors] if queries else []
                wanted += [embed_all(embedder, like_texts)] if like_texts else []
                steps.append(partial(narrowing.nearest, np.concatenate(wanted)))
            if tagger is not None:
                unsure = _Uncertainty(tagger, texts.docs, issues, progress)
                steps.append(partial(narrowing.highest, UNCERTAINTY, unsure))
            if diverse:
                steps.append(partial(narrowing.diverse, seed=seed))
            for step in steps[:-1]:
                step(candidates or CANDIDATES * number)
            steps[-1](number)
            docs = list(texts.docs(narrowing.left))
            scores = _write_scores(docs, narrowing, issues)
            similarity = mean_similarity(texts.vectors.take(narrowing.left))
        finally:
            texts.close()
            embedder.close()
        for doc in docs:
            outputs[""].add(doc)
        with staged(outputs.values(), nlp, issues):
            pass
    if len(docs) < number:
        values = {"selected": len(docs), "number": number, "duplicates": duplicates}
        warnings.warn(Warnings.W336.format(**values), stacklevel=2)
    return Selection(
        docs,
        scores,
        texts=texts.count,
        embedded=embedder.embedded,
        from_cache=embedder.from_store,
        duplicates=texts.duplicates,
        labelled=texts.labelled,
        near_duplicates=narrowing.near_duplicates,
        long_texts=texts.long,
        mean_similarity=similarity,
        path=target,
        issues=issues,
        notes=notes,
    )


def _check_numbers(number: int, candidates: int | None, duplicates: float, probed: float) -> None:
    at_least("number", number, 1)
    at_least("candidates", candidates, number)
    if not duplicates > 0:
        values = {"setting": "duplicates", "value": duplicates, "remedy": "a cosine above 0"}
        raise UserError(Errors.E676.format(**values))
    if not 0 < probed <= 1:
        values = {"setting": "probed", "value": probed, "remedy": "a share above 0, up to 1"}
        raise UserError(Errors.E676.format(**values))


def _no_texts(names: Sequence[str]) -> UserError:
    return UserError(Errors.E674.format(sources=", ".join(names), reason="no record has any"))


def _embedder(model: str, device: str, precision: str, cache: str | Path | None) -> "KeptEmbedder":
    from spacy_ner_plus.cache_folder import cache_folder
    from spacy_ner_plus.models.embeddings.embedder import Embedder
    from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder
    from spacy_ner_plus.models.embeddings.vector_store import EmbeddingsNotKept, VectorStore

    embedder = Embedder(model, device=device, precision=precision)
    if cache is not None:
        return KeptEmbedder(embedder, VectorStore(Path(cache), embedder.folder))
    kept = cache_folder()
    if kept is None:
        return KeptEmbedder(embedder, None)
    try:
        return KeptEmbedder(embedder, VectorStore(kept / "embeddings", embedder.folder))
    except EmbeddingsNotKept as error:
        # Nobody has asked for it.
        warnings.warn(Warnings.W337.format(reason=error), stacklevel=2)
        return KeptEmbedder(embedder, None)


def _names(sources: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(name) for name in ([sources] if isinstance(sources, str | Path) else sources)]


class _Uncertainty:
    """How unsure a pipeline is of texts, by their numbers."""

    def __init__(
        self,
        nlp: "Language",
        docs: Callable[[Sequence[int]], Iterable["Doc"]],
        issues: IssueLog,
        progress: Progress,
    ):
        self._nlp = nlp
        self._docs = docs
        self._issues = issues
        self._progress = progress

    def __call__(self, numbers: Sequence[int]) -> "np.ndarray":
        """RETURNS (Floats1d): Of each text, from 0 to 1; NaN where the pipeline fails."""
        import numpy as np

        from spacy_ner_plus.evaluation.predictions import pipe_in_order
        from spacy_ner_plus.pipeline.uncertainty import uncertainty

        found = np.full(len(numbers), np.nan, dtype=np.float32)
        texts = ((doc.text, row) for row, doc in enumerate(self._docs(numbers)))
        texts = iter(self._progress(texts, "Predicting", len(numbers)))
        while some := list(islice(texts, ZONE)):
            with self._nlp.memory_zone():
                for doc, row, failure in pipe_in_order(self._nlp, some):
                    if doc is None:
                        self._issues.add(FAILED, failure, f"text {numbers[row] + 1}")
                    else:
                        found[row] = uncertainty(doc)
        return found


def _write_scores(docs: Sequence["Doc"], narrowing: "Narrowing", issues: IssueLog) -> list[float | None]:
    """Write rank and scores into each Doc's meta.

    RETURNS (list[float | None]): Those of the last measure.
    """
    from spacy_ner_plus.data.records.record import RECORD, record_of

    rows = {name: list(map(_rounded, scores)) for name, scores in narrowing.scores.items()}
    last = list(rows.values())[-1]
    several = rows if len(rows) > 1 else {}
    for row, doc in enumerate(docs):
        values = {
            "rank": row + 1,
            "score": last[row],
            **{name: scores[row] for name, scores in several.items()},
        }
        record = record_of(doc)
        for name in values.keys() & record["meta"].keys():
            issues.add(REPLACED, f"{name}: {record['meta'][name]}", record["where"])
        doc.user_data[RECORD] = {**record, "meta": {**record["meta"], **values}}
    return last


def _rounded(score: float) -> float | None:
    from spacy_ner_plus.annotation.select.ranking import DIGITS

    return None if math.isnan(score) else round(float(score), DIGITS)
