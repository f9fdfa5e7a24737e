from spacy import registry

from spacy_ner_plus.workflows.training.bounded import write_bounded_config
from spacy_ner_plus.workflows.training.spacy_training import load_config
from tests.conftest import ROOT


def test_bounded_configs_end_after_the_steps_and_are_evaluated_then(tmp_path, small_corpus):
    settings = {"paths.train": str(small_corpus), "vars.epochs": 7}
    write_bounded_config(ROOT / "configs" / "transformer_ner.cfg", tmp_path / "bounded.cfg", 5, settings)
    training = load_config(tmp_path / "bounded.cfg", {}).interpolate()["training"]
    # The first step has the number 0.
    assert (training["max_steps"], training["eval_frequency"], training["patience"]) == (4, 4, 0)
    assert registry.resolve({"epochs": training["max_epochs"]}) == {"epochs": 5}
    assert training["optimizer"]["learn_rate"]["epochs"] == training["max_epochs"]


def test_bounded_configs_of_other_pipelines_have_no_epochs(tmp_path):
    source = tmp_path / "source.cfg"
    source.write_text(
        "[nlp]\nlang = en\npipeline = []\n\n[training]\nmax_epochs = 3\npatience = 1600\nmax_steps = 20000\n"
    )
    write_bounded_config(source, tmp_path / "bounded.cfg", 10, {})
    training = load_config(tmp_path / "bounded.cfg", {})["training"]
    assert (training["max_epochs"], training["max_steps"], training["patience"]) == (0, 9, 0)
