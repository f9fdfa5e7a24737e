"""Reviewed corpora: what is written of them, and where."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.targets import Input, check_targets

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.pipeline.entity_vote.policies import Policy

# Of the policies of `annotate`, 'weighted' needs a precision of each person, which nobody has measured.
POLICIES = ("majority", "union", "intersection")


@dataclass
class Reviewed:
    """What people submitted, or what was made of several sets of it.

    docs (list[Doc]): All of the corpus; those that nobody submitted have no annotation, unless that was to be kept.
    reviewed (int): How many of them somebody submitted.
    report (dict[str, Any]): What people changed and how far they agree, in JSON's types.
    path (Path | None): What was written; None where there is no target.
    report_path (Path | None): Where the report was written.
    issues (IssueLog): What was left out or repaired.
    notes (list[str]): What was found out.
    """

    docs: "list[Doc]"
    reviewed: int
    report: dict[str, Any]
    path: Path | None = None
    report_path: Path | None = None
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReviewPaths:
    """Where a reviewed corpus is written; None for what isn't.

    target (Path | None): The corpus.
    report (Path | None): The report.
    each (Path | None): Each person's annotation apart.
    """

    target: Path | None
    report: Path | None
    each: Path | None

    @classmethod
    def of(
        cls, target: str | Path | None, report: str | Path | None, each: str | Path | None = None
    ) -> "ReviewPaths":
        """Take paths as a user gives them; without its own, the report lies beside the corpus."""
        target, each = (None if path is None else Path(path) for path in (target, each))
        for path in (target, each):
            if path is not None and path.suffix != ".spacy":
                raise UserError(Errors.E114.format(path=path, endings=".spacy"))
        if report is None and target is not None:
            report = target.with_name(f"{target.name}.report.json")
        return cls(target, None if report is None else Path(report), each)

    def check(self, corpora: Iterable[Input], inputs: Iterable[Input] = ()) -> None:
        """Refuse to overwrite what is read."""
        outputs = {"the corpus": self.target, "the report": self.report, "each person's": self.each}
        check_targets(outputs, inputs, corpora=corpora)


def policy_of(policy: "str | Policy") -> "Policy":
    """Find a policy for what several people say.

    RAISES (UserError): Where there is none of that name, or it needs what isn't known of people.
    """
    from spacy_ner_plus.workflows.annotate import WEIGHTED, find_policy

    if policy == WEIGHTED:
        raise UserError(Errors.E745.format(policy=policy, known=", ".join(POLICIES)))
    return find_policy(policy, POLICIES)


def finish(
    docs: "Sequence[Doc]",
    each: "Sequence[Doc]",
    sent: "Sequence[Doc] | None",
    paths: ReviewPaths,
    nlp: "Language",
    about: Mapping[str, Any],
    issues: IssueLog,
    notes: list[str],
    *,
    resamples: int,
    seed: int,
) -> Reviewed:
    """Write what was reviewed, with its report: all files, or none.

    docs (Sequence[Doc]): The corpus.
    each (Sequence[Doc]): Each person's annotation of each text.
    sent (Sequence[Doc] | None): For each of these, what was predicted; None where that isn't known.
    nlp (Language): Of the Docs.
    about (Mapping[str, Any]): What else the report says.
    """
    from spacy_ner_plus.annotation.review.pull import KEPT, review_of
    from spacy_ner_plus.annotation.review.review_report import review_report
    from spacy_ner_plus.data.formats.registered import get_format
    from spacy_ner_plus.data.outputs import open_outputs, staged

    # An empty Doc has no token that could be missing, and spaCy takes it as annotated.
    reviewed = sum(
        len(doc) > 0 and doc.has_annotation("ENT_IOB") and not review_of(doc).get(KEPT) for doc in docs
    )
    report = {
        "documents": len(docs),
        "reviewed": reviewed,
        **about,
        **review_report(sent, each, resamples=resamples, seed=seed),
        "issues": {kind: issue.count for kind, issue in issues},
    }
    with open_outputs({"": paths.target, "each": paths.each}, get_format("spacy")) as outputs:
        for doc in docs:
            outputs[""].add(doc)
        for doc in each:
            outputs["each"].add(doc)
        with staged(outputs.values(), nlp, issues):
            if paths.report is not None:
                write_whole(paths.report, json.dumps(report, indent=2, ensure_ascii=False).encode())
        for output in outputs.values():
            for spool in output.spools:
                spool.close()
    return Reviewed(list(docs), reviewed, report, paths.target, paths.report, issues, notes)
