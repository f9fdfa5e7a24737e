"""The typer app: which commands there are."""

import typer

from spacy_ner_plus.cli import (
    calibrate,
    check_corpus,
    check_package,
    check_project,
    compare,
    convert,
    convert_corpus,
    evaluate,
    generate,
    import_hf,
    init,
    llm,
    model_card,
    package,
    predict,
    record,
    render,
    spacy_commands,
    stats,
    train,
)

app = typer.Typer(
    name="spacy-ner-plus",
    help="Named entity recognition for spaCy: convert, train, evaluate, look, package.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Keep commands named even where there is only one."""


app.command("convert")(convert.convert_command)
app.command("convert-corpus")(convert_corpus.convert_corpus_command)
app.command("stats", context_settings=stats.SETTINGS)(stats.stats_command)
app.command("init")(init.init_command)
app.command("check-project")(check_project.check_project_command)
app.command("check-corpus")(check_corpus.check_corpus_command)
app.command("generate")(generate.generate_command)
app.command("train", context_settings=train.OVERRIDES)(train.train_command)
app.command("calibrate")(calibrate.calibrate_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("compare")(compare.compare_command)
app.command("predict")(predict.predict_command)
app.command("record")(record.record_command)
app.command("render")(render.render_command)
app.command("package")(package.package_command)
app.command("test-package")(check_package.check_package_command)
app.command("model-card")(model_card.model_card_command)
app.command("import-hf")(import_hf.import_hf_command)
app.add_typer(llm.app, name="llm")
app.command("spacy", context_settings=spacy_commands.PASS_ON)(spacy_commands.spacy_command)


def main() -> None:
    """Run the command line; a `UserError` is one message and exit code 1, as typer does it."""
    app()
