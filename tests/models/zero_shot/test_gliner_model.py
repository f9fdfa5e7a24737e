"""What is found is what gliner itself finds."""

import warnings
from math import exp, log

import pytest

from spacy_ner_plus.models.zero_shot.checkpoint import read_checkpoint
from spacy_ner_plus.models.zero_shot.prompts import Prompt
from tests.conftest import TEXTS

gliner = pytest.importorskip("gliner")
from spacy_ner_plus.models.zero_shot.gliner_model import make_gliner  # noqa: E402
from spacy_ner_plus.models.zero_shot.span_model import Window  # noqa: E402

KINDS = ["uni-bert", "uni-deberta", "bi-deberta", "token-bert"]
PROMPTS = (Prompt("person"), Prompt("place", "a city or town"), Prompt("company"))
LEAST = 0.3
ODD = [
    "\U0001f600 Anna \U0001f469\u200d\U0001f680 met Maria",
    "東京に行く",
    "U.S.-based e-mail_address …",
    "a",
]


@pytest.fixture(params=KINDS)
def folder(request, zero_shot_folders):
    return zero_shot_folders[request.param]


@pytest.fixture
def ours(folder):
    return make_gliner(read_checkpoint(folder), folder)


@pytest.fixture
def theirs(folder):
    return gliner.GLiNER.from_pretrained(folder, local_files_only=True)


def windows(ours, texts):
    words = [ours.words(text) for text in texts]
    return [Window(text[some[0].start : some[-1].end], some) for text, some in zip(texts, words, strict=True)]


@pytest.mark.parametrize("texts", [TEXTS, ODD], ids=["texts", "odd"])
def test_gliner_model_finds_what_gliner_finds_one_at_a_time(ours, theirs, texts):
    """All of gliner's candidates, of which its search then takes some: flat or nested."""
    theirs.decoder.greedy_search = lambda spans, *options, **more: spans
    described = {prompt.name: prompt.description or prompt.name for prompt in PROMPTS}
    laid = windows(ours, texts)
    found = ours.score(laid, PROMPTS, [log(LEAST / (1 - LEAST))] * 3)
    assert any(found)
    for window, candidates, text in zip(laid, found, texts, strict=True):
        given = theirs.inference([text], described, threshold=LEAST)[0]
        expected = {(e["start"], e["end"], e["label"]): e["score"] for e in given}
        words = window.words
        scores = {
            (words[c.start].start, words[c.end - 1].end, PROMPTS[c.prompt].name): 1 / (1 + exp(-c.logit))
            for c in candidates
        }
        # What one of them has just above the threshold the other may have at it.
        for key in scores.keys() | expected.keys():
            assert scores.get(key, LEAST) == pytest.approx(expected.get(key, LEAST), abs=1e-4), key
        assert len(candidates) == len(set(candidates))


def test_gliner_model_never_warns(ours):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.score(windows(ours, TEXTS), PROMPTS, [0.0] * 3)


def test_gliner_model_takes_thresholds_for_each_prompt(ours):
    laid = windows(ours, TEXTS)
    all_found = ours.score(laid, PROMPTS, [-9.0, -9.0, -9.0])
    some = ours.score(laid, PROMPTS, [-9.0, 0.1, 9.0])
    for one, other in zip(all_found, some, strict=True):
        assert [c for c in one if c.prompt == 0 or (c.prompt == 1 and c.logit >= 0.1)] == other


@pytest.mark.parametrize("kind", ["markerV1", "markerV2", "conv_max", "query", "mlp"])
def test_gliner_model_scores_spans_of_other_modes(kind, zero_shot_folders, tmp_path):
    from tests.zero_shot_models import save_gliner

    folder = save_gliner(tmp_path / kind, f"{zero_shot_folders['uni-bert']}/../bert", level=kind)
    test_gliner_model_finds_what_gliner_finds_one_at_a_time(
        make_gliner(read_checkpoint(folder), folder),
        gliner.GLiNER.from_pretrained(folder, local_files_only=True),
        TEXTS,
    )
