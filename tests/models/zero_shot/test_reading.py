"""Long texts: what is found is what the model finds in each of their windows."""

import resource
import warnings

import pytest

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.zero_shot.checkpoint import read_checkpoint
from spacy_ner_plus.models.zero_shot.prompts import Prompt
from spacy_ner_plus.models.zero_shot.reading import TOO_LONG, Layout, Question, divide_prompts, read_texts
from spacy_ner_plus.models.zero_shot.windows import Windowing, lay_windows, merge_windows
from tests.conftest import TEXTS

gliner = pytest.importorskip("gliner")
pytest.importorskip("gliner2")
from spacy_ner_plus.models.zero_shot.gliner2_model import make_gliner2  # noqa: E402
from spacy_ner_plus.models.zero_shot.gliner_model import make_gliner  # noqa: E402

PROMPTS = (Prompt("person"), Prompt("city"), Prompt("company"))
LEAST = (0.0, 0.0, 0.0)
LONG = " ".join(TEXTS * 8)


def read(model, texts, windowing, batch_words=512, prompts=PROMPTS, issues=None):
    questions = [Question(text, prompts, (0.0,) * len(prompts)) for text in texts]
    layout = Layout(windowing, batch_words)
    return read_texts(model, questions, layout, IssueLog() if issues is None else issues)


def rounded(found):
    return {span[:3]: pytest.approx(span.logit, abs=4e-4) for span in found}


def is_same(one, other):
    """Whether spans have the same scores. Which boundaries GLiNER2 looks at goes by their rank: where a CPU rounds
    otherwise in another batch, those that are nearly alike, as random weights make them, change places. (A bool, as
    pytest would compare thousands of spans for minutes.)"""
    found, wanted = ({span[:3]: span.logit for span in spans} for spans in (one, other))
    common = found.keys() & wanted.keys()
    is_close = all(abs(found[key] - wanted[key]) < 4e-4 for key in common)
    return is_close and len(found.keys() ^ wanted.keys()) <= 0.1 * len(common)


@pytest.mark.parametrize("kind", ["uni-bert", "uni-deberta", "bi-deberta"])
def test_reading_finds_in_a_long_text_what_gliner_finds_in_its_windows(kind, zero_shot_folders):
    folder = zero_shot_folders[kind]
    model = make_gliner(read_checkpoint(folder), folder)
    theirs = gliner.GLiNER.from_pretrained(folder, local_files_only=True)
    theirs.decoder.greedy_search = lambda spans, *options, **more: spans
    windowing = Windowing(20, 8)
    found = read(model, [LONG], windowing)[0]
    words = model.words(LONG)
    (windows,) = lay_windows(LONG, words, windowing, [1] * len(words))
    starts = {word.start: i for i, word in enumerate(words)}
    ends = {word.end: i + 1 for i, word in enumerate(words)}
    given = []
    for window in windows:
        offset = words[window.start].start
        text = LONG[offset : words[window.end - 1].end]
        entities = theirs.inference([text], [prompt.name for prompt in PROMPTS])[0]
        given.append([Span(starts[e["start"] + offset], ends[e["end"] + offset], e) for e in entities])
    expected = {
        (words[s.start].start, words[s.end - 1].end, s.entity["label"]): s.entity["score"]
        for s in merge_windows(windows, given)
    }
    mine = {(s.start, s.end, PROMPTS[s.prompt].name): 1 / (1 + 2.718281828**-s.logit) for s in found}
    assert expected
    assert max(end for _, end, _ in mine) > len(LONG) - 40
    for key in mine.keys() | expected.keys():
        assert mine.get(key, 0.5) == pytest.approx(expected.get(key, 0.5), abs=1e-4)


class Span:
    def __init__(self, start, end, entity):
        self.start, self.end, self.entity = start, end, entity


@pytest.fixture(params=["uni-bert", "bi-deberta", "token-bert", "gliner2", "gliner2-boundary"])
def model(request, zero_shot_folders):
    folder = zero_shot_folders[request.param]
    make = make_gliner2 if "gliner2" in request.param else make_gliner
    return make(read_checkpoint(folder), folder)


def test_reading_paragraphs_are_read_as_if_they_stood_alone(model):
    text = "\n\n".join(TEXTS)
    whole = read(model, [text], Windowing(24, 8, "paragraphs"))[0]
    alone, offset = [], 0
    for one, found in zip(TEXTS, read(model, TEXTS, Windowing(24, 8)), strict=True):
        alone += [s._replace(start=s.start + offset, end=s.end + offset) for s in found]
        offset += len(one) + 2
    assert {span[:3]: span.logit for span in whole} == rounded(alone)


def test_reading_depends_on_no_other_text_and_no_batch(model):
    texts = [LONG, *TEXTS, "", "  ", "\U0001f600"]
    alone = [read(model, [text], Windowing(20, 8))[0] for text in texts]
    for batch_words in (1, 60, 4000):
        together = read(model, texts, Windowing(20, 8), batch_words)
        for one, other in zip(together, alone, strict=True):
            assert is_same(one, other)


def test_reading_warns_of_nothing_and_cuts_nothing(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(model, [LONG], Windowing(model.longest, 8))


@pytest.mark.parametrize("model", ["uni-deberta", "bi-deberta", "gliner2-boundary"], indirect=True)
def test_reading_words_that_are_none_are_left_out_and_counted(model):
    issues = IssueLog()
    blob = "z9" * 3000
    found = read(model, [f"{TEXTS[0]} {blob} {TEXTS[0]}"], Windowing(20, 8), issues=issues)[0]
    assert issues[TOO_LONG] == 1
    assert all(span.end <= len(TEXTS[0]) or span.start > len(TEXTS[0]) + len(blob) for span in found)


def test_reading_asks_a_bi_encoder_all_at_once(zero_shot_folders):
    folder = zero_shot_folders["bi-deberta"]
    model = make_gliner(read_checkpoint(folder), folder)
    sizes = model.prompt_sizes(PROMPTS)
    assert [group[:2] for group in divide_prompts(sizes, model.limit, 10)] == [(0, 3)]


def test_reading_many_labels_are_asked_in_groups_where_they_leave_no_room(zero_shot_folders):
    folder = zero_shot_folders["uni-bert"]
    model = make_gliner(read_checkpoint(folder), folder)
    prompts = tuple(Prompt(f"{letter}{number}") for letter in "abcd" for number in range(10))
    fixed, sizes = model.prompt_sizes(prompts)
    assert fixed + sum(sizes) > model.limit
    found = read(model, [LONG], Windowing(20, 8), prompts=prompts)[0]
    assert {span.prompt for span in found} == set(range(len(prompts)))
    groups = list(divide_prompts((fixed, sizes), model.limit, 1000))
    assert [first for first, _, _ in groups] == [0, *(after for _, after, _ in groups[:-1])]
    assert groups[-1][1] == len(prompts)
    for first, after, left in groups:
        assert fixed + sum(sizes[first:after]) + left == model.limit
        assert left >= model.limit // 2


def test_reading_memory_is_flat_on_a_long_text(zero_shot_folders):
    folder = zero_shot_folders["uni-bert"]
    model = make_gliner(read_checkpoint(folder), folder)
    sentence = "Anna Berg lives in Oslo and works for Acme Corp . "
    text = sentence * 1820
    assert len(model.words(text)) > 20_000
    questions = [Question(text, PROMPTS, (3.0, 3.0, 3.0))]
    read_texts(model, [questions[0]._replace(text=sentence * 100)], Layout(Windowing(24, 8), 512), IssueLog())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_texts(model, questions, Layout(Windowing(24, 8), 512), IssueLog())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30_000
