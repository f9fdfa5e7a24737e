"""Pipelines that are compared, made from hand-built Docs: real metrics, a real comparison, no pipeline."""

from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.comparison.compare import compare_pipelines
from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from spacy_ner_plus.evaluation.counting.document_counts import count_documents
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.metrics.compute import compute_metrics
from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint


def make_doc(vocab, words, ents=(), scores=None) -> Doc:
    """A Doc of words parted by bars, with entities by token, and perhaps their scores."""
    doc = Doc(vocab, words=words.split("|") if isinstance(words, str) else words)
    doc.set_ents([Span(doc, *ent) for ent in ents])
    if scores is not None:
        attrs = {"scores": list(scores), "ents": True}
        doc.spans["scored"] = SpanGroup(doc, spans=doc.ents, attrs=attrs)
    return doc


def make_metrics(golds, predicted, name="pipeline", **others) -> dict:
    """What `evaluate` writes, as far as pages and cards read it."""
    settings = {"resamples": others.pop("resamples", 60), "train": others.pop("train", None)}
    return {
        **compute_metrics(match_docs(golds, predicted), **settings),
        "corpus": {
            "name": "test.spacy",
            "documents": len(golds),
            "tokens": sum(map(len, golds)),
            "entities": sum(len(gold.ents) for gold in golds),
            "fingerprint": corpus_fingerprint(golds),
        },
        "pipeline": {"name": f"en_{name}", "version": "0.1.0", "components": {"ner": "ner"}},
        "settings": {
            "tokens": "own",
            "overrides": [],
            "limit": 0,
            "train": None,
            "similarity_threshold": 0.9,
        },
        "performance": {
            "words_per_second": 1234.5,
            "load_seconds": 1.5,
            "peak_memory_mib": 512.0,
            "processor": "A processor, 2 cores",
        },
        "issues": {},
        **others,
    }


def make_compared(golds, predictions, **others):
    """ComparedPipelines for predictions by name, and their comparison; `others` goes into the metrics of each."""
    pipelines = [make_pipeline(golds, docs, name, **others) for name, docs in predictions.items()]
    return pipelines, compare(pipelines)


def make_pipeline(golds, predicted, name="pipeline", **others):
    matched = match_docs(golds, predicted)
    metrics = make_metrics(golds, predicted, name, **others)
    return ComparedPipeline(name, [metrics], [count_documents(matched)], matched)


def compare(pipelines):
    return compare_pipelines(pipelines, resamples=60, rounds=200)
