import random

import pytest
import torch
from thinc.api import Adam

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.zero_shot.checkpoint import read_checkpoint
from spacy_ner_plus.models.zero_shot.prompts import Prompt
from spacy_ner_plus.models.zero_shot.reading import Layout
from spacy_ner_plus.models.zero_shot.span_model import Window
from spacy_ner_plus.models.zero_shot.training.gold_windows import GoldSpan, GoldText
from spacy_ner_plus.models.zero_shot.training.trainer import Curriculum, ZeroShotTrainer
from spacy_ner_plus.models.zero_shot.windows import Stretch, Windowing
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

gliner = pytest.importorskip("gliner")
pytest.importorskip("gliner2")
KINDS = ["uni-bert", "uni-deberta", "bi-deberta", "token-bert"]
LABELS = ("person", "city", "company")
TEXT = "Anna Berg lives in Oslo ."
SPANS = (GoldSpan(0, 9, "person"), GoldSpan(19, 23, "city"))
LAYOUT = Layout(Windowing(24, 8), 512)


def load(folder):
    return ZeroShotModel.of(read_checkpoint(folder), folder)


def make(holder, teacher=None, **settings):
    defaults = {"trained": "all", "frozen_layers": 0, "head_rate_factor": 5.0}
    return ZeroShotTrainer(holder.model, "tiny", teacher=teacher, **{**defaults, **settings})


def curriculum(labels=LABELS, **values):
    defaults = {"rehearsed": (), "rehearsal": 0.0, "most": 25}
    return Curriculum(tuple(Prompt(label) for label in labels), labels, **{**defaults, **values})


def loss_of(trainer, texts, learnt):
    """The loss in prediction mode: nothing is dropped."""
    return trainer.learn(texts, learnt, LAYOUT, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_trainer_has_the_loss_of_gliner(kind, zero_shot_folders):
    texts = [
        GoldText(TEXT, SPANS, (), None),
        GoldText("Oslo", (GoldSpan(0, 4, "city"),), (), None),
        GoldText("Nobody there", (), (), None),
    ]
    # All prompts are asked for in an order drawn at random, which changes what a uni-encoder gives.
    random.seed(0)
    holder = load(zero_shot_folders[kind])
    asked = []
    original = holder.model.logits
    holder.model.logits = lambda windows, prompts: asked.append(prompts) or original(windows, prompts)
    found = loss_of(make(holder), texts, curriculum())

    theirs = gliner.GLiNER.from_pretrained(zero_shot_folders[kind], local_files_only=True)
    theirs.eval()
    names = [prompt.name for prompt in asked[0]]
    samples = [
        {"tokenized_text": TEXT.split(), "ner": [(0, 1, "person"), (4, 4, "city")]},
        {"tokenized_text": ["Oslo"], "ner": [(0, 0, "city")]},
        {"tokenized_text": ["Nobody", "there"], "ner": []},
    ]
    collator = theirs.data_collator_class(
        theirs.config, data_processor=theirs.data_processor, prepare_labels=True
    )
    expected = theirs.model(**collator(samples, entity_types=[names] * len(samples))).loss
    assert found == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_trainer_learns_what_it_is_shown(kind, zero_shot_folders):
    holder = load(zero_shot_folders[kind])
    trainer, optimizer = make(holder), Adam(0.002, grad_clip=1.0)
    texts = [GoldText(TEXT, SPANS, (), None)]
    first = loss_of(trainer, texts, curriculum())
    for _ in range(60):
        assert trainer.step(optimizer)
        last = loss_of(trainer, texts, curriculum())
    assert last < first / 2


def test_trainer_leaves_what_is_unknown_alone(zero_shot_folders):
    trainer = make(load(zero_shot_folders["uni-bert"]))
    whole = GoldText(TEXT, SPANS, (), None)
    missing = GoldText(TEXT, SPANS, (Stretch(0, len(TEXT)),), None)
    none = GoldText(TEXT, (), (Stretch(0, len(TEXT)),), None)
    random.seed(0)
    assert loss_of(trainer, [whole], curriculum()) > 1
    assert loss_of(trainer, [missing], curriculum()) == loss_of(trainer, [none], curriculum()) == 0


def test_trainer_asks_only_for_labels_that_were_annotated(zero_shot_folders):
    trainer = make(load(zero_shot_folders["bi-deberta"]))
    # A bi-encoder's scores don't change with what else is asked.
    some = GoldText(TEXT, SPANS[:1], (), frozenset({"person"}))
    alone = loss_of(trainer, [GoldText(TEXT, SPANS[:1], (), None)], curriculum(("person",)))
    assert loss_of(trainer, [some], curriculum()) == pytest.approx(alone, rel=1e-4)


def test_trainer_asks_for_no_more_labels_at_once_than_it_may(zero_shot_folders):
    holder = load(zero_shot_folders["uni-bert"])
    asked = []
    original = holder.model.logits
    holder.model.logits = lambda windows, prompts: asked.append(prompts) or original(windows, prompts)
    labels = ("person", "city", "company", "river", "song", "day")
    for _ in range(20):
        loss_of(make(holder), [GoldText(TEXT, SPANS, (), None)], curriculum(labels, most=3))
    names = [{prompt.name for prompt in prompts} for prompts in asked]
    assert all(len(some) == 3 and {"person", "city"} <= some for some in names)
    assert len(set.union(*names)) > 3


def test_trainer_trains_only_what_it_should(zero_shot_folders):
    for settings, changed in (
        ({"trained": "heads"}, {"span_rep_layer", "prompt_rep_layer", "rnn"}),
        (
            {"trained": "all", "frozen_layers": 1},
            {"span_rep_layer", "prompt_rep_layer", "rnn", "token_rep_layer"},
        ),
    ):
        holder = load(zero_shot_folders["uni-bert"])
        before = {name: weight.clone() for name, weight in holder.model.network.named_parameters()}
        trainer = make(holder, **settings)
        loss_of(trainer, [GoldText(TEXT, SPANS, (), None)], curriculum())
        trainer.step(Adam(0.01))
        after = dict(holder.model.network.named_parameters())
        names = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
        assert {name.partition(".")[0] for name in names} == changed
        if "frozen_layers" in settings:
            assert any("encoder.layer.1." in name for name in names)
            assert not any("encoder.layer.0." in name or "word_embeddings" in name for name in names)


@pytest.mark.parametrize("kind", ["bi-deberta", "uni-bert"])
def test_trainer_keeps_scores_that_it_rehearses(kind, zero_shot_folders):
    texts = [GoldText(TEXT, SPANS[1:], (), frozenset({"city"}))]

    def scores(holder):
        words = holder.model.words(TEXT)
        with torch.no_grad():
            found = holder.model.logits([Window(TEXT, words)], (Prompt("person"),))
        return torch.cat([part.flatten() for part in found]).sigmoid()

    apart = {}
    for rehearsal in (0.0, 10.0):
        holder = load(zero_shot_folders[kind])
        before = scores(holder)
        trainer, optimizer = make(holder, teacher=holder.duplicate()), Adam(0.002, grad_clip=1.0)
        learnt = curriculum(("city",), rehearsed=(Prompt("person"),), rehearsal=rehearsal)
        for _ in range(30):
            loss_of(trainer, texts, learnt)
            trainer.step(optimizer)
        apart[rehearsal] = (scores(holder) - before).abs().mean().item()
    assert apart[10.0] < apart[0.0] / 2


def test_trainer_takes_no_step_where_nothing_was_learnt(zero_shot_folders):
    trainer = make(load(zero_shot_folders["uni-bert"]))
    loss_of(trainer, [GoldText(TEXT, (), (), frozenset({"song"}))], curriculum())
    assert not trainer.step(Adam(0.01))


def test_trainer_refuses_models_of_gliner2(zero_shot_folders):
    with pytest.raises(UserError, match="E640"):
        make(load(zero_shot_folders["gliner2"]))
