"""A person who makes no mistakes: what a pipeline predicted, reviewed as a gold corpus has it.

The workflow `bootstrap` measures what review brings without anybody who reviews. All goes the way of real tasks,
through the files of Prodigy or a server; only the answers are those of the gold corpus.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.review.opened import open_project
from spacy_ner_plus.workflows.review.pull import review_pull
from spacy_ner_plus.workflows.review.push import review_push

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.workflows.review.reviewed import Reviewed

NOT_GOLD = "task whose text the gold corpus annotates in part or not at all, not answered"
# Who reviews where no tool is wanted, and whose files stand in for it.
FILE, FILE_TOOL = "file", "prodigy"
REVIEWER = "gold"


def gold_review(
    predicted: str | Path,
    gold: str | Path,
    target: str | Path,
    *,
    reviewer: str = FILE,
    project: str = "",
    labels: "LabelSet | str | Path | Sequence[str] | Mapping[str, Any] | None" = None,
    limit: int = 0,
    lang: str = "en",
    options: Mapping[str, Any] | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
) -> "Reviewed":
    """Push predictions to a review tool, answer the tasks as a gold corpus has them, and pull the answers.

    predicted (str | Path): A .spacy file or a folder of them.
    gold (str | Path): Likewise, with the same texts.
    target (str | Path): The .spacy file to write; without a tool the tasks and their answers lie beside it.
    reviewer (str): 'file' for Prodigy's files, or a tool that takes annotations, such as 'label-studio', whose server
        runs. Default: 'file'.
    project (str): Its name in the tool. Default: a new one each time, named after the target and the time.
    labels (LabelSet | str | Path | Sequence[str] | Mapping): What is marked. Default: the labels of the predictions.
    limit (int): Only so many tasks, the most doubtful ones. Default: 0 for all.
    lang (str): Language of the texts. Default: 'en'.
    options (Mapping[str, Any]): The tool's own, such as `url`.
    issues (IssueLog): Where is counted what isn't sent or taken.
    notes (list[str]): What the user should know.
    RETURNS (Reviewed): What was pulled.
    RAISES (UserError): Where something can't be read, reached or written, or a task's text isn't in the corpus.
    """
    from spacy.vocab import Vocab

    target = Path(target)
    issues, notes = IssueLog() if issues is None else issues, [] if notes is None else notes
    tasks, answers = target.with_name("tasks.jsonl"), target.with_name("answers.jsonl")
    beside = {"the tasks": tasks, "the answers": answers} if reviewer == FILE else {}
    given = [("the predictions", predicted), ("the gold corpus", gold)]
    check_targets({"the output": target, **beside}, [], corpora=given)
    if beside and answers.exists():
        # A person's, as far as is known.
        raise UserError(Errors.E742.format(path=answers))
    # A tool may leave out a space at the end.
    docs = {doc.text.rstrip(): doc for doc in corpus_docs(gold, Vocab())}
    sent: dict[str, Any] = {"labels": labels, "limit": limit, "issues": issues, "notes": notes}
    if reviewer == FILE:
        tool, sent_to, pulled_from = FILE_TOOL, str(tasks), str(answers)
        review_push(predicted, sent_to, tool=tool, options=options, **sent)
        _answer_file(tasks, docs, gold, answers, issues)
    else:
        # Not one for all runs, which would have tasks that were answered in earlier ones.
        new = f"{target.stem[:20]} {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        tool, sent_to = reviewer, project or new
        pulled_from = sent_to
        check_reviewer(tool, sent_to, options)
        review_push(predicted, sent_to, tool=tool, options=options, **sent)
        _answer_tasks(sent_to, tool, options, docs, gold, issues)
    return review_pull(
        predicted, pulled_from, target, tool=tool, lang=lang, options=options, issues=issues, notes=notes
    )


def check_reviewer(reviewer: str, project: str, options: Mapping[str, Any] | None = None) -> None:
    """Find out whether a tool can be reached, and takes annotations; nothing is sent.

    RAISES (UserError): Where it can't or doesn't.
    """
    from spacy_ner_plus.annotation.review.tool import TakesAnnotations

    if reviewer == FILE:
        return
    with open_project(project, reviewer, options) as there:
        if not isinstance(there, TakesAnnotations):
            raise UserError(Errors.E724.format(reviewer=reviewer))
        there.reach()


def _answer_file(
    tasks: Path, docs: Mapping[str, "Doc"], gold: str | Path, target: Path, issues: IssueLog
) -> None:
    from spacy_ner_plus.data.sources.json_records import json_records
    from spacy_ner_plus.data.sources.lines import FileLines

    answers = []
    for number, task in json_records(FileLines(tasks), str(tasks)):
        where = f"{tasks}:{number}"
        doc = _doc_of(str(task["text"]), docs, where, gold)
        if not _is_annotated(doc, issues, where):
            answers.append({**task, "answer": "ignore", "_annotator_id": REVIEWER})
            continue
        spans = [{"start": ent.start_char, "end": ent.end_char, "label": ent.label_} for ent in doc.ents]
        answers.append({**task, "spans": spans, "answer": "accept", "_annotator_id": REVIEWER})
    lines = "".join(f"{json.dumps(answer, ensure_ascii=False)}\n" for answer in answers)
    write_whole(target, lines.encode())


def _answer_tasks(
    project: str,
    tool: str,
    options: Mapping[str, Any] | None,
    docs: Mapping[str, "Doc"],
    gold: str | Path,
    issues: IssueLog,
) -> None:
    """Submit an annotation of each task that a push made and nobody has annotated."""
    from spacy_ner_plus.annotation.review.tasks import TaskSpan

    with open_project(project, tool, options) as there:
        # All of them first, since what is annotated moves where a tool sorts by it.
        for stored in [task for task in there.tasks() if task.id and not task.annotations]:
            where = f"{project}: task {stored.key}"
            doc = _doc_of(stored.text, docs, where, gold)
            if not _is_annotated(doc, issues, where):
                continue
            there.annotate(stored, [TaskSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents])


def _is_annotated(doc: "Doc", issues: IssueLog, where: str) -> bool:
    """RETURNS (bool): Whether gold says of each token what it is: of a part alone nobody could submit an annotation."""
    from spacy_ner_plus.spans import IOB_MISSING

    if any(token.ent_iob == IOB_MISSING for token in doc):
        issues.add(NOT_GOLD, doc.text[:60], where)
        return False
    return True


def _doc_of(text: str, docs: Mapping[str, "Doc"], where: str, gold: str | Path) -> "Doc":
    if text.rstrip() not in docs:
        raise UserError(Errors.E786.format(where=where, gold=gold, text=text[:60]))
    return docs[text.rstrip()]
