import json

import pytest
import spacy

from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.learning.export.chats import HIDDEN
from spacy_ner_plus.learning.export.parts import EXCLUDED
from spacy_ner_plus.learning.fine_tuning_jobs import check_chats
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.requests import ReplyStatus
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.spans import doc_to_tags
from spacy_ner_plus.workflows.llm_export import export_inferences
from spacy_ner_plus.workflows.llm_feedback import llm_feedback
from tests.learning.export.stored import ANNA, OSLO, TEXT, answered, prompter
from tests.servers.gold_server import GoldServer, Mistakes

NLP = spacy.blank("en")
COUNT = 12


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Texts of which each second one was found wrong and corrected."""
    path = tmp_path_factory.mktemp("store") / "replies.sqlite"
    with Store(path) as opened:
        for number in range(COUNT):
            text = f"{TEXT} {number} {number * 7919} and {number * 104729} or {number * 31}"
            is_right = number % 2 == 0
            inference = answered(opened, text, (ANNA, OSLO) if is_right else (ANNA,))
            opened.feedback.add(inference.id, "jaccard", 1.0 if is_right else 0.5)
            opened.feedback.add(inference.id, "demonstration", (ANNA, OSLO))
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def texts_of(rows):
    return {row["messages"][-2]["content"] for row in rows}


def test_llm_export_writes_chats(store, tmp_path):
    before = store.read_bytes()
    done = export_inferences(
        store,
        tmp_path / "train.jsonl",
        metric="jaccard",
        least=0.6,
        dev=tmp_path / "dev.jsonl",
        dev_share=0.4,
    )
    train, dev = rows_of(tmp_path / "train.jsonl"), rows_of(tmp_path / "dev.jsonl")
    assert (done.train, done.dev) == (len(train), len(dev))
    assert done.train + done.dev == COUNT
    assert (done.corrected, done.raw) == (COUNT // 2, COUNT // 2)
    assert texts_of(train).isdisjoint(texts_of(dev))
    for row in (*train, *dev):
        assert json.loads(row["messages"][-1]["content"]) == {"PER": ["Anna"], "LOC": ["Oslo"]}
    assert store.read_bytes() == before
    # The same store gives the same files.
    first = (tmp_path / "train.jsonl").read_bytes()
    export_inferences(
        store,
        tmp_path / "train.jsonl",
        metric="jaccard",
        least=0.6,
        dev=tmp_path / "dev.jsonl",
        dev_share=0.4,
    )
    assert (tmp_path / "train.jsonl").read_bytes() == first


def test_llm_export_writes_a_corpus_without_what_is_excluded(store, tmp_path):
    with Store(store, read_only=True) as opened:
        texts = [inference.text for inference in opened.inferences.all()]
    save_docs([NLP(texts[0]), NLP(texts[1].upper())], tmp_path / "test.spacy")
    done = export_inferences(store, tmp_path / "train.spacy", exclude=[tmp_path / "test.spacy"])
    docs = load_docs(tmp_path / "train.spacy", NLP.vocab)
    assert {doc.text for doc in docs} == set(texts[2:])
    assert all(doc_to_tags(doc)[:5] == ["B-PER", "O", "O", "B-LOC", "O"] for doc in docs)
    assert (done.train, done.left_out[EXCLUDED]) == (COUNT - 2, 2)


@pytest.mark.parametrize("format", ["label_lists", "per_type"])
def test_llm_export_shows_no_example_of_a_text_that_is_left_out(tmp_path, format):
    labels = ["PER", "LOC"] if format == "label_lists" else ["PER"]
    numbers = {name: f"{number * 7919} and {number * 104729}" for number, name in enumerate("abcdefgh", 1)}
    texts = [f"{TEXT} {rest}" for rest in numbers.values()]
    secret, dry, seen = "Cy saw the old red mill in Rome.", "Dora never came by train.", "Bo left."
    shown = [Demonstration(text, ()) for text in (secret, f"  {secret.upper()}", dry, seen, *texts)]
    with Store(tmp_path / "s.sqlite") as opened:
        opened.dry_texts.add([text_hash(dry)])
        for text in texts:
            asked = prompter(format, labels, [one for one in shown if one.text != text])
            inference = answered(opened, text, (ANNA,), raw="?", asked=asked, status=ReplyStatus.REPAIRED)
            opened.feedback.add(inference.id, "exact_match", True)
    save_docs([NLP(secret)], tmp_path / "test.spacy")
    done = export_inferences(
        tmp_path / "s.sqlite",
        tmp_path / "train.jsonl",
        dev=tmp_path / "dev.jsonl",
        dev_share=0.4,
        exclude=[tmp_path / "test.spacy"],
    )
    train, dev = ((tmp_path / name).read_text(encoding="utf8") for name in ("train.jsonl", "dev.jsonl"))
    for part in (train, dev):
        assert not any(text.lower() in part.lower() for text in (secret, dry))
        assert all(seen in line for line in part.splitlines())
    turn = -2 if format == "label_lists" else -4
    of_dev = {
        row["messages"][turn]["content"].removeprefix("Text: ") for row in rows_of(tmp_path / "dev.jsonl")
    }
    assert len(of_dev) == done.dev > 0
    assert not any(text in train for text in of_dev)
    assert all(any(text in line for text in set(texts) - of_dev) for line in train.splitlines())
    assert done.left_out[HIDDEN] == 3 * len(texts) + done.train * done.dev
    assert check_chats(tmp_path / "train.jsonl") == done.train


def test_llm_export_writes_all_or_nothing(store, tmp_path):
    with pytest.raises(UserError, match=r"E862.*another variant"):
        export_inferences(store, tmp_path / "train.jsonl", variants=["none"])
    for output, dev in (("a.json", None), ("a.jsonl", "b.spacy"), ("a.jsonl", "a.jsonl")):
        with pytest.raises(UserError, match="E863"):
            export_inferences(store, tmp_path / output, dev=dev and tmp_path / dev)
    with pytest.raises(UserError, match="E861"):
        export_inferences(store, tmp_path / "a.jsonl", dev=tmp_path / "b.jsonl", dev_share=1.0)
    with pytest.raises(UserError, match=r"E841.*nan"):
        export_inferences(store, tmp_path / "a.jsonl", least=float("nan"))
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    with pytest.raises(UserError, match="jsonl"):
        export_inferences(store, tmp_path / "a.jsonl", dev=tmp_path / "b.jsonl", dev_share=0.4)
    (tmp_path / "b.jsonl").unlink()
    save_docs([NLP("Bo left.")], tmp_path / "test.spacy")
    before = (tmp_path / "test.spacy").read_bytes()
    with pytest.raises(UserError, match=r"test\.spacy"):
        export_inferences(store, tmp_path / "test.spacy", exclude=[tmp_path / "test.spacy"])
    assert (tmp_path / "test.spacy").read_bytes() == before
    (tmp_path / "test.spacy").unlink()
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UserError, match=r"E303.*folder\.jsonl"):
        export_inferences(store, tmp_path / "a.jsonl", dev=tmp_path / "folder.jsonl", dev_share=0.4)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.jsonl"]


@pytest.mark.parametrize("format", ["label_lists", "inline_tags"])
def test_llm_export_of_what_variants_answered_is_what_gold_says(tmp_path, format):
    """The loop, with a simulation of two chat models that make mistakes at known rates."""
    names = ["Anna", "Bob", "Clara", "David", "Emma", "Felix", "Greta", "Henry"]
    cities = ["Oslo", "Lund", "Bergen", "Turku", "Malmo", "Bodo", "Narvik", "Aarhus"]
    gold, docs = {}, []
    for i, (name, city) in enumerate(zip(names, cities, strict=True)):
        text = f"{name} number {i * 31} left {city} for {cities[i - 1]} after {i * 7919} days."
        gold[text] = [(name, "PER"), (city, "LOC"), (cities[i - 1], "LOC")]
        doc = NLP(text)
        doc.ents = [
            doc.char_span(text.index(mention), text.index(mention) + len(mention), label=label)
            for mention, label in gold[text]
        ]
        docs.append(doc)
    mistakes = {"good": Mistakes(missed=0.1), "bad": Mistakes(missed=0.5, wrong_label=0.3)}
    store = tmp_path / "s.sqlite"
    with GoldServer(gold, ["PER", "LOC"], mistakes) as server:
        nlp = spacy.blank("en")
        model = {"base_url": server.url, "name": "good", "store": str(store), "structured": "off"}
        config = {
            "labels": ["PER", "LOC"],
            "model": model,
            "format": format,
            "variants": [{"name": "good"}, {"name": "bad", "model": {"name": "bad"}}],
        }
        nlp.add_pipe("structured_llm_ner", config=config)
        for _ in range(2):
            list(nlp.pipe(gold))
    assert llm_feedback(docs, store).scored >= len(gold)
    done = export_inferences(store, tmp_path / "train.jsonl")
    assert done.train == len(gold)
    assert done.corrected + done.raw == len(gold)
    for row in rows_of(tmp_path / "train.jsonl"):
        text = row["messages"][-2]["content"]
        read = get_format(format).parse(row["messages"][-1]["content"], ("PER", "LOC"), text)
        assert sorted((mention.text, mention.label) for mention in read) == sorted(gold[text])
    export_inferences(store, tmp_path / "train.spacy")
    found = {doc.text: doc_to_tags(doc) for doc in load_docs(tmp_path / "train.spacy", NLP.vocab)}
    assert found == {doc.text: doc_to_tags(doc) for doc in docs}
