"""What people submitted in a review tool, as a gold corpus."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.corpora import corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline
from spacy_ner_plus.workflows.review.opened import open_project, project_file, sent_docs
from spacy_ner_plus.workflows.review.reviewed import Reviewed, ReviewPaths, finish, policy_of

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.data.records.record import Record
    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.pipeline.entity_vote.policies import Policy


def review_pull(
    corpus: "str | Path | Iterable[Doc]",
    project: str,
    target: str | Path | None = None,
    *,
    tool: str,
    labels: "LabelSet | str | Path | Sequence[str] | Mapping[str, Any] | None" = None,
    policy: "str | Policy" = "majority",
    each: str | Path | None = None,
    keep_unreviewed: bool = False,
    report: str | Path | None = None,
    lang: str = "en",
    resamples: int = RESAMPLES,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
) -> Reviewed:
    """Take what people submitted, and write it as a gold corpus.

    Drafts, predictions and what was skipped aren't taken: a Doc that nobody submitted has no annotation. Every span is
    checked against its text and the labels; what can't be is missing, counted, and never O. Where several people
    submitted a text and differ, the policy decides, and what it doesn't keep is missing.

    corpus (str | Path | Iterable[Doc]): What was pushed: its texts, ids, tokens and predictions.
    project (str): Its name in the tool; for a tool of files, the export.
    target (str | Path): The .spacy file to write. Default: nothing is written.
    tool (str): One of `review_tools()`.
    labels (LabelSet | str | Path | Sequence[str] | Mapping): Those that count. Default: those of the project, where the
        tool says them; else all.
    policy (str | Callable): Of several people's spans: 'majority', 'union', 'intersection', the name of a registered
        function (`@misc`), or a policy, as `annotate` takes it. Default: 'majority', what more than half of them named.
    each (str | Path): A .spacy file for each person's annotation apart, a Doc for each. Default: none.
    keep_unreviewed (bool): Whether a Doc that nobody submitted keeps the annotation of the corpus: for one that is gold
        already, and of which people looked again at a part. Default: False, it has none.
    report (str | Path): The JSON file of the report. Default: beside the target, as NAME.report.json.
    lang (str): Language of the texts. Default: 'en'.
    resamples (int): Of the documents, for the interval of alpha. Default: 1000.
    seed (int): Of the random numbers.
    options (Mapping[str, Any]): The tool's own, such as `url`.
    issues (IssueLog): Where is counted what is left out; it outlives a failure.
    notes (list[str]): Likewise for what was found out.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    from spacy_ner_plus.annotation.review.merging import merge_docs
    from spacy_ner_plus.annotation.review.pull import (
        chosen_submissions,
        count_lost,
        kept_doc,
        predicted_doc,
        reviewed_records,
        without_annotation,
    )
    from spacy_ner_plus.annotation.review.tasks import task_ids
    from spacy_ner_plus.labels import load_labels

    at_least("resamples", resamples, 0)
    paths = ReviewPaths.of(target, report, each)
    given = labels if isinstance(labels, str | Path) and Path(labels).is_file() else None
    paths.check(
        [("the corpus", corpus_path(corpus))],
        [("the project", project_file(project, tool)), ("the labels", given)],
    )
    decide_by = policy_of(policy)
    issues, notes = IssueLog() if issues is None else issues, [] if notes is None else notes
    nlp = blank_pipeline(lang)
    docs = sent_docs(corpus, nlp.vocab)
    with open_project(project, tool, options) as there:
        names = there.labels() if labels is None else load_labels(labels).names
        submissions = list(there.submissions(issues, notes))
        if not submissions and not keep_unreviewed:
            raise UserError(Errors.E827.format(project=there.name))
        chosen = chosen_submissions(submissions, docs, issues)
        records = reviewed_records(chosen, docs, nlp, names, issues, notes, there.name)
    seen = {(one.id, one.annotator): one.predictions for one in chosen}
    by_id = dict(zip(task_ids(docs), docs, strict=True))
    groups: dict[str, list[Record]] = {name: [] for name in by_id}
    for record in records:
        groups[record.meta["review"]["id"]].append(record)
    merged = [
        merge_docs([record.doc for record in group], decide_by, issues, group[0].where).doc
        if group
        else without_annotation(by_id[name])
        for name, group in groups.items()
    ]
    if keep_unreviewed:
        numbers = [i for i, group in enumerate(groups.values()) if group]
        count_lost([docs[i] for i in numbers], [merged[i] for i in numbers], issues)
        pairs = zip(merged, docs, groups.values(), strict=True)
        merged = [new if group else kept_doc(old) for new, old, group in pairs]
    # Who decided isn't one more of those who differ.
    people = [
        record
        for group in groups.values()
        for record in ([one for one in group if not _is_final(one)] or group)
    ]
    return finish(
        merged,
        [record.doc for record in people],
        [predicted_doc(by_id[id], seen[id, who], names) for id, who in map(_who, people)],
        paths,
        nlp,
        {"policy": policy if isinstance(policy, str) else str(policy), "unreviewed_kept": keep_unreviewed},
        issues,
        notes,
        resamples=resamples,
        seed=seed,
    )


def _is_final(record: "Record") -> bool:
    from spacy_ner_plus.annotation.review.pull import FINAL

    return bool(record.meta["review"].get(FINAL))


def _who(record: "Record") -> tuple[str, str]:
    """RETURNS (tuple[str, str]): The id of a record's task, and who submitted it."""
    return record.meta["review"]["id"], record.meta["review"]["annotator"]
