"""Pipelines that are compared, made from hand-built Docs: real metrics, a real comparison, no pipeline."""

from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.comparison.compare import Entrant, compare_entrants
from spacy_ner_plus.evaluation.counting.document_counts import count_documents
from spacy_ner_plus.evaluation.matching.matched_doc import judge_docs
from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint
from spacy_ner_plus.evaluation.metrics.measure import measure
from spacy_ner_plus.evaluation.pages.page_tables import ComparedPipeline


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
    return {
        **measure(golds, predicted, resamples=others.pop("resamples", 60), train=others.pop("train", None)),
        "corpus": {
            "name": "test.spacy",
            "documents": len(golds),
            "tokens": sum(map(len, golds)),
            "entities": sum(len(gold.ents) for gold in golds),
            "fingerprint": corpus_fingerprint(golds),
        },
        "pipeline": {"name": f"en_{name}", "version": "0.1.0", "components": {"ner": "ner"}},
        "settings": {"tokens": "own", "overrides": [], "limit": 0, "train": None},
        "performance": {
            "words_per_second": 1234.5,
            "load_seconds": 1.5,
            "peak_memory_mib": 512.0,
            "processor": "A processor, 2 cores",
        },
        "losses": {},
        **others,
    }


def make_compared(golds, predictions, **others):
    """ComparedPipelines for predictions by name, and their comparison; `others` goes into the metrics of each."""
    pipelines = [
        ComparedPipeline(name, make_metrics(golds, docs, name, **others), docs)
        for name, docs in predictions.items()
    ]
    return pipelines, compare(golds, pipelines)


def compare(golds, pipelines):
    """The comparison of pipelines that have predictions."""
    entrants = [
        Entrant(pipeline.name, [pipeline.metrics], [count_documents(judge_docs(golds, pipeline.predicted))])
        for pipeline in pipelines
    ]
    return compare_entrants(entrants, resamples=60, rounds=200)
