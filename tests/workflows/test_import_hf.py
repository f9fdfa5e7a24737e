from spacy_ner_plus.workflows.import_hf import import_hf
from tests.pipeline.transformer_ner.test_import_hf import TAGS, save_classifier


def test_import_hf_gives_the_pipeline_and_saves_it_where_told(tmp_path):
    source = save_classifier(tmp_path / "hf", TAGS)
    nlp = import_hf(source)
    assert nlp.get_pipe("transformer_ner").labels == ("LOC", "PER")
    assert [path.name for path in tmp_path.iterdir()] == ["hf"]
    import_hf(source, tmp_path / "out")
    assert (tmp_path / "out" / "meta.json").exists()
