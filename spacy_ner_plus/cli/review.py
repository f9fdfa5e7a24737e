"""`spacy-ner-plus review`: a corpus to a tool in which people annotate, and back what they submitted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.cli import llm_feedback, review_curve, review_suggest
from spacy_ner_plus.cli.examples import examples
from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.review.reviewed import Reviewed

app = typer.Typer(
    help="Have people review a corpus in Label Studio and other tools, and take back what they submitted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Tool = Annotated[
    str,
    typer.Argument(metavar="TOOL", help="Such as label-studio; `spacy-ner-plus review tools` lists them."),
]
Corpus = Annotated[
    Path, typer.Argument(help="A .spacy file or a folder of them, with predictions or without.")
]
Project = Annotated[
    str, typer.Option("--project", "-p", help="Its name in the tool; of a tool of files, the file.")
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", metavar="NAME=VALUE", help="An option of the tool, such as url; repeatable."
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(help="PER,ORG; or a JSON or YAML file with definitions; or a shipped set, such as conll."),
]
Policy = Annotated[
    str,
    typer.Option(
        help="What becomes of spans on which people differ: majority, union, intersection, or a registered name."
    ),
]
Report = Annotated[Path | None, typer.Option(help="JSON file of the report; default: OUT.report.json.")]
Lang = Annotated[str, typer.Option("--lang", "-l", help="Language of the texts.")]


@app.command("tools", epilog=examples("review tools"))
def tools_command(
    tool: Annotated[str | None, typer.Argument(help="Show only this one.")] = None,
) -> None:
    """List the review tools, and the options of each."""
    from dataclasses import fields

    from spacy_ner_plus.annotation.review.registered import get_tool
    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.settings import describe
    from spacy_ner_plus.workflows.review.opened import review_tools

    for name in review_tools() if tool is None else [tool]:
        found = get_tool(name)
        out.print(f"{name}: {found.about}", markup=False, highlight=False)
        for field in fields(found.options):
            out.print(f"    {describe(field)}", markup=False, highlight=False)


@app.command("install", epilog=examples("review install"))
def install_command(
    tool: Tool,
    folder: Annotated[Path, typer.Argument(help="Folder of the environment, new or empty.")],
) -> None:
    """Install a tool in an environment of its own, apart from this one, and say how to start it."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.review.install import install

    with err.status(f"Installing {tool}"):
        lines = install(tool, folder)
    for line in lines:
        out.print(line, markup=False, highlight=False)


@app.command("push", epilog=examples("review push"))
def push_command(
    tool: Tool,
    corpus: Corpus,
    project: Project,
    labels: Labels = None,
    twice: Annotated[
        float, typer.Option(help="Share of the tasks that several people get, from 0 to 1.")
    ] = 0.0,
    people: Annotated[int, typer.Option(help="How many get each of these.")] = 2,
    limit: Annotated[int, typer.Option(help="Send only the N most doubtful; 0 for all.")] = 0,
    option: Options = None,
) -> None:
    """Send a corpus to a tool, its entities as predictions, the most doubtful first; run again, nothing is doubled."""
    from spacy_ner_plus.cli.console import err, out, progress
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.review.push import review_push

    issues, notes = IssueLog(), []
    try:
        pushed = review_push(
            corpus,
            project,
            tool=tool,
            labels=as_labels(labels),
            twice=twice,
            people=people,
            limit=limit,
            options=parse_assignments(option or []),
            issues=issues,
            notes=notes,
            progress=progress,
        )
    finally:
        show_notes(notes, issues)
    rows = {
        "sent": pushed.sent,
        "with new predictions": pushed.replaced,
        "there already": pushed.same,
        "left, as people have begun or annotated them": pushed.left,
        "of these, with another text than the corpus has now": pushed.changed,
        "removed, as they were there twice": pushed.removed,
        "not of this corpus": pushed.others,
    }
    for what, count in rows.items():
        if count or what == "sent":
            out.print(f"{count:,} tasks {what}", markup=False, highlight=False)
    err.print(f"Pushed to {pushed.project}", markup=False, highlight=False)


@app.command("pull", epilog=examples("review pull"))
def pull_command(
    tool: Tool,
    corpus: Annotated[Path, typer.Argument(help="What was pushed: a .spacy file or a folder of them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .spacy file to write.")],
    project: Project,
    labels: Labels = None,
    policy: Policy = "majority",
    each: Annotated[
        Path | None,
        typer.Option(help="A .spacy file with each person's annotation apart, a document for each."),
    ] = None,
    keep_unreviewed: Annotated[
        bool,
        typer.Option(
            "--keep-unreviewed",
            help="What nobody submitted keeps the corpus's annotation, as after `review suggest` on gold.",
        ),
    ] = False,
    report: Report = None,
    store: Annotated[
        str | None,
        typer.Option(help="The store of the chat model that annotated: OUT is given to it as feedback."),
    ] = None,
    lang: Lang = "en",
    option: Options = None,
) -> None:
    """Write what people submitted as a gold corpus; what nobody submitted is missing, and not O, unless it is kept."""
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.llm_feedback import check_store
    from spacy_ner_plus.workflows.review.pull import review_pull

    issues, notes = IssueLog(), []
    if store is not None:
        check_store(store)
    try:
        found = review_pull(
            corpus,
            project,
            out,
            tool=tool,
            labels=as_labels(labels),
            policy=policy,
            each=each,
            keep_unreviewed=keep_unreviewed,
            report=report,
            lang=lang,
            options=parse_assignments(option or []),
            issues=issues,
            notes=notes,
        )
    finally:
        show_notes(notes, issues)
    show_reviewed(found)
    if store is not None:
        llm_feedback.give(out, store)


@app.command("status", epilog=examples("review status"))
def status_command(
    tool: Tool,
    project: Project,
    curve: review_curve.Curve = None,
    config: review_curve.Config = None,
    dev: review_curve.Dev = None,
    sizes: review_curve.Sizes = 4,
    seeds: review_curve.Seeds = 2,
    steps: review_curve.Steps = None,
    minutes: review_curve.Minutes = 15.0,
    output: review_curve.Output = None,
    override: review_curve.Overrides = None,
    option: Options = None,
    lang: Lang = "en",
) -> None:
    """Say how many tasks are submitted, begun and open, and with --curve whether more would pay; nothing is changed."""
    from spacy_ner_plus.cli.console import out, progress
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.workflows.review.status import review_status

    if (curve is None) != (config is None):
        raise UserError(Errors.E767)

    found = review_status(project, tool=tool, options=parse_assignments(option or []))
    still = found.tasks - found.submitted - found.begun
    lines = [
        f"{found.project}: {found.tasks:,} tasks, {found.submitted:,} submitted or skipped, {found.begun:,} begun, "
        f"{still:,} open"
    ]
    if found.labels is not None:
        lines.append(f"Labels: {', '.join(found.labels)}")
    if found.others:
        lines.append(f"{found.others:,} tasks were not made by a push")
    for line in lines:
        out.print(line, markup=False, highlight=False)
    if curve is None or config is None:
        return
    from spacy_ner_plus.workflows.review.curve import learning_curve

    learnt = learning_curve(
        curve,
        config,
        curve.with_name(f"{curve.name}.curve.json") if output is None else output,
        dev=dev,
        sizes=sizes,
        seeds=seeds,
        steps=steps,
        minutes=minutes,
        overrides=override or (),
        lang=lang,
        progress=progress,
    )
    review_curve.show_curve(learnt)


@app.command("merge", epilog=examples("review merge"))
def merge_command(
    sets: Annotated[
        list[str], typer.Argument(metavar="A B ...", help="Annotation sets: .spacy files, also as NAME=FILE.")
    ],
    output: Annotated[Path, typer.Option("--output", "-O", help="The .spacy file to write.")],
    policy: Policy = "majority",
    report: Report = None,
    lang: Lang = "en",
) -> None:
    """Make one corpus of several people's or groups'; what they differ on and the policy doesn't keep is missing."""
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.review.merge import parse_sets, review_merge

    issues, notes = IssueLog(), []
    try:
        found = review_merge(
            parse_sets(sets), output, policy=policy, report=report, lang=lang, issues=issues, notes=notes
        )
    finally:
        show_notes(notes, issues)
    show_reviewed(found)


app.command("suggest", epilog=examples("review suggest"))(review_suggest.suggest_command)


def as_labels(given: str | None) -> "str | list[str] | None":
    """RETURNS (str | list[str] | None): Labels as the workflows take them."""
    from spacy_ner_plus.labels import shipped_label_sets

    if given and "," in given:
        # One alone ends with a comma.
        return [name.strip() for name in given.removesuffix(",").split(",")]
    word = bool(given) and given.replace("_", "a").replace("-", "a").isalnum()
    if word and given.isupper():
        return [given]
    if word and given not in shipped_label_sets():
        raise UserError(Errors.E797.format(name=given, sets=", ".join(shipped_label_sets())))
    return given


def show_notes(notes: list[str], issues: "IssueLog") -> None:
    """Print what the user should know, and what was lost."""
    from spacy_ner_plus.cli.console import err, print_notes

    print_notes(notes)
    for kind, issue in issues:
        where = f" ({issue.where})" if issue.where else ""
        line = f"{issue.count:,} of: {kind}, such as {issue.example}{where}"
        err.print(line, style="yellow", markup=False, highlight=False)


def show_reviewed(found: "Reviewed") -> None:
    """Print what people changed, how they agree, and what was written."""
    from rich.table import Table

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.cli.scores import percent

    kept = ", the others are as they were" if found.report.get("unreviewed_kept") else ""
    out.print(f"{found.reviewed:,} of {len(found.docs):,} documents are reviewed{kept}", highlight=False)
    if labels := found.report.get("labels"):
        table = Table("Label", box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for name in ("Predicted", "Accepted", "Rate", "After"):
            table.add_column(name, justify="right")
        for label, row in labels.items():
            counts = f"{row['predicted']:,}", f"{row['accepted']:,}"
            table.add_row(label, *counts, percent(row["rate"]), f"{row['after']:,}")
        out.print(table)
        changes = found.report["changes"]["kinds"]
        changed = ", ".join(f"{kind} {row['count']:,}" for kind, row in changes.items() if row["count"])
        out.print(f"What people changed: {changed or 'nothing'}", markup=False, highlight=False)
    for row in found.report["annotators"]:
        time = "" if row["median_seconds"] is None else f", {row['median_seconds']:.0f} s each (median)"
        line = f"{row['name'] or 'unnamed'}: {row['submissions']:,} submitted{time}"
        out.print(line, markup=False, highlight=False)
    agreement = found.report["agreement"]
    for pair in agreement["pairs"]:
        who = " and ".join(pair["annotators"])
        line = f"{who}: span F1 {percent(pair['f1'])} on {pair['documents']:,} documents"
        out.print(line, markup=False, highlight=False)
    if agreement["alpha"]["value"] is not None:
        out.print(f"Krippendorff's alpha: {agreement['alpha']['value']:.3f}", highlight=False)
    for path in (found.path, found.report_path):
        if path is not None:
            err.print(f"Wrote {path}", markup=False, highlight=False)
