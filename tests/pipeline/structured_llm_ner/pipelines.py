"""Pipelines that ask a simulated chat model, which knows the answers and errs at stated rates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.llm.store.store import Store
from tests.servers.gold_server import GoldServer, Mistakes

NAME = "structured_llm_ner"
LABELS = ["PER", "LOC"]
PLACES = ["Oslo", "Rome", "Lima", "Bern", "Kyiv", "Cairo"]
GOLD = {
    f"Mr Berg{i} {verb} to {PLACES[i % 6]} on {day}.": [(f"Berg{i}", "PER"), (PLACES[i % 6], "LOC")]
    for i, (verb, day) in enumerate(
        [("flew", "Friday"), ("went back", "a cold day in May"), ("wrote a letter", "his way home")] * 4
    )
}
TEXTS = list(GOLD)
# By the model's name: one that errs, one that doesn't, and one that names nothing of the text.
MISTAKES = {"a": Mistakes(missed=0.5), "b": Mistakes(), "c": Mistakes(wrong_label=1.0)}


@contextmanager
def gold_server() -> Iterator[GoldServer]:
    with GoldServer(GOLD, LABELS, MISTAKES) as server:
        yield server


def make_pipeline(
    url: str, store: Path | None = None, model: dict[str, Any] | None = None, **config: Any
) -> Language:
    nlp = spacy.blank("en")
    given = {"base_url": url, "name": "b", "structured": "json_object", "retry_base": 0.01, **(model or {})}
    if store is not None:
        given["store"] = str(store)
    nlp.add_pipe(NAME, config={"labels": LABELS, "model": given, **config})
    return nlp


def named(nlp: Language, texts: Sequence[str] = TEXTS, episode: str = "mine") -> list[Doc]:
    """RETURNS (list[Doc]): Docs of one named episode, so that each run draws the same."""
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs:
        doc._.episode = episode
    return docs


def inferences(store: Path) -> list[Any]:
    with Store(store, read_only=True) as opened:
        return list(opened.inferences.all())
