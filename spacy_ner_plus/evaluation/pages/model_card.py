"""A model card: README.md of a packaged pipeline, with Hugging Face's metadata, filled from metrics alone."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import defined_rates
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.evaluation.pages.page_tables import MEASURES, SLICES
from spacy_ner_plus.files import write_whole

NAME = "README.md"
NEEDED = (
    "schemes",
    "labels",
    "documents",
    "errors",
    "slices",
    "label_sets",
    "corpus",
    "settings",
    "performance",
)
# A file with one of these may be replaced; spaCy's own card begins with the second.
MARK = "<!-- Made by spacy-ner-plus from metrics; changes are lost when it is made again. -->"
OURS = (MARK, "| Feature | Description |")
# Licences by the names that Hugging Face knows, in lower case.
LICENCES = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsl-1.0 cc-by-3.0 cc-by-4.0 cc-by-nc-4.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 epl-2.0 eupl-1.1 gpl-2.0 gpl-3.0 isc lgpl-2.1
lgpl-3.0 mit mpl-2.0 ncsa osl-3.0 unlicense wtfpl zlib
"""
# Characters that mean something in Markdown or HTML within a line.
SPECIAL = re.compile(r"([\\`*_\[\]<>&|~#$!])")
# How many of the weakest labels and most frequent kinds of error are named as limits.
WEAKEST = 3
# How many components or labels are named in a message.
MOST_NAMED = 12


def write_model_card(path: Path, metrics: Mapping[str, Any], meta: Mapping[str, Any]) -> Path:
    """Write the model card of a pipeline.

    path (Path): The pipeline's folder, from which `spacy package` takes its README.md, or a file to write.
    metrics (Mapping[str, Any]): As `evaluate` wrote them; the card says nothing that they don't hold.
    meta (Mapping[str, Any]): The pipeline's meta, as in nlp.meta and meta.json.
    RETURNS (Path): The README.md.
    RAISES (UserError): Where the metrics lack something or are of another pipeline, there is no such folder, or a
        README.md that somebody wrote.
    """
    file = Path(path)
    if file.suffix.lower() != ".md":
        if not file.is_dir():
            raise UserError(Errors.E345.format(path=file))
        file = file / NAME
    if file.exists() and not any(mark in file.read_text(encoding="utf8", errors="replace") for mark in OURS):
        raise UserError(Errors.E346.format(path=file))
    card = render_model_card(metrics, meta)
    if different := differences(metrics, meta):
        raise UserError(Errors.E324.format(path=path, differences="; ".join(different)))
    write_whole(file, card.encode("utf8"))
    return file


def differences(metrics: Mapping[str, Any], meta: Mapping[str, Any]) -> list[str]:
    """Find what metrics and a pipeline's meta say differently: then they are of two pipelines.

    Name and version don't tell: they change when a pipeline is packaged.

    metrics (Mapping[str, Any]): As `evaluate` wrote them.
    meta (Mapping[str, Any]): The pipeline's meta.
    RETURNS (list[str]): What differs, in words; nothing where all that both know is the same.
    """
    described = metrics.get("pipeline", {})
    found = []
    components, here = list(described.get("components", ())), list(meta.get("components", ()))
    if "components" in described and components != here:
        found.append(f"components {_names(components)} were scored, and here are {_names(here)}")
    known = sorted({label for labels in meta.get("labels", {}).values() for label in labels})
    if "labels" in described and sorted(described["labels"]) != known:
        scored = _names(sorted(described["labels"]))
        found.append(f"labels {scored} were scored, and here are {_names(known)}")
    # Components without labels of their own may predict any.
    strange = sorted(metrics["label_sets"]["predicted"].keys() - set(known))
    if strange and "labels" not in described and set(here) == set(meta.get("labels", {})):
        found.append(f"{_names(strange)} was predicted, and here are {_names(known)}")
    return found


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED]) or "none"
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown


def render_model_card(metrics: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    """Make the model card of a pipeline.

    metrics (Mapping[str, Any]): As `evaluate` wrote them.
    meta (Mapping[str, Any]): The pipeline's meta.
    RETURNS (str): Markdown, after metadata in YAML.
    RAISES (UserError): Where the metrics lack something.
    """
    import srsly
    from jinja2 import Environment, FileSystemLoader

    if absent := [key for key in NEEDED if key not in metrics]:
        raise UserError(Errors.E342.format(reason=f"they lack {', '.join(absent)}"))
    # What HTML would escape stands for itself here; `md` and `code` escape for Markdown.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"md": markdown, "code": code, "json": json.dumps}
    return environment.get_template("model_card.jinja").render(
        front=srsly.yaml_dumps(metadata(metrics, meta)),
        mark=MARK,
        name=f"{meta.get('lang', 'xx')}_{meta.get('name', 'pipeline')}",
        meta=meta,
        metrics=metrics,
        labels=_labels(metrics),
        meanings={scheme: MEASURES[scheme] for scheme in SCHEMES},
        strict=STRICT,
        slices={SLICES[key]: metrics["slices"][key] for key in SLICES if len(metrics["slices"].get(key, {})) > 1},
        weakest=_weakest(metrics),
        kinds=_kinds(metrics),
        percent=_percent,
    )  # fmt: skip


def metadata(metrics: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """Give what Hugging Face reads of a model card.

    metrics (Mapping[str, Any]): As `evaluate` wrote them.
    meta (Mapping[str, Any]): The pipeline's meta.
    RETURNS (dict[str, Any]): Tags, language, licence, library and the model index with precision, recall and F1.
    """
    strict, corpus = metrics["schemes"][STRICT], metrics["corpus"]
    lang = meta.get("lang", "xx")
    slug = re.sub(r"[^a-z0-9]+", "-", Path(corpus["name"]).stem.lower()).strip("-") or "corpus"
    measured = {"Precision": "precision", "Recall": "recall", "F Score": "f1"}
    return {
        "tags": ["spacy", "token-classification", "named-entity-recognition"],
        "language": ["multilingual" if lang == "xx" else lang],
        **_licence(meta.get("license") or ""),
        "library_name": "spacy",
        "pipeline_tag": "token-classification",
        "model-index": [
            {
                "name": f"{lang}_{meta.get('name', 'pipeline')}",
                "results": [
                    {
                        "task": {"name": "NER", "type": "token-classification"},
                        "dataset": {"name": corpus["name"], "type": slug},
                        "metrics": [
                            {"name": f"NER {name}", "type": key, "value": round(strict[key], 6)}
                            for name, key in measured.items()
                        ],
                    }
                ],
            }
        ],
    }


def markdown(value: Any) -> str:
    """RETURNS (str): A text as one line of Markdown in which nothing of it is markup."""
    escaped = SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    # At the beginning of a line these would make a list, or a heading of the line before.
    return re.sub(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=](?:[-=\s]|$)))", r"\1\\", escaped)


def code(value: Any) -> str:
    """RETURNS (str): A text as code within a line, which may stand in a table."""
    text = " ".join(str(value).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    # In a table a bar would end the cell, even in code.
    if "|" in text or not text:
        return markdown(text)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _licence(name: str) -> dict[str, str]:
    if not name:
        return {}
    known = re.sub(r"\s+", "-", name.strip().lower())
    return {"license": known} if known in LICENCES.split() else {"license": "other", "license_name": name}


def _labels(metrics: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Strict scores by label, None for rates that aren't defined."""
    sets = metrics["label_sets"]
    found = []
    for label, schemes in sorted(metrics["labels"].items()):
        row, support = schemes[STRICT], sets["gold"].get(label, 0)
        rates = defined_rates(row, predicted=sets["predicted"].get(label, 0), support=support)
        found.append((label, {**row, **rates, "support": support}))
    return found


def _weakest(metrics: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Labels in gold with the lowest F1, below that of all together."""
    golds, all_f1 = metrics["label_sets"]["gold"], metrics["schemes"][STRICT]["f1"]
    rows = [(label, row[STRICT]) for label, row in metrics["labels"].items() if label in golds]
    return sorted((row for row in rows if row[1]["f1"] < all_f1), key=lambda row: row[1]["f1"])[:WEAKEST]


def _kinds(metrics: Mapping[str, Any]) -> list[tuple[str, int]]:
    counts = [(kind, row["count"]) for kind, row in metrics["errors"]["kinds"].items() if row["count"]]
    return sorted(counts, key=lambda row: -row[1])[:WEAKEST]


def _percent(value: float | None, interval: Mapping[str, Any] | None = None, key: str = "f1") -> str:
    if value is None:
        return "\N{EN DASH}"
    ends = f" ({100 * interval[key][0]:.1f}\N{EN DASH}{100 * interval[key][1]:.1f})" if interval else ""
    return f"{100 * value:.2f}{ends}"
