"""What a gold corpus says of the answers in a store."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_label_map

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.learning.give_feedback import GivenFeedback


def llm_feedback(
    gold: "str | Path | Iterable[Doc]",
    store: str | Path,
    *,
    demonstrations: bool = True,
    limit: int = 0,
    label_map: str | Path | Mapping[str, str | None] | None = None,
    source: str | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
) -> "GivenFeedback":
    """Score all answers in a store about the texts of a gold corpus; run again, nothing is added.

    gold (str | Path | Iterable[Doc]): A .spacy file, a folder of them, or Docs: a corpus, or what `review pull` wrote.
    store (str | Path): The store of the chat model, which has to be there.
    demonstrations (bool): Whether the right answers are kept, too, as examples and training data. Default: True.
    limit (int): Only the first documents, as if no others were known. Default: 0 for all.
    label_map (str | Path | Mapping): Labels that were asked for by those of gold, None to drop one; or a JSON or YAML
        file of it, or the name of one that ships: 'ontonotes-conll'. Default: they are the same.
    source (str): Who says so. Default: the corpus's name.
    issues (IssueLog): Where is counted what couldn't be used.
    notes (list[str]): Where it is said which labels of the label map were dropped, and which never came up.
    RETURNS (GivenFeedback): What became of the answers.
    RAISES (UserError): Where there is no store or no corpus, the corpus isn't annotated or none of its labels was asked
        for, the label map can't be read, or the store can't be written to.
    """
    from spacy_ner_plus.learning.give_feedback import give_feedback
    from spacy_ner_plus.llm.store.store import Store

    check_store(store)
    at_least("limit", limit, 0)
    labels = read_label_map(label_map)
    nlp = blank_pipeline("xx")
    docs = corpus_docs(gold, nlp.vocab)
    check_annotation(docs, corpus_path(gold) or "Docs")
    docs = docs[:limit] if limit else docs
    if labels is not None:
        for doc in docs:
            labels.apply(doc)
        if notes is not None:
            notes.extend(labels.notes())
    with Store(store) as opened:
        return give_feedback(
            opened,
            docs,
            demonstrations=demonstrations,
            source=corpus_name(gold) if source is None else source,
            issues=issues,
        )


def check_store(store: str | Path) -> None:
    """Refuse a store that isn't there: opened to be written to, one would be made.

    RAISES (UserError): Where there is none, or it is no store.
    """
    from spacy_ner_plus.llm.store.store import Store

    Store(store, read_only=True).close()
