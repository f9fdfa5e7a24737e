"""Annotates texts with a pipeline that takes its time and notes each text: a program for tests to kill."""

import sys
import time
from pathlib import Path

import spacy
from spacy.language import Language

from spacy_ner_plus.workflows.annotate import annotate


@Language.factory("slow_and_noted", default_config={"log": "", "seconds": 0.0})
def make_slow_and_noted(nlp, name, log, seconds):
    def call(doc):
        with Path(log).open("a", encoding="utf8") as file:
            file.write(f"{doc.text}\n")
        time.sleep(seconds)
        doc.set_ents([], default="outside")
        return doc

    return call


def save_pipeline(folder: Path, log: Path, seconds: float) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("slow_and_noted", config={"log": str(log), "seconds": seconds})
    nlp.to_disk(folder)


if __name__ == "__main__":
    pipeline, texts, target = sys.argv[1:]
    annotate(pipeline, texts, target, shard_size=5, batch_size=1)
