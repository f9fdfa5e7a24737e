"""The typer app: which commands there are."""

from typing import Annotated

import typer

from spacy_ner_plus.about import __version__
from spacy_ner_plus.cli import (
    annotate,
    average,
    bootstrap_corpus,
    calibrate,
    check_corpus,
    check_package,
    check_project,
    compare,
    convert,
    convert_corpus,
    distil,
    evaluate,
    formats,
    generate,
    gold_review,
    import_gliner,
    import_hf,
    info,
    init,
    llm,
    model_card,
    model_table,
    package,
    predict,
    record,
    render,
    review,
    select,
    spacy_commands,
    stats,
    train,
)
from spacy_ner_plus.cli.examples import examples

app = typer.Typer(
    name="spacy-ner-plus",
    help="Named entity recognition for spaCy: convert, train, evaluate, look, package.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from spacy_ner_plus.cli.console import out

        out.print(f"spacy-ner-plus {__version__}", markup=False, highlight=False)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    """Named entity recognition for spaCy: convert, train, evaluate, look, package."""


app.command("convert", epilog=examples("convert"))(convert.convert_command)
app.command("formats", epilog=examples("formats"))(formats.formats_command)
app.command("convert-corpus", epilog=examples("convert-corpus"))(convert_corpus.convert_corpus_command)
app.command("stats", epilog=examples("stats"), context_settings=stats.SETTINGS)(stats.stats_command)
app.command("init", epilog=examples("init"))(init.init_command)
app.command("check-project", epilog=examples("check-project"))(check_project.check_project_command)
app.command("check-corpus", epilog=examples("check-corpus"))(check_corpus.check_corpus_command)
app.command("bootstrap-corpus", epilog=examples("bootstrap-corpus"))(
    bootstrap_corpus.bootstrap_corpus_command
)
app.command("gold-review", epilog=examples("gold-review"))(gold_review.gold_review_command)
app.command("generate", epilog=examples("generate"))(generate.generate_command)
app.command("annotate", epilog=examples("annotate"))(annotate.annotate_command)
app.command("distil", epilog=examples("distil"))(distil.distil_command)
app.command("select", epilog=examples("select"))(select.select_command)
app.command("train", epilog=examples("train"), context_settings=train.OVERRIDES)(train.train_command)
app.command("average", epilog=examples("average"))(average.average_command)
app.command("calibrate", epilog=examples("calibrate"))(calibrate.calibrate_command)
app.command("evaluate", epilog=examples("evaluate"))(evaluate.evaluate_command)
app.command("compare", epilog=examples("compare"))(compare.compare_command)
app.command("predict", epilog=examples("predict"))(predict.predict_command)
app.command("record", epilog=examples("record"))(record.record_command)
app.command("render", epilog=examples("render"))(render.render_command)
app.command("package", epilog=examples("package"))(package.package_command)
app.command("test-package", epilog=examples("test-package"))(check_package.check_package_command)
app.command("model-card", epilog=examples("model-card"))(model_card.model_card_command)
app.command("model-table", epilog=examples("model-table"))(model_table.model_table_command)
app.command("import-gliner", epilog=examples("import-gliner"))(import_gliner.import_gliner_command)
app.command("import-hf", epilog=examples("import-hf"))(import_hf.import_hf_command)
app.command("info", epilog=examples("info"))(info.info_command)
app.add_typer(llm.app, name="llm")
app.add_typer(review.app, name="review")
app.command("spacy", context_settings=spacy_commands.PASS_ON)(spacy_commands.spacy_command)


def main() -> None:
    """Run the command line; a `UserError` is one message and exit code 1, as typer does it."""
    app()
