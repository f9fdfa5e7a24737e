import pytest
import spacy
from spacy.tokens import Span
from spacy.training.initialize import init_nlp
from spacy.training.loop import train

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.pipeline.add_labels import add_labels_v1
from tests.conftest import make_docs


def test_add_labels_adds_those_that_are_new(trained):
    assert add_labels_v1("transformer_ner", ["ORG", "PET"])(trained) is trained
    assert trained.get_pipe("transformer_ner").labels == ("LOC", "ORG", "PER", "PET")
    with pytest.raises(KeyError, match="other"):
        add_labels_v1("other", ["PET"])(trained)


def test_add_labels_to_a_component_that_spacy_train_takes_from_a_pipeline(trained_folder, tmp_path, nlp):
    docs = make_docs(nlp.vocab)
    for doc in docs:
        ents = [ent for ent in doc.ents if ent.label_ == "PER"]
        doc.set_ents([Span(doc, ent.start, ent.end, "PET") for ent in ents], default="outside")
        set_annotated_labels(doc, ["PET"])
    save_docs(docs, tmp_path / "pets.spacy")
    config = spacy.util.load_config(spacy.language.DEFAULT_CONFIG_PATH).merge(
        {
            "paths": {"train": str(tmp_path / "pets.spacy"), "dev": str(tmp_path / "pets.spacy")},
            "nlp": {"lang": "en", "pipeline": ["transformer_ner"]},
            "components": {"transformer_ner": {"source": str(trained_folder)}},
            "training": {"max_steps": 3, "eval_frequency": 2, "score_weights": {"ents_f": 1.0}},
            "initialize": {
                "after_init": {
                    "@callbacks": "spacy_ner_plus.add_labels.v1",
                    "component": "transformer_ner",
                    "labels": ["PET"],
                }
            },
        }
    )
    pipeline = init_nlp(config)
    (tmp_path / "out").mkdir()
    train(pipeline, tmp_path / "out")
    saved = spacy.load(tmp_path / "out" / "model-last").get_pipe("transformer_ner")
    assert saved.labels == ("LOC", "ORG", "PER", "PET")
    assert saved.token_scorer.n_tags == 9
