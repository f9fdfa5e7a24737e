import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.compared import Compared
from spacy_ner_plus.workflows.compare import RESULT, compare
from spacy_ner_plus.workflows.evaluate import evaluate
from tests.servers.fault_server import FaultServer
from tests.workflows.own_code import own_pipeline, write_code
from tests.workflows.patterns import make_golds, make_ruler, save_compared


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pipelines and their metrics on one corpus; another corpus."""
    return save_compared(tmp_path_factory.mktemp("compare"))


def sources(folder, *names):
    return [str(folder / name) for name in names]


def test_compare_takes_metrics_alone(folder, tmp_path):
    comparison = compare(*sources(folder, "poor.json", "good.json"), target=tmp_path / "report")
    assert [row["name"] for row in comparison["pipelines"]] == ["good", "poor"]
    assert comparison["winner"] == "good"
    assert {(row["measure"], row["label"]) for row in comparison["pairs"]} == {("strict", None)}
    assert json.loads((tmp_path / "report" / RESULT).read_text()) == comparison


def test_compare_tests_labels_on_the_predictions_beside_the_metrics(folder, tmp_path):
    comparison = compare(
        *sources(folder, "good.json", "poor.json"), target=tmp_path, gold=folder / "gold.spacy"
    )
    rows = {row["label"]: row for row in comparison["pairs"] if row["measure"] == "strict"}
    assert rows["LOC"]["better"] == "good"
    assert rows["PER"]["better"] is None
    assert not comparison["notes"][1:]
    assert comparison["notes"] == ["poor predicts no LOC."]


def test_compare_evaluates_pipelines(folder, tmp_path):
    comparison = compare(
        *sources(folder, "good"),
        f"other={folder / 'poor'}",
        target=tmp_path,
        gold=folder / "gold.spacy",
        resamples=100,
        limit=12,
    )
    assert [row["name"] for row in comparison["pipelines"]] == ["good", "other"]
    assert comparison["corpus"]["documents"] == 12
    assert {row["label"] for row in comparison["pairs"]} == {None, "LOC", "ORG", "PER"}
    assert (tmp_path / "other-predictions.spacy").exists()
    written = json.loads((tmp_path / "other.json").read_text())
    assert written["resampling"]["resamples"] == 100
    assert written["settings"]["limit"] == 12


def test_compare_joins_trainings_under_a_name(folder, tmp_path):
    good, poor = sources(folder, "good.json", "poor.json")
    comparison = compare(f"both={good},{poor}", f"one={poor}", target=tmp_path, gold=folder / "gold.spacy")
    row = comparison["pipelines"][0]
    assert (row["name"], row["seeds"]["seeds"]) == ("both", 2)
    assert comparison["winner"] is None


def test_compare_leaves_documents_out_where_there_are_no_predictions(folder, tmp_path):
    for name in ("good", "poor"):
        (tmp_path / f"{name}.json").write_bytes((folder / f"{name}.json").read_bytes())
    comparison = compare(
        *sources(tmp_path, "good.json", "poor.json"), target=tmp_path, gold=folder / "gold.spacy"
    )
    assert {row["measure"] for row in comparison["pairs"]} == {"strict"}
    assert any("there are only metrics" in note for note in comparison["notes"])


def test_compare_refuses_metrics_of_another_corpus(folder, tmp_path):
    evaluate(str(folder / "poor"), folder / "other.spacy", target=tmp_path / "m.json")
    with pytest.raises(UserError, match=r"E310.*other\.spacy \(20 documents.*gold\.spacy \(30 documents"):
        compare(str(folder / "good.json"), str(tmp_path / "m.json"), target=tmp_path)
    assert not (tmp_path / RESULT).exists()


def test_compare_takes_the_same_corpus_in_another_file(folder, tmp_path):
    docs = list(DocBin().from_disk(folder / "gold.spacy").get_docs(spacy.blank("en").vocab))
    (tmp_path / "corpus").mkdir()
    DocBin(docs=docs[:15]).to_disk(tmp_path / "corpus" / "a.spacy")
    DocBin(docs=docs[15:]).to_disk(tmp_path / "corpus" / "b.spacy")
    evaluate(str(folder / "poor"), tmp_path / "corpus", target=tmp_path / "m.json")
    assert compare(str(folder / "good.json"), str(tmp_path / "m.json"), target=tmp_path)["winner"] == "good"


def test_compare_refuses_metrics_of_an_older_version(folder, tmp_path):
    metrics = json.loads((folder / "good.json").read_text())
    del metrics["format_version"]
    (tmp_path / "old.json").write_text(json.dumps(metrics))
    with pytest.raises(UserError, match=r"E309.*old\.json"):
        compare(str(tmp_path / "old.json"), str(folder / "poor.json"), target=tmp_path)


def test_compare_refuses_another_corpus_than_the_metrics_have(folder, tmp_path):
    with pytest.raises(UserError, match=r"E313.*other\.spacy.*good\.json'.*30 documents"):
        compare(*sources(folder, "good.json", "poor.json"), target=tmp_path, gold=folder / "other.spacy")


def test_compare_refuses_names_that_make_one_file(folder, tmp_path):
    good, poor = sources(folder, "good", "poor")
    with pytest.raises(UserError, match=r"E321.*metrics of 'a/b'.*metrics of 'a-b'"):
        compare(f"a/b={good}", f"a-b={poor}", target=tmp_path, gold=folder / "gold.spacy")


def test_compare_says_what_a_corpus_among_the_sources_is(folder, tmp_path):
    with pytest.raises(UserError, match=r"E323.*gold\.spacy' is a file.*--corpus"):
        compare(*sources(folder, "good.json", "gold.spacy"), target=tmp_path)


@pytest.mark.parametrize("name", ["comparison.json", "a.json", "a-predictions.spacy"])
def test_compare_overwrites_nothing_that_it_reads(folder, tmp_path, name):
    """Sources and the corpus in the folder that is written to, by names that are written."""
    metrics, corpus = folder / "poor.json", folder / "gold.spacy"
    if name.endswith(".json"):
        metrics = tmp_path / name
        metrics.write_bytes((folder / "poor.json").read_bytes())
    else:
        corpus = tmp_path / name
        corpus.write_bytes((folder / "gold.spacy").read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=f"E320.*{name}"):
        compare(f"a={folder / 'good'}", f"b={metrics}", target=tmp_path, gold=corpus)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_compare_runs_code_of_the_users_for_pipelines(folder, tmp_path):
    code = write_code(tmp_path)
    metrics = tmp_path / "report" / "own.json"
    compare(
        f"own={own_pipeline(tmp_path, code)}",
        str(folder / "poor.json"),
        target=tmp_path / "report",
        gold=folder / "gold.spacy",
        code=code,
    )
    assert json.loads(metrics.read_text())["settings"]["code"] == "own.py"


def test_compare_writes_a_page_with_the_documents(folder, tmp_path):
    log = tmp_path / "log.jsonl"
    rows = [
        {"step": i, "epoch": 0, "seconds": i, "score": i / 4, "scores": {"ents_f": i / 4}}
        for i in range(1, 4)
    ]
    log.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    compare(
        *sources(folder, "good.json", "poor.json"),
        target=tmp_path,
        gold=folder / "gold.spacy",
        training_logs={"good": log},
        page=True,
    )
    page = (tmp_path / "index.html").read_text(encoding="utf8")
    assert "Acme is in Oslo" in page
    assert "Score on the development set in training" in page


def test_compare_writes_a_page_of_metrics_alone(folder, tmp_path):
    compare(*sources(folder, "good.json", "poor.json"), target=tmp_path, page=True)
    assert "poor" in (tmp_path / "index.html").read_text(encoding="utf8")


def test_compare_refuses_a_log_of_no_pipeline(folder, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "seconds": 1}\n', encoding="utf8")
    with pytest.raises(UserError, match=r"E506.*nobody"):
        compare(
            *sources(folder, "good.json", "poor.json"),
            target=tmp_path,
            training_logs={"nobody": log},
            page=True,
        )


def test_compare_refuses_a_log_that_is_none(folder, tmp_path):
    with pytest.raises(UserError, match="E503"):
        compare(
            *sources(folder, "good.json", "poor.json"),
            target=tmp_path,
            training_logs={"good": "nowhere.jsonl"},
            page=True,
        )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('{"a": 1}\n', "no line of it tells of a step"),
        ("", "no line of it tells of a step"),
        ("[1]\n", "no JSON object"),
        ("text\n", "it is no JSONL"),
        ('{"step": 1}\n', "step 1 lacks `seconds`"),
        ('{"step": 1, "seconds": 1, "losses": {"ner": "x"}}\n', "no numbers"),
    ],
)
def test_compare_refuses_a_log_without_steps(folder, tmp_path, lines, reason):
    log = tmp_path / "log.jsonl"
    log.write_text(lines, encoding="utf8")
    with pytest.raises(UserError, match=f"E325.*{reason}"):
        compare(*sources(folder, "good.json", "poor.json"), target=tmp_path, training_logs={"good": log})


def test_compare_gives_the_message_of_a_pipeline_that_fails(folder, tmp_path):
    with pytest.raises(UserError, match=r"E315.*no_such_pipeline.*E501"):
        compare("no_such_pipeline", str(folder / "good.json"), target=tmp_path, gold=folder / "gold.spacy")


def test_compare_refuses_a_pipeline_without_a_corpus(folder, tmp_path):
    with pytest.raises(UserError, match=r"E312.*good'"):
        compare(*sources(folder, "good", "poor.json"), target=tmp_path)


def test_compare_refuses_predictions_that_were_not_scored(folder, tmp_path):
    for name in ("good", "poor"):
        (tmp_path / f"{name}.json").write_bytes((folder / f"{name}.json").read_bytes())
        # Each the other's.
        beside = {"good": "poor", "poor": "good"}[name]
        content = (folder / f"{beside}-predictions.spacy").read_bytes()
        (tmp_path / f"{name}-predictions.spacy").write_bytes(content)
    with pytest.raises(UserError, match=r"E314.*good-predictions\.spacy"):
        compare(*sources(tmp_path, "good.json", "poor.json"), target=tmp_path, gold=folder / "gold.spacy")


@pytest.fixture
def chat(folder, tmp_path):
    """A pipeline with a chat model whose server isn't there."""
    nlp = spacy.blank("en")
    model = {"base_url": "http://127.0.0.1:9/v1", "name": "m", "max_retries": 0}
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER", "LOC", "ORG"], "model": model})
    nlp.to_disk(tmp_path / "chat")
    return str(tmp_path / "chat")


def test_compare_leaves_chat_models_out_where_there_is_no_server(folder, chat, tmp_path):
    notes = []
    sources_ = [*sources(folder, "good.json", "poor.json"), f"llm={chat}"]
    comparison = compare(*sources_, gold=folder / "gold.spacy", llm_url="", notes=notes)
    assert [row["name"] for row in comparison["pipelines"]] == ["good", "poor"]
    assert notes == ["llm is left out: no server of its chat model is given (llm_url)."]
    with pytest.raises(UserError, match="E311"):
        compare(*sources_[1:], gold=folder / "gold.spacy", llm_url="")


def test_compare_tells_chat_models_where_their_server_is(folder, chat, tmp_path):
    with FaultServer() as server:
        compare(
            str(folder / "good.json"),
            f"llm={chat}",
            target=tmp_path / "out",
            gold=folder / "gold.spacy",
            llm_url=server.url,
        )
        assert len(server.requests) > 0
    written = json.loads((tmp_path / "out" / "llm.json").read_text())
    assert written["llm"]["structured_llm_ner"]["requests"] > 0


def test_compare_takes_pipelines_docs_and_metrics_in_memory():
    good, poor = make_ruler("good"), make_ruler("poor")
    golds = make_golds(good.vocab)
    comparison = compare(good, Compared("worse", [evaluate(poor, golds)]), gold=golds)
    assert [row["name"] for row in comparison["pipelines"]] == ["en_good", "worse"]
    assert comparison.winner == "en_good"
    assert compare(evaluate(good, golds), evaluate(poor, golds)).leaders == ["en_good"]


def test_compare_evaluates_saved_pipelines_on_docs_in_memory(folder):
    golds = make_golds(spacy.blank("en").vocab)
    comparison = compare(folder / "good", folder / "poor.json", gold=golds, resamples=100)
    assert comparison.winner == "good"


def test_compare_needs_a_place_for_the_page(folder):
    with pytest.raises(UserError, match="E513"):
        compare(*sources(folder, "good.json", "poor.json"), page=True)
