"""What is said of examples."""

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.data.statistics.example_counts import ExampleCounts
from spacy_ner_plus.data.statistics.findings import find_problems


def counts(nlp, label="PER", docs=3000, negative=True, name="Anna"):
    found = ExampleCounts()
    for i in range(docs):
        ents = ["O", "O"] if negative and not i else [f"B-{label}", "O"]
        gold = Doc(nlp.vocab, words=[f"{name}{i}", "left"], ents=ents)
        found.add(Example(gold.copy(), gold))
    return found


def said(findings, level):
    return [finding.text for finding in findings if finding.level == level]


def test_findings_of_good_data_are_good(nlp):
    findings = find_problems(counts(nlp), counts(nlp, docs=60, name="Bob"))
    assert {finding.level for finding in findings} == {"good"}


def test_findings_tell_too_few_documents_and_entities(nlp):
    findings = find_problems(counts(nlp, docs=20), counts(nlp, docs=5, name="Bob"))
    assert said(findings, "fail")[0].startswith("20 training documents are very few")
    assert "Few examples (at most 50) of 'PER' (19)" in said(findings, "warn")
    # Not of a pipeline that goes on learning.
    assert (
        said(find_problems(counts(nlp, docs=20), counts(nlp, docs=5, name="Bob"), known=["PER"]), "fail")
        == []
    )


def test_findings_tell_texts_that_are_in_both(nlp):
    text = "5 evaluation documents have a text that is in the training data, too"
    assert text in said(find_problems(counts(nlp), counts(nlp, docs=5)), "warn")


def test_findings_tell_labels_of_one_corpus_alone(nlp):
    findings = find_problems(counts(nlp, "PER"), counts(nlp, "LOC", docs=60, name="Bob"), known=["ORG"])
    assert "Labels of the trained components that the training data lacks, and may unlearn: 'ORG'" in said(
        findings, "warn"
    )
    assert "Labels of the evaluation data that can't be learnt: 'LOC'" in said(findings, "warn")
    assert "Labels that aren't measured, since the evaluation data lacks them: 'PER'" in said(
        findings, "warn"
    )


def test_findings_tell_labels_that_every_document_has(nlp):
    findings = find_problems(counts(nlp, negative=False), counts(nlp, docs=60, name="Bob"))
    assert "No training documents without an entity of 'PER'" in said(findings, "warn")


def test_findings_tell_documents_that_the_batcher_leaves_out(nlp):
    findings = find_problems(counts(nlp), counts(nlp, docs=60, name="Bob"), longest=1)
    assert said(findings, "fail")[0].startswith("3,000 training documents have more than 1 tokens (up to 2)")


def test_findings_tell_that_nothing_is_there(nlp):
    failed = said(find_problems(ExampleCounts(), ExampleCounts()), "fail")
    assert failed[1:] == ["No evaluation documents", "No entities in the training data"]
