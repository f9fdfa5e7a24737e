"""What the extractor makes of replies, which stand here in place of those of a server."""

from concurrent.futures import Future

import pytest

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.formats.reading import TRAILING_COMMA
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import Asked, ChatReply, InvalidReply, Outcome
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import AMBIGUOUS, LOST_SAMPLE, UNREAD
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight
from spacy_ner_plus.pipeline.structured_llm_ner.sample import Part, Sample

TEXT = "Ann left Rome. Bo saw Oslo."


def extract(nlp, format, *replies, text=TEXT):
    """The extraction from one chunk with a sample for each reply, and its Doc."""
    prompter = Prompter(get_format(format), load_labels(["PER", "LOC"]))
    extractor = Extractor(
        prompter,
        ChatModel(ChatSettings(base_url="http://127.0.0.1:9/v1", name="m")),
        samples=len(replies),
        chunk_tokens=None,
        chunk_overlap=0,
        occurrences="all",
        similarity_threshold=0.85,
    )
    doc = nlp.make_doc(text)
    submitted = DocInFlight(doc, [(0, len(text))], text=text)
    for content in replies:
        reply, future = ChatReply(content), Future()
        asked = (Asked(prompter.request(text), (reply,)),)
        try:
            outcome = Outcome(prompter.reader(text)(reply), asked=asked)
        except InvalidReply as error:
            outcome = Outcome(None, str(error), "invalid", asked)
        future.set_result(Sample([Part((0, len(text)), outcome)]))
        submitted.futures.append(future)
    return extractor.read(submitted), doc


def issues_of(extraction, doc):
    issues = IssueLog()
    extraction.log_issues(issues, doc)
    return {kind: issue.count for kind, issue in issues}


def test_extractor_leaves_missing_what_a_copy_leaves_out(nlp):
    extraction, doc = extract(nlp, "inline_tags", "<PER>Ann</PER> left <LOC>Rome</LOC>.")
    assert [ent.text for ent in extraction.entities(doc, 0.0)[0]] == ["Ann", "Rome"]
    assert [span.text for span in extraction.unknown(doc)] == ["Bo", "saw", "Oslo"]
    assert extraction.failure == "the reply leaves out 11 of 27 characters, from 'Bo saw Oslo' on"
    assert issues_of(extraction, doc) == {UNREAD: 1}


def test_extractor_takes_from_another_sample_what_a_copy_leaves_out(nlp):
    whole = "<PER>Ann</PER> left Rome. <PER>Bo</PER> saw <LOC>Oslo</LOC>."
    extraction, doc = extract(nlp, "inline_tags", "<PER>Ann</PER> left <LOC>Rome</LOC>.", whole)
    ents, scores = extraction.entities(doc, 0.0)
    assert dict(zip([ent.text for ent in ents], scores, strict=True)) == {
        "Ann": 1.0,
        "Rome": 0.5,
        "Bo": 1.0,
        "Oslo": 1.0,
    }
    assert (extraction.unknown(doc), extraction.failure) == ([], "")


def test_extractor_tells_of_samples_that_failed(nlp):
    good = '{"PER": ["Ann"], "LOC": []}'
    extraction, doc = extract(nlp, "label_lists", good, "{}", good)
    assert [ent.text for ent in extraction.entities(doc, 0.5)[0]] == ["Ann"]
    assert issues_of(extraction, doc) == {LOST_SAMPLE: 1}
    assert "are missing" in extraction.lost_samples[0].failure


def test_extractor_counts_repairs(nlp):
    extraction, doc = extract(nlp, "label_lists", '{"PER": ["Ann",], "LOC": [],}')
    assert issues_of(extraction, doc) == {TRAILING_COMMA: 2}


def test_extractor_marks_mentions_under_several_labels(nlp):
    extraction, doc = extract(nlp, "label_lists", '{"PER": ["Rome"], "LOC": ["Rome"]}', text="Rome left Rome")
    assert issues_of(extraction, doc)[AMBIGUOUS] >= 1
    assert all(extraction.mentions(doc)[1]["ambiguous"])


def test_extractor_takes_formats_that_give_plain_lists(nlp):
    class Plain(type(get_format("label_lists"))):
        def parse(self, content, labels, text):
            return [Mention("Ann", "PER")]

    extraction, doc = extract(nlp, Plain(), "anything")
    assert [ent.text for ent in extraction.entities(doc, 0.0)[0]] == ["Ann"]
    assert issues_of(extraction, doc) == {}


@pytest.mark.parametrize(
    "reply",
    [
        "{}",
        '{"PER": ["Ann"]}\n{"LOC": ["Rome"]}',
        'Draft: {"PER": [], "LOC": []}\nFinal: {"PER": ["Ann"], "LOC": ["Rome"]}',
        "I can't help with personal data. {}",
    ],
)
def test_extractor_takes_no_broken_reply_for_no_entities(nlp, reply):
    extraction, doc = extract(nlp, "label_lists", reply)
    assert len(extraction.unknown(doc)) == len(doc)
    assert extraction.failure


def test_extractor_tells_of_samples_whose_halves_partly_failed(nlp):
    doc = nlp.make_doc(TEXT)
    prompter = Prompter(get_format("label_lists"), load_labels(["PER", "LOC"]))
    extractor = Extractor(
        prompter,
        ChatModel(ChatSettings(base_url="http://127.0.0.1:9/v1", name="m")),
        samples=2,
        chunk_tokens=None,
        chunk_overlap=0,
        occurrences="all",
        similarity_threshold=0.85,
    )
    submitted = DocInFlight(doc, [(0, len(TEXT))], text=TEXT)
    first, second = (0, 14), (15, len(TEXT))
    whole = prompter.reader(TEXT)(ChatReply('{"PER": ["Ann", "Bo"], "LOC": ["Rome", "Oslo"]}'))
    half = prompter.reader(TEXT[:14])(ChatReply('{"PER": ["Ann"], "LOC": []}'))
    for sample in (
        Sample([Part((0, len(TEXT)), Outcome(whole))]),
        Sample([Part(first, Outcome(half)), Part(second, Outcome(None, "it is gone", "transport"))]),
    ):
        future = Future()
        future.set_result(sample)
        submitted.futures.append(future)
    extraction = extractor.read(submitted)
    ents, scores = extraction.entities(doc, 0.0)
    # On what the half doesn't say, the other sample alone has a vote.
    assert dict(zip([ent.text for ent in ents], scores, strict=True)) == {
        "Ann": 1.0,
        "Rome": 0.5,
        "Bo": 1.0,
        "Oslo": 1.0,
    }
    assert (extraction.unknown(doc), extraction.failure) == ([], "")
    assert [failure.failure for failure in extraction.lost_samples] == ["it is gone"]
    assert issues_of(extraction, doc) == {LOST_SAMPLE: 1}
