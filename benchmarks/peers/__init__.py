"""The tools that are compared: one file each, all with the same three functions.

    train(train_docs, dev_docs, folder, seed, limits, min_steps, **options) -> dict
    load(folder) -> predict(texts, batch_size=None) -> one list of entities a text
    load_for_tokens(folder) -> predict(docs, batch_size=None) -> the same, on gold tokens

An entity is (start_char, end_char, label). `train` leaves in `folder` all that
`load` needs; what it returns is `Clock.report()` with `recipe`, `source` and
`words_seen` beside it. A recipe that makes fewer steps of the optimizer than
`min_steps` gets more epochs. BATCH_SIZES are those that the speed test may choose
from, the tool's own default first.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, NamedTuple

Entity = tuple[int, int, str]


class Peer(NamedTuple):
    """A tool, in one of its recipes.

    title (str): As tables call it.
    module (str): The file under peers/.
    packages (tuple[str]): The distributions that make it up.
    options (dict[str, Any]): Given to its `train`.
    trained_by (str): The peer whose trained folder it uses; its own if empty.
    """

    title: str
    module: str
    packages: tuple[str, ...]
    options: dict[str, Any]
    trained_by: str = ""


PEERS = {
    "ours": Peer("spacy-ner-plus", "ours", ("spacy-ner-plus", "spacy"), {}),
    "ours_openvino": Peer(
        "spacy-ner-plus, OpenVINO", "ours_openvino", ("spacy-ner-plus", "openvino"), {}, trained_by="ours"
    ),
    "stock_spacy": Peer("spaCy (transformer + ner)", "stock_spacy", ("spacy", "spacy-transformers"), {}),
    "stock_spacy_300": Peer(
        "spaCy (transformer + ner), 300 steps",
        "stock_spacy",
        ("spacy", "spacy-transformers"),
        {"steps": 300},
    ),
    "hugging_face": Peer("Hugging Face Trainer, pipeline", "hugging_face", ("accelerate",), {}),
    "span_marker": Peer("SpanMarker", "span_marker_ner", ("span_marker",), {}),
    "span_marker_context": Peer(
        "SpanMarker, document context", "span_marker_ner", ("span_marker",), {"context": True}
    ),
    "gliner": Peer("GLiNER", "gliner_ner", ("gliner",), {}),
    "flair": Peer("Flair, sentences", "flair_ner", ("flair",), {}),
    "flair_context": Peer("Flair, document context", "flair_ner", ("flair",), {"context": True}),
}
OURS = "ours"
TRAINED = [name for name, peer in PEERS.items() if not peer.trained_by]


def import_peer(name: str) -> ModuleType:
    """Import a peer's file, and none of the others.

    name (str): Of PEERS.
    RETURNS (ModuleType): The module.
    """
    return import_module(f"peers.{PEERS[name].module}")


def versions(name: str) -> dict[str, str]:
    """RETURNS (dict[str, str]): The versions that a run of this peer depends on."""
    return {package: version(package) for package in (*PEERS[name].packages, "torch", "transformers")}


def missing(name: str) -> str:
    """RETURNS (str): Why a peer can't run here; empty where its packages are installed."""
    for package in PEERS[name].packages:
        try:
            version(package)
        except PackageNotFoundError:
            return f"{package} is not installed"
    return ""
