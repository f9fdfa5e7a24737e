"""A synthetic corpus of requests to an assistant."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from spacy_ner_plus.issues import IssueLog

PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Generated:
    """A corpus that was made.

    entities (dict[str, list[tuple[str, str]]]): Label and text of the entities, by part.
    records (dict[str, int]): How many records each part has.
    shared (list[str]): Entities that are in several parts, in lower case; there should be none.
    baseline (dict[str, Any]): What the baseline trained on train scores on dev.
    """

    entities: dict[str, list[tuple[str, str]]]
    records: dict[str, int]
    shared: list[str]
    baseline: dict[str, Any]


def generate(
    target: str | Path, *, train: int = 200, dev: int = 50, test: int = 0, seed: int = 0, lang: str = "en"
) -> Generated:
    """Make a corpus and write it as train.json, dev.json and test.json of the form `bio-json`.

    target (str | Path): The folder, which is made where it is missing.
    train (int): Records to train on. Default: 200.
    dev (int): Records to choose the best step on. Default: 50.
    test (int): Records to evaluate on, which share templates with dev's. Default: 0 for none.
    seed (int): The same seed makes the same files. Default: 0.
    lang (str): Language of the templates. Default: 'en'.
    RAISES (UserError): More records than there can be, an unknown language, a
        folder that can't be written to.
    """
    import spacy

    from spacy_ner_plus.annotation.generate import generate_corpus, record_entities, records_to_json
    from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs
    from spacy_ner_plus.evaluation.baseline import predict_baseline
    from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.files import cant_write, write_whole

    folder = Path(target)
    if folder.exists() and not folder.is_dir():
        raise cant_write(folder, "it is a file")
    # Without a test part there are two.
    parts = dict(zip(PARTS, generate_corpus(train, dev, test=test, seed=seed, lang=lang), strict=False))
    entities = {part: record_entities(records, lang) for part, records in parts.items()}
    surfaces = {part: {text.lower() for _, text in found} for part, found in entities.items()}
    nlp = spacy.blank(lang)
    texts = {part: records_to_json(records) for part, records in parts.items()}
    train_docs, dev_docs = (
        list(bio_json_to_docs(texts[part].split("\n"), nlp, issues=IssueLog(), where=""))
        for part in ("train", "dev")
    )
    baseline = seqeval_scores(match_docs(dev_docs, predict_baseline(train_docs, dev_docs)))
    for part, text in texts.items():
        write_whole(folder / f"{part}.json", text.encode("utf-8"))
    counts = {part: len(records) for part, records in parts.items()}
    shared = {text for one, other in combinations(surfaces.values(), 2) for text in one & other}
    return Generated(entities, counts, sorted(shared), baseline)
