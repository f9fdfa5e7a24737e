"""Which precision 'auto' takes; how long something takes is told by the tests, not by the machine."""

import multiprocessing
import os
import pickle
from math import inf
from weakref import WeakSet

import pytest
import torch
from spacy.language import Language

from spacy_ner_plus.models.network.int8_layers import computes_int8
from spacy_ner_plus.models.runtime import measurement
from spacy_ner_plus.models.runtime.measurement import OPENVINO, PREDICTION, TRAINING, Measurement
from spacy_ner_plus.models.runtime.precision import BF16, FP32, INT8, VARIANTS, Variant
from spacy_ner_plus.models.tagger_model import TaggerModel
from tests.conftest import TEXTS, make_pipeline, train

SIZES = {"longest": 55, "most": 1000}


class Timed:
    """In place of the clock: says how long each variant takes, and remembers what it was asked."""

    def __init__(self):
        self.fast: dict[str, Variant] = {}
        self.failing: tuple[Variant, ...] = ()
        self.whole = True
        self.asked: list[list[Variant]] = []
        self.budgets: dict[str, float] = {}

    def __call__(self, makers, budget, sizes, wordpieces=0):
        self.asked.append(list(makers))
        task = next(iter(makers.values())).func._task
        self.budgets.setdefault(task, budget)
        fast = self.fast.get(task, FP32)
        seconds = {v: 0.001 if v == fast else 0.002 for v in makers}
        # Transformers' layers are tried in what is the fastest by ours.
        seconds |= {v: 0.0015 for v in makers if v != fast and v.precision == fast.precision}
        seconds |= {v: inf for v in makers if v in self.failing}
        return Measurement(seconds, wordpieces or 227, 0.1, self.whole)


@pytest.fixture
def timed(monkeypatch, tmp_path) -> Timed:
    timed = Timed()
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(measurement, "_known", {})
    monkeypatch.setattr(measurement, "time_variants", timed)
    for name in ("cpu_computes_bf16", "computes_int8"):
        monkeypatch.setattr(measurement, name, lambda: True)
    return timed


@pytest.fixture
def nlp(encoder_folder, timed):
    return make_pipeline(encoder_folder, precision="auto")


def tagger_of(nlp):
    return nlp.get_pipe("transformer_ner").token_scorer.tagger


@pytest.mark.parametrize("fast", [variant for variant in VARIANTS if not variant.quantized], ids=str)
def test_measurement_the_fastest_predicts(nlp, timed, fast):
    timed.fast = {PREDICTION: fast}
    nlp(TEXTS[0])
    tagger = tagger_of(nlp)
    network = tagger.inference_network()
    assert (tagger._place().dtype, tagger._place().own_layers) == (fast.dtype, fast.own_layers)
    assert network.head.weight.dtype == fast.dtype
    assert (network.layers is not None) == fast.own_layers


@pytest.mark.parametrize("fast", [variant for variant in VARIANTS if not variant.quantized], ids=str)
def test_measurement_the_fastest_trains_whatever_predicts(nlp, timed, fast, monkeypatch):
    timed.fast = {TRAINING: fast, PREDICTION: BF16 if fast == FP32 else FP32}
    used = []
    monkeypatch.setattr(
        "spacy_ner_plus.models.tagger_model.TrainingPass",
        lambda network, batches, budget, device, dtype: (
            used.append((network, dtype)) or Pass(network, budget)
        ),
    )

    class Pass:
        def __init__(self, network, budget):
            pass

        def forward(self):
            raise StopIteration

    with pytest.raises(StopIteration):
        train(nlp, steps=1)
    [(network, dtype)] = used
    assert (dtype, network.layers is not None) == (fast.dtype, fast.own_layers)
    nlp(TEXTS[0])
    assert tagger_of(nlp)._place().dtype == (torch.bfloat16 if fast == FP32 else torch.float32)


@pytest.mark.parametrize("fast", [variant for variant in VARIANTS if not variant.quantized], ids=str)
def test_measurement_what_is_trained_is_learnt(nlp, timed, fast):
    timed.fast = {TRAINING: fast}
    history = train(nlp, steps=30)
    assert history[-1] < history[0] / 2


@pytest.mark.parametrize(
    ("cost", "tolerance", "expected"),
    [
        (0.05, 0.1, INT8),
        (0.1, 0.1, INT8),
        (0.0, 0.1, INT8),
        (-0.2, 0.1, INT8),
        (0.11, 0.1, FP32),
        (0.6, 1.0, INT8),
        (None, 0.1, FP32),
        (0.0, 0.0, FP32),
        (-0.2, 0.0, FP32),
    ],
)
def test_measurement_int8_is_taken_where_it_costs_no_more_than_is_tolerated(
    nlp, timed, monkeypatch, cost, tolerance, expected
):
    timed.fast = {PREDICTION: INT8}
    tagger = tagger_of(nlp)
    tagger.configure("cpu", "auto", tolerance)
    monkeypatch.setattr(TaggerModel, "int8_cost", cost, raising=False)
    nlp(TEXTS[0])
    assert tagger._place().quantized == (expected == INT8)
    # Where it can't be taken it isn't measured.
    assert any(INT8 in asked for asked in timed.asked) == (expected == INT8)


def test_measurement_int8_is_left_when_what_it_costs_is_not_known_any_more(nlp, timed, monkeypatch):
    timed.fast = {PREDICTION: INT8}
    tagger = tagger_of(nlp)
    tagger.configure("cpu", "auto", 0.1)
    for cost, quantized in ((0.05, True), (None, False), (0.02, True)):
        monkeypatch.setattr(TaggerModel, "int8_cost", cost, raising=False)
        nlp(TEXTS[0])
        assert tagger._place().quantized == quantized


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_measurement_of_a_precision_that_is_named_is_none(encoder_folder, timed, precision):
    nlp = make_pipeline(encoder_folder, precision=precision)
    nlp(TEXTS[0])
    if precision != "int8":
        train(nlp, steps=1)
    assert timed.asked == []


def test_measurement_of_training_is_not_made_before_something_is_trained(nlp, timed):
    nlp(TEXTS[0])
    before = len(timed.asked)
    train(nlp, steps=2)
    assert len(timed.asked) > before > 0
    assert all(INT8 not in asked for asked in timed.asked)


def test_measurement_is_made_once_for_networks_of_one_shape(encoder_folder, nlp, timed):
    nlp(TEXTS[0])
    before = list(timed.asked)
    timed.fast = {PREDICTION: BF16}
    other = make_pipeline(encoder_folder, precision="auto", seed=1)
    other(TEXTS[0])
    assert timed.asked == before
    assert tagger_of(other)._place() == tagger_of(nlp)._place()


def in_another_process(monkeypatch):
    monkeypatch.setattr(measurement, "_known", {})


def test_measurement_is_remembered_by_other_processes(nlp, timed, monkeypatch):
    timed.fast = {PREDICTION: BF16}
    nlp(TEXTS[0])
    in_another_process(monkeypatch)
    timed.asked.clear()
    found = tagger_of(nlp).measure(PREDICTION)
    assert (timed.asked, found.fastest(), found.spent) == ([], BF16, 0.0)


def test_measurement_without_a_cache_is_made_by_each_process(nlp, timed, monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", "off")
    for _ in range(2):
        in_another_process(monkeypatch)
        timed.asked.clear()
        tagger_of(nlp).measure(PREDICTION)
        assert timed.asked


def test_measurement_for_which_there_was_no_time_is_not_kept(nlp, timed, monkeypatch):
    timed.whole = False
    timed.fast = {PREDICTION: BF16}
    nlp(TEXTS[0])
    timed.asked.clear()
    tagger_of(nlp).measure(PREDICTION)
    assert timed.asked == []
    in_another_process(monkeypatch)
    tagger_of(nlp).measure(PREDICTION)
    assert timed.asked


def test_measurement_that_fails_everywhere_leaves_fp32(nlp, timed):
    timed.failing = VARIANTS
    nlp(TEXTS[0])
    assert tagger_of(nlp)._place().dtype == torch.float32


def test_measurement_of_other_threads_is_another(nlp, timed, monkeypatch):
    nlp(TEXTS[0])
    timed.asked.clear()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 97)
    tagger_of(nlp).measure(PREDICTION)
    assert timed.asked


def test_measurement_of_int8_comes_later_without_changing_what_is_known(nlp, timed):
    first = tagger_of(nlp).measure(PREDICTION)
    timed.fast = {PREDICTION: INT8}
    later = tagger_of(nlp).measure(PREDICTION, with_int8=True)
    assert {v: s for v, s in later.seconds.items() if v in first.seconds} == first.seconds
    assert later.seconds[INT8] == pytest.approx(first.seconds[FP32] / 2)


def test_measurement_is_made_anew_where_asked(nlp, timed):
    assert tagger_of(nlp).measure(PREDICTION).fastest() == FP32
    timed.fast = {PREDICTION: BF16}
    assert tagger_of(nlp).measure(PREDICTION).fastest() == FP32
    assert tagger_of(nlp).measure(PREDICTION, anew=True).fastest() == BF16
    assert tagger_of(nlp).measure(PREDICTION).fastest() == BF16


def test_measurement_joins_what_was_measured_at_another_time():
    first = Measurement({FP32: 2.0, BF16: 4.0}, 227)
    joined = first.joined(Measurement({FP32: 4.0, INT8: 2.0}, 227), FP32)
    assert joined.seconds == {FP32: 2.0, BF16: 4.0, INT8: 1.0}
    assert first.joined(Measurement({FP32: inf, INT8: 2.0}, 227), FP32).seconds[INT8] == inf


# Workers


class Telling:
    """Notes on each Doc in what this process predicts, and that it was another process."""

    def __init__(self, ner):
        self.ner = ner

    def __call__(self, doc):
        placement = self.ner.token_scorer.tagger._place()
        doc.user_data["computed"] = [str(placement.variant), placement.by_openvino, os.getpid()]
        return doc


@Language.factory("measurement_telling")
def make_telling(nlp, name):
    return Telling(nlp.get_pipe("transformer_ner"))


@pytest.fixture
def start_method():
    before = multiprocessing.get_start_method(allow_none=True)
    yield lambda method: multiprocessing.set_start_method(method, force=True)
    multiprocessing.set_start_method(before, force=True)


def told(nlp):
    docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=2))
    found = [doc.user_data["computed"] for doc in docs]
    assert os.getpid() not in {pid for _, _, pid in found}
    return {(variant, by_openvino) for variant, by_openvino, _ in found}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes aren't forked here")
@pytest.mark.parametrize("used", [False, True])
def test_measurement_forked_workers_take_the_choice_of_their_parent(nlp, timed, start_method, used):
    start_method("fork")
    nlp.add_pipe("measurement_telling")
    timed.fast = {PREDICTION: BF16}
    if used:
        nlp(TEXTS[0])
        # What a worker would find itself.
        measurement._known.clear()
        timed.fast = {PREDICTION: FP32}
    assert told(nlp) == {("bf16", False)}
    assert tagger_of(nlp)._placement.dtype == torch.bfloat16


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes aren't forked here")
def test_measurement_forked_workers_of_openvino_take_what_torch_computes_fast(
    encoder_folder, timed, start_method
):
    pytest.importorskip("openvino")
    start_method("fork")
    nlp = make_pipeline(encoder_folder, device="openvino", precision="auto")
    nlp.add_pipe("measurement_telling")
    timed.fast = {PREDICTION: BF16, OPENVINO: FP32}
    assert told(nlp) == {("bf16", False)}
    assert (tagger_of(nlp)._placement.by_openvino, tagger_of(nlp)._placement.dtype) == (True, torch.float32)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes aren't forked here")
def test_measurement_is_not_made_at_a_fork_where_a_precision_is_named(encoder_folder, timed, monkeypatch):
    nlp = make_pipeline(encoder_folder, precision="fp32")
    # Others of this process may want to be measured.
    monkeypatch.setattr("spacy_ner_plus.models.runtime.forks._before", WeakSet([tagger_of(nlp)]))
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert timed.asked == []


@pytest.mark.slow
def test_measurement_workers_that_start_anew_take_the_choice_of_their_parent(
    nlp, timed, start_method, monkeypatch
):
    start_method("spawn")
    nlp.add_pipe("measurement_telling")
    timed.fast = {PREDICTION: BF16}
    # A worker couldn't be told how long something takes, and would find what is so.
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", "off")
    assert told(nlp) == {("bf16", False)}


def test_measurement_is_sent_to_workers_alone(nlp, timed):
    timed.fast = {PREDICTION: BF16}
    nlp(TEXTS[0])
    copied = pickle.loads(pickle.dumps(tagger_of(nlp)))
    assert copied._placement is None


def test_measurement_of_training_has_time_for_whole_windows(nlp, timed):
    tagger = tagger_of(nlp)
    for task in (PREDICTION, TRAINING):
        tagger.measure(task)
    assert timed.budgets[TRAINING] >= 10 * timed.budgets[PREDICTION]


# With the clock.


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "sentencepiece"])
@pytest.mark.parametrize("task", [PREDICTION, TRAINING])
def test_measurement_computes_all_that_it_may(encoder_folders, monkeypatch, kind, task):
    monkeypatch.setattr(measurement, "_known", {})
    monkeypatch.setattr(measurement, "BUDGET", 60.0)
    nlp = make_pipeline(encoder_folders[kind])
    tagger = tagger_of(nlp)
    weights = {name: weight.clone() for name, weight in tagger.network.state_dict().items()}
    torch.manual_seed(5)
    found = tagger.measure(task, with_int8=True, anew=True)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.rand(3).tolist() == drawn.tolist()
    in_int8 = task == PREDICTION and computes_int8()
    assert {FP32} | ({INT8} if in_int8 else set()) <= found.seconds.keys()
    assert all(seconds < inf for seconds in found.seconds.values())
    assert all((weights[name] == weight).all() for name, weight in tagger.network.state_dict().items())
    assert all(weight.grad is None for weight in tagger.network.parameters())


def test_measurement_of_openvino_is_of_its_own_products(encoder_folder, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(measurement, "_known", {})
    monkeypatch.setattr(measurement, "BUDGET", 60.0)
    found = tagger_of(make_pipeline(encoder_folder)).measure(OPENVINO, anew=True)
    assert found.seconds.keys() <= {FP32, BF16}
    assert FP32 in found.seconds
    assert all(seconds < inf for seconds in found.seconds.values())


@pytest.mark.parametrize(("preempted", "whole"), [((5, 6), True), ((5, 5000), False)])
def test_measurement_on_a_busy_machine_is_not_kept(monkeypatch, preempted, whole):
    counts = iter(preempted)
    monkeypatch.setattr(measurement, "times_preempted", lambda: next(counts))
    makers = {variant: lambda: lambda count: None for variant in (FP32, BF16)}
    assert measurement.time_variants(makers, 0.2, lambda count: count, 32).whole is whole
