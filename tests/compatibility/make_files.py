"""Writes files with the package as it was before its rooms, and what they gave.

    cd CHECKOUT_OF_7f81be9
    PYTHONPATH=. OMP_NUM_THREADS=1 python THIS_FILE OUTPUT_FOLDER

It runs in a checkout of commit 7f81be9 alone. Tests here load these files with the package of today. A
later version that changes what files hold gets a folder of its own beside this one; what older ones wrote
stays.
"""

import json
import os
import shutil
import sqlite3
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
# The address is part of the key of a reply; nothing listens there when tests run.
PORT = 18765
# Beyond one window of 30 wordpieces.
LONG = (
    "Anna Berg lives in Oslo and works for Acme Corp . In Paris , John Smith met Maria Lopez . Acme Corp opened an "
    "office in Berlin on Monday . Nobody from Globex was there . Maria Lopez flew from Oslo to Paris . The weather "
    "in Berlin is fine ."
)
OTHERS = [
    "Maria Berg works in Berlin for Globex .",
    "John Acme met Anna Lopez Corp in Monday",
    "",
    "fine weather .",
]
LABELS = {
    "PER": "Names of people.",
    "ORG": {"definition": "Companies.", "examples": ["Acme Corp"]},
    "LOC": {"definition": "Cities and countries.", "examples": ["Oslo", "Norway"]},
}
EXAMPLES = [
    {
        "text": "Bob left Rome.",
        "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC"}],
    },
    {"text": "Initech is for sale.", "spans": [{"start": 0, "end": 7, "label": "ORG"}]},
    {"text": "It rains.", "spans": []},
]


def save_small_encoder(folder: Path, family: str) -> str:
    """An encoder of 16 dimensions with random weights, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

    from tests.conftest import bpe_tokenizer, wordpiece_tokenizer

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    if family == "roberta":
        tokenizer = bpe_tokenizer()
        config = RobertaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=66,
            pad_token_id=tokenizer.pad_token_id,
            **sizes,
        )
        model = RobertaModel(config)
    else:
        tokenizer = wordpiece_tokenizer()
        model = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes))
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


def small_pipeline():
    """A blank pipeline without the rules of spaCy's tokenizer, which would be most of it when it is saved."""
    import re

    import spacy

    nlp = spacy.blank("xx")
    nlp.tokenizer.rules = {}
    nlp.tokenizer.url_match = None
    nlp.tokenizer.prefix_search = re.compile(r"""^["“(]""").search
    nlp.tokenizer.suffix_search = re.compile(r"""(["”),]|(?<!U\.S)\.)$""").search
    nlp.tokenizer.infix_finditer = re.compile(r"-").finditer
    return nlp


def train_pipeline(model: dict, steps: int, **settings):
    import torch
    from thinc.api import Adam, fix_random_seed

    from tests.conftest import make_examples

    fix_random_seed(0)
    torch.set_num_threads(1)
    nlp = small_pipeline()
    nlp.add_pipe("transformer_ner", config={"model": model, **settings})
    nlp.initialize(lambda: make_examples(nlp))
    optimizer = Adam(1e-2, use_averages=False)
    for _ in range(steps):
        nlp.update(make_examples(nlp), sgd=optimizer, drop=0.1)
    return nlp


def tagger(encoder: str, **settings) -> dict:
    base = {"@architectures": "spacy_ner_plus.TransformerTagger.v1", "encoder": encoder}
    return {**base, "window": 30, "overlap": 10, "lead": 6, **settings}


def cnn() -> dict:
    tok2vec = {
        "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 16, "depth": 2,
        "embed_size": 100, "window_size": 1, "maxout_pieces": 2, "subword_features": True,
    }  # fmt: skip
    return {"@architectures": "spacy_ner_plus.Tok2VecTagger.v1", "tok2vec": tok2vec}


def texts() -> list[str]:
    from tests.conftest import TEXTS

    return [*TEXTS, LONG, *OTHERS, *(" ".join(words) for words, _ in doubtful_rows()[:8])]


def doubtful_rows() -> list[tuple[list[str], list[str]]]:
    """Words and tags in which names stand where others stood in training, so that pipelines go wrong."""
    import random

    from tests.conftest import TAGS, TEXTS

    chance = random.Random(5)
    names = [word for text in TEXTS for word in text.split() if word[0].isupper()]
    rows = []
    for _ in range(6):
        for text, tags in zip(TEXTS, TAGS, strict=True):
            words = [
                chance.choice(names) if w in names and chance.random() < 0.5 else w for w in text.split()
            ]
            rows.append((words, tags.split()))
    return rows


def make_pipelines(out: Path, work: Path) -> dict:
    import spacy
    from found import found
    from spacy.tokens import Doc, DocBin

    from spacy_ner_plus.cli.calibrate import calibrate_pipeline
    from tests.conftest import make_docs

    # Relative paths, so that no file names a folder of the machine that made it.
    os.chdir(out)
    encoder = save_small_encoder(Path("encoder"), "bert")
    cpu = {"device": "cpu", "precision": "fp32"}
    expected = {}

    nlp = train_pipeline(tagger(encoder), 30, threshold=0.5, spans_key="found", **cpu)
    nlp.to_disk(out / "transformer_ner")
    # Gold that says of every fourth copy of a text that nothing in it is an entity.
    docs = []
    for i in range(12):
        for doc in make_docs(nlp.vocab):
            nothing = Doc(nlp.vocab, words=[token.text for token in doc], ents=["O"] * len(doc))
            docs.append(nothing if i % 4 == 0 else doc)
    DocBin(docs=docs).to_disk(work / "dev.spacy")
    calibrate_pipeline(str(out / "transformer_ner"), work / "dev.spacy")
    expected["transformer_ner"] = found(spacy.load(out / "transformer_ner").pipe(texts()), "found")
    lower = {"components": {"transformer_ner": {"threshold": 0.0}}}
    expected["transformer_ner, threshold 0"] = found(
        spacy.load(out / "transformer_ner", config=lower).pipe(texts()), "found"
    )
    (out / "transformer_ner.bytes").write_bytes(spacy.load("transformer_ner").to_bytes())

    roberta = save_small_encoder(Path("roberta"), "roberta")
    nlp = train_pipeline(tagger(roberta, case_features="never"), 12, consistency=0.0, **cpu)
    nlp.to_disk(out / "roberta_ner")
    shutil.rmtree("roberta")
    expected["roberta_ner"] = found(spacy.load(out / "roberta_ner").pipe(texts()), "transformer_ner")

    nlp = train_pipeline(cnn(), 14)
    nlp.to_disk(out / "cnn_ner")
    expected["cnn_ner"] = found(spacy.load(out / "cnn_ner").pipe(texts()), "transformer_ner")
    return expected


def make_llm(out: Path, work: Path) -> dict:
    import spacy
    from found import found
    from scripted_server import REPLIES, TEXTS, scripted_server

    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    (work / "labels.json").write_text(json.dumps(LABELS))
    (work / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in EXAMPLES))
    os.chdir(work)
    expected = {}

    def pipeline(name: str, url: str, model: dict, **settings):
        nlp = small_pipeline()
        model = {"base_url": url, "name": name, "store": "replies.sqlite", "retry_base": 0.01, **model}
        config = {
            "labels": "labels.json",
            "examples": "examples.jsonl",
            "n_examples": 2,
            "model": model,
            **settings,
        }
        nlp.add_pipe("structured_llm_ner", config=config)
        nlp.initialize()
        return nlp

    def ask(nlp, some: list[str]) -> list[dict]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            docs = list(nlp.pipe(some))
        rows = found(docs, "structured_llm_ner")
        # Closed, so that the file is whole.
        nlp.get_pipe("structured_llm_ner").client.close()
        return rows

    with scripted_server(PORT) as url:
        for format in REPLIES:
            nlp = pipeline(format, url, {"structured": "json_schema"}, format=format, fuzzy_threshold=0.8)
            nlp.to_disk(out / f"llm_{format}")
            expected[f"llm_{format}"] = ask(nlp, list(TEXTS.values()))
    (out / "llm_label_lists.bytes").write_bytes(
        spacy.load(out / "llm_label_lists").get_pipe("structured_llm_ner").to_bytes(exclude=["vocab"])
    )
    faults = ("fence", "think", "cut-json", "prose", "invent", "case")
    some = [f"Anna met Bob{'x' * i} in Oslo and Paris on day {i}." for i in range(8)]
    with FaultServer(Behaviour(fault_rate=0.6, faults=faults, seed=3), port=PORT) as server:
        nlp = pipeline(
            "faults", server.url, {"temperature": 0.7, "seed": 1, "logprobs": True}, samples=2, threshold=0.4
        )
        nlp.to_disk(out / "llm_faults")
        expected["llm_faults"] = ask(nlp, some)
    os.chdir(HERE)
    with sqlite3.connect(work / "replies.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    connection.close()
    shutil.copyfile(work / "replies.sqlite", out / "replies.sqlite")
    return expected


def make_metrics(out: Path, work: Path) -> None:
    import spacy
    from scripted_server import TEXTS
    from spacy.tokens import Doc, DocBin

    from spacy_ner_plus.cli.compare import compare
    from spacy_ner_plus.cli.evaluate import evaluate
    from tests.conftest import make_docs

    nlp = spacy.blank("xx")
    docs = make_docs(nlp.vocab)
    rows = doubtful_rows()
    golds = [Doc(nlp.vocab, words=words, ents=tags) for words, tags in rows]
    # Some whose white space is known, so that pipelines tokenize them.
    golds += [Doc(nlp.vocab, words=w, spaces=[True] * len(w), ents=tags) for w, tags in rows[:12]]
    DocBin(docs=golds).to_disk(out / "gold.spacy")
    for name in ("transformer_ner", "roberta_ner", "cnn_ner"):
        # One with a training corpus, for seen and unseen entities, and a scale of likeness of its own.
        DocBin(docs=docs[:2]).to_disk(work / "train.spacy")
        more = {"train": work / "train.spacy", "fuzzy": 80.0} if name == "cnn_ner" else {}
        evaluate(
            str(out / name),
            out / "gold.spacy",
            output=out / f"{name}.json",
            resamples=200,
            examples=2,
            **more,
        )
    llm_golds = [nlp(text) for text in TEXTS.values()]
    for doc in llm_golds:
        name = "John Smith" if "John Smith" in doc.text else "Maria Lopez"
        at = doc.text.find(name)
        doc.ents = [doc.char_span(at, at + len(name), label="PER")] if at >= 0 else []
    DocBin(docs=llm_golds).to_disk(out / "llm_gold.spacy")
    os.chdir(out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        overrides = [
            "components.structured_llm_ner.model.store=replies.sqlite",
            "components.structured_llm_ner.model.replay_only=true",
        ]
        evaluate(
            str(out / "llm_label_lists"), out / "llm_gold.spacy", output=out / "llm_label_lists.json",
            overrides=overrides, resamples=0,
        )  # fmt: skip
    sources = [str(out / f"{name}.json") for name in ("transformer_ner", "roberta_ner", "cnn_ner")]
    for name, corpus in (("comparison", out / "gold.spacy"), ("comparison_of_metrics", None)):
        compare(sources, work / name, corpus=corpus, resamples=200, rounds=500)
        shutil.copyfile(work / name / "comparison.json", out / f"{name}.json")


def make_configs(out: Path, checkout: Path) -> dict:
    import spacy
    from spacy.tokens import DocBin
    from spacy.training import Example
    from thinc.api import Config

    (out / "configs").mkdir()
    for path in sorted((checkout / "configs").glob("*.cfg")):
        shutil.copyfile(path, out / "configs" / path.name)
    scorer = {"@scorers": "spacy_ner_plus.ner_scorer.v1", "train": "gold.spacy", "likeness": 65.0}
    nlp = train_pipeline(cnn(), 10, scorer=scorer)
    config = Config(nlp.config)
    config.to_disk(out / "configs" / "scorer_with_likeness.cfg")
    os.chdir(out)
    rows = {}
    pipeline = spacy.load(out / "cnn_ner", config={"components": {"transformer_ner": {"scorer": scorer}}})
    golds = DocBin().from_disk(out / "gold.spacy").get_docs(pipeline.vocab)
    scores = pipeline.evaluate([Example(pipeline.make_doc(gold.text), gold) for gold in golds])
    rows["scorer_with_likeness"] = {key: value for key, value in scores.items() if key.startswith("ents_")}
    os.chdir(HERE)
    return rows


def main(out: Path) -> None:
    import platform
    import tempfile

    import torch
    from fifty_steps import train
    from safetensors.numpy import save_file
    from spacy_ner_plus.evaluation.performance import processor

    from spacy_ner_plus import __version__

    checkout = Path.cwd()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        expected = {"pipelines": make_pipelines(out, work), "llm": make_llm(out, work)}
        make_metrics(out, work)
        expected["scores"] = make_configs(out, checkout)
    save_file(train(str(out / "encoder")), out / "fifty_steps.safetensors")
    expected["made_on"] = {
        "version": __version__, "commit": "7f81be9", "processor": processor(), "torch": torch.__version__,
        "python": platform.python_version(),
    }  # fmt: skip
    (out / "expected.json").write_text(
        json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf8"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
