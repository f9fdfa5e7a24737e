import spacy

from spacy_ner_plus.annotation.generate.backend import Asked
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.annotation.generate.templates.requests import SPARE, generate_corpus
from spacy_ner_plus.annotation.generate.templates.templates import TEMPLATES
from spacy_ner_plus.workflows.progress import no_progress


def test_templates_are_what_generate_corpus_makes():
    check = RecordCheck(spacy.blank("en"))
    asked = Asked({"train": 20, "dev": 5, "test": 5}, seed=3)
    made = TEMPLATES.make(asked, TEMPLATES.settings(), check, no_progress)
    assert tuple(made.parts.values()) == generate_corpus(20, 5, test=5, seed=3)
    assert check.offered == len(check.refused) + 30


def test_templates_account_for_all_that_is_offered():
    check = RecordCheck(spacy.blank("en"))
    parts = generate_corpus(30, 8, test=8, seed=0, check=check)
    refused = sum(issue.count for _, issue in check.refused)
    assert check.offered == sum(map(len, parts)) + refused
    assert check.refused[SPARE] > 0
