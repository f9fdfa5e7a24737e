"""Named entity recognition for spaCy: convert, train, evaluate, look, package."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.about import __version__

__all__ = [
    "Annotation",
    "Averaged",
    "Compared",
    "Comparison",
    "Conversion",
    "DataReport",
    "Distillation",
    "FormatInfo",
    "IssueLog",
    "MachineInfo",
    "Metrics",
    "Selection",
    "Store",
    "UserError",
    "__version__",
    "annotate",
    "average",
    "calibrate",
    "check_corpus",
    "check_package",
    "check_project",
    "check_server",
    "compare",
    "convert",
    "convert_corpus",
    "debug_data",
    "distil",
    "estimate",
    "evaluate",
    "formats",
    "generate",
    "import_gliner",
    "import_hf",
    "info",
    "init",
    "learning_curve",
    "mask",
    "model_card",
    "model_table",
    "package",
    "predict",
    "record",
    "render",
    "resolve_training",
    "review_merge",
    "review_pull",
    "review_push",
    "review_status",
    "review_suggest",
    "select",
    "stats",
    "train",
    "try_formats",
]

if TYPE_CHECKING:
    from spacy_ner_plus.data.format_info import FormatInfo, formats
    from spacy_ner_plus.errors import UserError
    from spacy_ner_plus.evaluation.comparison.comparison import Comparison
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.llm.store.store import Store
    from spacy_ner_plus.pipeline.masking import mask
    from spacy_ner_plus.pipeline.resolve_training import resolve_training
    from spacy_ner_plus.workflows.annotate import Annotation, annotate
    from spacy_ner_plus.workflows.arguments.compared import Compared
    from spacy_ner_plus.workflows.average import Averaged, average
    from spacy_ner_plus.workflows.calibrate import calibrate
    from spacy_ner_plus.workflows.compare import compare
    from spacy_ner_plus.workflows.convert import Conversion, convert
    from spacy_ner_plus.workflows.distil import Distillation, distil
    from spacy_ner_plus.workflows.evaluate import evaluate
    from spacy_ner_plus.workflows.generate import generate
    from spacy_ner_plus.workflows.import_gliner import import_gliner
    from spacy_ner_plus.workflows.import_hf import import_hf
    from spacy_ner_plus.workflows.info import MachineInfo, info
    from spacy_ner_plus.workflows.llm import check_server, estimate, try_formats
    from spacy_ner_plus.workflows.model_card import model_card
    from spacy_ner_plus.workflows.model_table import model_table
    from spacy_ner_plus.workflows.predict import predict
    from spacy_ner_plus.workflows.project.check_corpus import check_corpus
    from spacy_ner_plus.workflows.project.check_package import check_package
    from spacy_ner_plus.workflows.project.check_project import check_project
    from spacy_ner_plus.workflows.project.convert_corpus import convert_corpus
    from spacy_ner_plus.workflows.project.init import init
    from spacy_ner_plus.workflows.project.package import package
    from spacy_ner_plus.workflows.record import record
    from spacy_ner_plus.workflows.render import render
    from spacy_ner_plus.workflows.review.curve import learning_curve
    from spacy_ner_plus.workflows.review.merge import review_merge
    from spacy_ner_plus.workflows.review.pull import review_pull
    from spacy_ner_plus.workflows.review.push import review_push
    from spacy_ner_plus.workflows.review.status import review_status
    from spacy_ner_plus.workflows.review.suggest import review_suggest
    from spacy_ner_plus.workflows.select import Selection, select
    from spacy_ner_plus.workflows.stats import DataReport, debug_data, stats
    from spacy_ner_plus.workflows.train import train

# Where each name is, imported when it is first used: spaCy imports this package with every pipeline.
_HOMES = {
    "Annotation": "workflows.annotate",
    "Averaged": "workflows.average",
    "Compared": "workflows.arguments.compared",
    "Comparison": "evaluation.comparison.comparison",
    "Conversion": "workflows.convert",
    "FormatInfo": "data.format_info",
    "IssueLog": "issues",
    "MachineInfo": "workflows.info",
    "Metrics": "evaluation.metrics.metrics",
    "UserError": "errors",
    "annotate": "workflows.annotate",
    "average": "workflows.average",
    "calibrate": "workflows.calibrate",
    "check_corpus": "workflows.project.check_corpus",
    "check_package": "workflows.project.check_package",
    "check_project": "workflows.project.check_project",
    "check_server": "workflows.llm",
    "compare": "workflows.compare",
    "convert": "workflows.convert",
    "debug_data": "workflows.stats",
    "DataReport": "workflows.stats",
    "convert_corpus": "workflows.project.convert_corpus",
    "distil": "workflows.distil",
    "Distillation": "workflows.distil",
    "estimate": "workflows.llm",
    "evaluate": "workflows.evaluate",
    "formats": "data.format_info",
    "generate": "workflows.generate",
    "import_gliner": "workflows.import_gliner",
    "import_hf": "workflows.import_hf",
    "info": "workflows.info",
    "init": "workflows.project.init",
    "mask": "pipeline.masking",
    "model_card": "workflows.model_card",
    "model_table": "workflows.model_table",
    "package": "workflows.project.package",
    "predict": "workflows.predict",
    "record": "workflows.record",
    "render": "workflows.render",
    "resolve_training": "pipeline.resolve_training",
    "review_push": "workflows.review.push",
    "review_pull": "workflows.review.pull",
    "review_merge": "workflows.review.merge",
    "review_status": "workflows.review.status",
    "review_suggest": "workflows.review.suggest",
    "learning_curve": "workflows.review.curve",
    "select": "workflows.select",
    "Selection": "workflows.select",
    "Store": "llm.store.store",
    "stats": "workflows.stats",
    "train": "workflows.train",
    "try_formats": "workflows.llm",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
