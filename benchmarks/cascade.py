"""A SIMULATION of a cascade: F1 against the share of the sentences that a chat model is asked about.

    python benchmarks/cascade.py training/quarter/model-best corpus/conll-sentences/test.spacy \\
        --output benchmarks/results/cascade.json

The first component is a trained transformer_ner. The chat model is simulated by a server that knows gold and makes
mistakes at stated rates (tests/servers/gold_server.py): each rate E leaves out E of the entities, gives E of them a
wrong label, and names a word that is none as often. Everything else is what users run: structured_llm_ner with
`cascade`, its threshold chosen so that the share is asked; replies are kept, so that each sentence is asked about once.
Beside it the same share of sentences chosen at random, as the mean of 20 draws.
"""

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

import spacy
from corpus_parts import describe
from peers.sentences import doc_entities
from processes import machine
from results import save
from scoring import score
from spacy.tokens import Doc

from spacy_ner_plus.corpus import bare_copy, load_docs
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from tests.servers.gold_server import GoldServer, Mistakes

SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
DRAWS = 20
NAME = "simulated"


def main(options: argparse.Namespace) -> None:
    nlp = spacy.load(options.pipeline)
    golds = load_docs(options.corpus, nlp.vocab, options.limit)
    labels = sorted({ent.label_ for doc in golds for ent in doc.ents})
    answers = {doc.text: [(ent.text, ent.label_) for ent in doc.ents] for doc in golds}
    first = list(nlp.pipe(bare_copy(doc, nlp.vocab) for doc in golds))
    unsure = sorted((uncertainty(doc, "transformer_ner") for doc in first), reverse=True)
    cheap = [doc_entities(doc) for doc in first]
    results: dict[str, Any] = {
        "simulation": True,
        "machine": machine(1),
        "corpus": describe(golds),
        "first_f1": score(golds, cheap)["f1"],
        "runs": [],
    }
    for rate in options.errors:
        mistakes = {NAME: Mistakes(rate, rate, rate)}
        with GoldServer(answers, labels, mistakes) as server, tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "replies.sqlite"
            asked = cascade(options.pipeline, golds, labels, server.url, store, None)
            rows = []
            for share in SHARES:
                count = round(share * len(golds))
                threshold = unsure[count - 1] if count else None
                found = (
                    cheap
                    if threshold is None
                    else cascade(options.pipeline, golds, labels, server.url, store, threshold)
                )
                rows.append(
                    {
                        "share": share,
                        "asked": sum(value >= threshold for value in unsure) if threshold is not None else 0,
                        "f1": score(golds, found)["f1"],
                        "f1_at_random": at_random(golds, cheap, asked, count),
                    }
                )
                print(rate, rows[-1], flush=True)
            results["runs"].append(
                {
                    "mistakes": rate,
                    "alone_f1": score(golds, asked)["f1"],
                    "requests": server.requests,
                    "curve": rows,
                }
            )
    save(options.output, results)


Entities = list[list[tuple[int, int, str]]]


def cascade(
    pipeline: str, golds: list[Doc], labels: list[str], url: str, store: Path, threshold: float | None
) -> Entities:
    """RETURNS (Entities): What the pipeline finds with a chat model behind it; without a threshold the model alone."""
    nlp = spacy.load(pipeline) if threshold is not None else spacy.blank("en")
    given = None if threshold is None else {"uncertainty": threshold, "component": "transformer_ner"}
    model = {"base_url": url, "name": NAME, "structured": "off", "store": str(store)}
    nlp.add_pipe(
        "structured_llm_ner",
        config={"labels": labels, "format": "label_lists", "cascade": given, "model": model},
    )
    return [doc_entities(doc) for doc in nlp.pipe(bare_copy(doc, nlp.vocab) for doc in golds)]


def at_random(golds: list[Doc], cheap: Entities, asked: Entities, count: int) -> float:
    """RETURNS (float): Mean F1 where as many sentences are chosen by lot."""
    scores = []
    for seed in range(DRAWS):
        chosen = set(random.Random(seed).sample(range(len(golds)), count))
        mixed = [asked[i] if i in chosen else cheap[i] for i in range(len(golds))]
        scores.append(score(golds, mixed)["f1"])
    return round(sum(scores) / len(scores), 4)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", help="a trained pipeline with transformer_ner")
    parser.add_argument("corpus", type=Path, help="gold, as .spacy")
    parser.add_argument("--errors", type=float, nargs="+", default=[0.02, 0.05, 0.1], help="(0.02 0.05 0.1)")
    parser.add_argument("--limit", type=int, default=0, help="only so many sentences")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
