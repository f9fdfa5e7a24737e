"""Annotation sets of several people or groups, made one corpus."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline
from spacy_ner_plus.workflows.review.reviewed import Reviewed, ReviewPaths, finish, policy_of

if TYPE_CHECKING:
    from spacy_ner_plus.pipeline.entity_vote.policies import Policy


def review_merge(
    sets: Mapping[str, str | Path] | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    policy: "str | Policy" = "majority",
    report: str | Path | None = None,
    lang: str = "en",
    resamples: int = RESAMPLES,
    seed: int = 0,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
) -> Reviewed:
    """Make one corpus of several annotation sets of the same texts, or of others.

    Texts are the same where id and text are. Where sets differ in one, the policy decides, and what it doesn't keep is
    missing; what a set leaves without annotation it says nothing about.

    sets (Mapping[str, str | Path] | Sequence[str | Path]): .spacy files or folders of them, of `pull` or any other
        source, by the name of their annotator; by the file's name where none is given. A Doc whose record names its
        annotator keeps that name.
    target (str | Path): The .spacy file to write. Default: nothing is written.
    policy (str | Callable): 'majority', 'union', 'intersection', the name of a registered function (`@misc`), or a
        policy, as `annotate` takes it. Default: 'majority', what more than half of them named.
    report (str | Path): The JSON file of the report. Default: beside the target, as NAME.report.json.
    lang (str): Language of the texts. Default: 'en'.
    resamples (int): Of the documents, for the interval of alpha. Default: 1000.
    seed (int): Of the random numbers.
    issues (IssueLog): Where conflicts are counted.
    notes (list[str]): Where is written what was found out.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    from spacy_ner_plus.annotation.review.merging import merge_sets, texts_apart

    at_least("resamples", resamples, 0)
    named = _named(sets)
    paths = ReviewPaths.of(target, report)
    paths.check([("a set", path) for path in named.values()])
    decide_by = policy_of(policy)
    issues, notes = IssueLog() if issues is None else issues, [] if notes is None else notes
    nlp = blank_pipeline(lang)
    read = {name: corpus_docs(path, nlp.vocab) for name, path in named.items()}
    for name, docs in read.items():
        check_annotation(docs, named[name])
    if apart := texts_apart(read):
        notes.append(
            f"{len(apart):,} texts are in several sets and have no id in common, such as {apart[0][:60]!r}: they are "
            "as many documents as they have ids. If they are the same, the corpus has them several times, and nobody's "
            "annotation is compared: `review pull` with one corpus gives all sets its ids"
        )
    merged, each = merge_sets(read, decide_by, issues)
    about = {"policy": policy if isinstance(policy, str) else str(policy), "sets": list(named)}
    return finish(merged, each, None, paths, nlp, about, issues, notes, resamples=resamples, seed=seed)


def _named(sets: Mapping[str, str | Path] | Sequence[str | Path]) -> dict[str, str | Path]:
    if isinstance(sets, Mapping):
        return dict(sets)
    for path in sets:
        if [Path(other).resolve() for other in sets].count(Path(path).resolve()) > 1:
            raise UserError(Errors.E799.format(path=path))
    stems = [Path(path).stem for path in sets]
    return {
        stem if stems.count(stem) == 1 else str(path): path for stem, path in zip(stems, sets, strict=True)
    }


def parse_sets(words: Sequence[str]) -> dict[str, str]:
    """Read sets as the command line has them.

    words (Sequence[str]): Files, also as NAME=FILE; of files without a name, the file's name counts.
    RETURNS (dict[str, str]): Files by name.
    """
    # A file's own name may have the sign in it.
    split = [(word, "", "") if Path(word).exists() else word.partition("=") for word in words]
    for word, (name, mark, path) in zip(words, split, strict=True):
        if not name.strip() or (mark and not path):
            raise UserError(Errors.E798.format(word=word))
    bare = _named([name for name, mark, _ in split if not mark])
    named = {name.strip(): path for name, mark, path in split if mark}
    for name in named:
        if name in bare or [other.strip() for other, mark, _ in split if mark].count(name) > 1:
            raise UserError(Errors.E747.format(name=name))
    return {name: str(path) for name, path in {**bare, **named}.items()}
