import pytest

from spacy_ner_plus.llm.client.tokens import estimate_tokens
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.pipeline.structured_llm_ner.reply_length import ReplyLength
from tests.pipeline.structured_llm_ner.test_cut_replies import long_text
from tests.servers.known_answers import LABELS


@pytest.mark.parametrize("format", FORMATS)
def test_reply_length_leaves_room_for_texts_full_of_entities(format):
    found = ReplyLength.measure(get_format(format), LABELS, estimate_tokens, 2048)
    assert 300 < found.text_tokens(least=64) < 4000
    assert found.full < found.most
    assert not found.may_be_cut("Anna met Robert. " * 5)
    assert found.may_be_cut(long_text(2000))


def test_reply_length_isnt_known_without_a_limit_or_an_ideal_reply():
    class Unwritten(type(get_format("label_lists"))):
        def render(self, mentions, labels, text):
            raise NotImplementedError

    found = ReplyLength.measure(Unwritten(), LABELS, estimate_tokens, 1000)
    assert found.text_tokens(least=64) == 750
    assert (
        ReplyLength.measure(get_format("label_lists"), LABELS, estimate_tokens, None).text_tokens(least=64)
        is None
    )
