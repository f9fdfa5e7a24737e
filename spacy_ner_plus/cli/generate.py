"""`spacy-ner-plus generate`: a synthetic corpus of requests to an assistant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = 3  # entities of a label that are shown for each part


class Generated(NamedTuple):
    """A corpus that was made.

    entities (dict[str, list[tuple[str, str]]]): Label and text of the entities, by part.
    records (dict[str, int]): How many records each part has.
    shared (list[str]): Entities that are in both parts, in lower case; there should be none.
    baseline (dict[str, Any]): What the baseline trained on train scores on dev.
    """

    entities: dict[str, list[tuple[str, str]]]
    records: dict[str, int]
    shared: list[str]
    baseline: dict[str, Any]


def generate_command(
    out_dir: Annotated[Path, typer.Argument(help="Folder for train.json and dev.json.")],
    train: Annotated[int, typer.Option(help="Records to train on.")] = 200,
    dev: Annotated[int, typer.Option(help="Records to evaluate on.")] = 50,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    lang: Annotated[str, typer.Option(help="Language of the templates.")] = "en",
) -> None:
    """Make a labelled corpus of requests to an assistant, in two parts that share no entity."""
    from spacy_ner_plus.cli.console import err, out

    with err.status("Making the corpus"):
        made = generate(out_dir, train=train, dev=dev, seed=seed, lang=lang)
    out.print(_table(made))
    shared = ", ".join(made.shared)
    verdict = (
        f"Entities in both parts: {shared}" if shared else "No entity is in both parts, whatever its case."
    )
    out.print(verdict, markup=False, highlight=False)
    f1 = made.baseline["f1"]
    out.print(
        f"Most frequent tag and regular expressions, trained on train: F1 {f1:.3f} on dev.", highlight=False
    )
    err.print(f"Written: {out_dir / 'train.json'}, {out_dir / 'dev.json'}", markup=False, highlight=False)


def generate(out_dir: Path, *, train: int = 200, dev: int = 50, seed: int = 0, lang: str = "en") -> Generated:
    """Make a corpus and write it as train.json and dev.json of the form `bio-json`.

    out_dir (Path): The folder, which is made where it is missing.
    train (int): Records to train on.
    dev (int): Records to evaluate on.
    seed (int): The seed.
    lang (str): Language of the templates.
    RETURNS (Generated): What was made.
    RAISES (UserError): More records than there can be, an unknown language, a
        folder that can't be written to.
    """
    import spacy

    from spacy_ner_plus.annotation.generate import generate_corpus, record_entities, records_to_json
    from spacy_ner_plus.data.bio_json import bio_json_to_docs
    from spacy_ner_plus.evaluation.baseline import predict_baseline
    from spacy_ner_plus.evaluation.counting.seqeval_scores import score_docs
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.issues import IssueLog

    if out_dir.exists() and not out_dir.is_dir():
        raise UserError(Errors.E303.format(path=out_dir, reason="it is a file"))
    parts = dict(zip(("train", "dev"), generate_corpus(train, dev, seed=seed, lang=lang), strict=True))
    entities = {part: record_entities(records, lang) for part, records in parts.items()}
    surfaces = [{text.lower() for _, text in found} for found in entities.values()]
    nlp = spacy.blank(lang)
    texts = {part: records_to_json(records) for part, records in parts.items()}
    train_docs, dev_docs = (
        list(bio_json_to_docs(text.split("\n"), nlp, issues=IssueLog(), where="")) for text in texts.values()
    )
    baseline = score_docs(dev_docs, predict_baseline(train_docs, dev_docs))
    for part, text in texts.items():
        write_whole(out_dir / f"{part}.json", text.encode("utf-8"))
    counts = {part: len(records) for part, records in parts.items()}
    return Generated(entities, counts, sorted(surfaces[0] & surfaces[1]), baseline)


def _table(made: Generated) -> "Table":
    """List how many entities of each label both parts have, and the first of them."""
    from rich.markup import escape
    from rich.table import Table

    title = ", ".join(f"{part}: {count:,} records" for part, count in made.records.items())
    table = Table("label", "part", title=title)
    table.add_column("entities", justify="right")
    table.add_column("such as", overflow="fold")
    for label in sorted({label for found in made.entities.values() for label, _ in found}):
        for part, found in made.entities.items():
            texts = [text for other, text in found if other == label]
            examples = " · ".join(list(dict.fromkeys(texts))[:EXAMPLES])
            table.add_row(label if part == "train" else "", part, f"{len(texts):,}", escape(examples))
        table.add_section()
    return table
