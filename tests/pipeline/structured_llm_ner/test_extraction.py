from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import align_mentions
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.llm.votes import count_votes
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction


def extraction(doc, *mentions) -> Extraction:
    alignment = align_mentions(doc, [Mention(text, label) for text, label in mentions])
    votes = count_votes([alignment.spans])
    return Extraction(votes, [alignment], failures=(), unknown_tokens=(), replies=())


def test_extraction_takes_a_shorter_entity_beside_a_blocked_token(nlp):
    doc = Doc(nlp.vocab, words=["Anna", "Berg", "slept"])
    found = extraction(doc, ("Anna Berg", "PER"), ("Anna", "PER"))
    assert [ent.text for ent in found.entities(doc, 0.0)[0]] == ["Anna Berg"]
    doc.set_ents([], blocked=[doc[1:2]], default="missing")
    assert [ent.text for ent in found.entities(doc, 0.0)[0]] == ["Anna"]
