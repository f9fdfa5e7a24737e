import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.pages.model_card import code, markdown, render_model_card, write_model_card
from tests.evaluation.compared import make_doc, make_metrics

META = {
    "lang": "en",
    "name": "ner_plus",
    "version": "0.2.0",
    "description": "Finds names",
    "license": "MIT",
    "spacy_version": ">=3.8.7,<3.9.0",
    "components": ["ner"],
    "labels": {"ner": ["LOC", "PER"]},
}
EVIL = "</code><script>alert(1)</script>\n---\n# x | `y`"
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))


@pytest.fixture(scope="module")
def metrics():
    import spacy

    vocab = spacy.blank("en").vocab
    gold = make_doc(vocab, "Anna|met|Bo|in|Oslo", [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")])
    predicted = make_doc(vocab, "Anna|met|Bo|in|Oslo", [(0, 1, "PER"), (4, 5, "LOC")], [0.9, 0.8])
    return make_metrics([gold] * 20, [predicted] * 20, train=[predicted])


def rendered(text, table=False):
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable("table")
    return reader.render(f"| a |\n| --- |\n| {text} |" if table else text)


@given(TEXTS)
def test_model_card_escapes_text_for_markdown(text):
    plain = " ".join(text.split())
    expected = f"<p>{html.escape(plain, quote=False)}</p>\n" if plain else ""
    assert html.unescape(rendered(markdown(text))) == html.unescape(expected)
    assert f">{html.unescape(plain)}<" in html.unescape(rendered(markdown(text), table=True)) or not plain


@given(TEXTS.filter(str.strip))
def test_model_card_escapes_code_in_tables(text):
    plain = " ".join(text.split())
    assert f">{plain}</" in html.unescape(rendered(code(text), table=True))


def test_model_card_tells_scores_with_intervals_data_limits_and_use(metrics):
    card = render_model_card(metrics, META).replace("\N{EN DASH}", "-")
    assert "| **all** | 100.00 (100.0-100.0) | 66.67 (66.7-66.7) | **80.00 (80.0-80.0)** | 60 |" in card
    assert "| `PER` | 100.00 (100.0-100.0) | 50.00 (50.0-50.0) | 66.67 (66.7-66.7) | 40 |" in card
    assert (
        "Scored on `test.spacy`: 20 documents, 100 tokens, 60 entities, with the pipeline's own tokens"
        in card
    )
    assert "- Weakest labels: `PER` (F1 66.67)." in card
    assert "- Most frequent of its 20 errors: missed (20)." in card
    assert 'nlp = spacy.load("en_ner_plus")' in card
    assert "| In the training corpus: seen | 40 | 100.00 |" in card
    assert "| In the training corpus: unseen | 20 | 0.00 |" in card


def test_model_card_has_the_metadata_that_hugging_face_reads(metrics):
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(render_model_card(metrics, META)).data
    assert (data.language, data.license, data.library_name) == (["en"], "mit", "spacy")
    assert data.tags == ["spacy", "token-classification", "named-entity-recognition"]
    assert data.model_name == "en_ner_plus"
    found = {result.metric_type: result.metric_value for result in data.eval_results}
    assert found == {"precision": 1.0, "recall": pytest.approx(2 / 3, abs=1e-6), "f1": pytest.approx(0.8)}
    assert {result.dataset_name for result in data.eval_results} == {"test.spacy"}


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache 2.0", {"license": "apache-2.0"}),
        ("", {}),
        ("My: own", {"license": "other", "license_name": "My: own"}),
    ],
)
def test_model_card_names_licences_as_hugging_face_does(metrics, licence, expected):
    import srsly

    card = render_model_card(metrics, {**META, "license": licence})
    front = srsly.yaml_loads(card.split("---\n")[1])
    assert {key: value for key, value in front.items() if key.startswith("license")} == expected


def test_model_card_holds_nothing_but_text_of_texts(metrics):
    import srsly

    corpus = {**metrics["corpus"], "name": EVIL}
    hostile = {"name": EVIL, "description": EVIL, "author": EVIL, "license": EVIL, "components": [EVIL]}
    card = render_model_card({**metrics, "corpus": corpus}, {**META, **hostile})
    front, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert srsly.yaml_loads(front)["model-index"][0]["name"] == f"en_{EVIL}"
    page = rendered(body)
    assert "<script" not in page
    assert page.count("<h1>") == 1
    assert page.count("<hr") == 0


def test_model_card_is_written_into_the_pipelines_folder_and_again(metrics, tmp_path):
    assert write_model_card(tmp_path, metrics, META) == tmp_path / "README.md"
    write_model_card(tmp_path, metrics, {**META, "version": "0.3.0"})
    assert "0.3.0" in (tmp_path / "README.md").read_text(encoding="utf8")


def test_model_card_leaves_a_readme_of_ones_own_alone(metrics, tmp_path):
    (tmp_path / "README.md").write_text("# Mine", encoding="utf8")
    with pytest.raises(UserError, match="E346"):
        write_model_card(tmp_path, metrics, META)
    assert (tmp_path / "README.md").read_text(encoding="utf8") == "# Mine"
    assert write_model_card(tmp_path / "CARD.md", metrics, META).exists()


def test_model_card_replaces_the_one_that_spacy_makes(metrics, tmp_path):
    from spacy.cli.package import generate_readme

    generated = generate_readme({**META, "author": "", "labels": {}, "performance": {}})
    (tmp_path / "README.md").write_text(generated, encoding="utf8")
    write_model_card(tmp_path, metrics, META)
    assert "Scored on" in (tmp_path / "README.md").read_text(encoding="utf8")


def test_model_card_is_what_spacy_package_takes(metrics, tmp_path):
    import spacy
    from spacy.cli.package import package

    nlp = spacy.blank("en", meta={"name": "carded"})
    nlp.add_pipe("entity_ruler", "ner").add_patterns(
        [{"label": label, "pattern": "x"} for label in META["labels"]["ner"]]
    )
    nlp.to_disk(tmp_path / "pipeline")
    write_model_card(tmp_path / "pipeline", metrics, nlp.meta)
    package(tmp_path / "pipeline", tmp_path, create_sdist=False, create_wheel=False, silent=True)
    [card] = (tmp_path / "en_carded-0.0.0").glob("README.md")
    assert "Scored on `test.spacy`" in card.read_text(encoding="utf8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"components": ["tok2vec", "ner"]}, "components ner were scored, and here are tok2vec, ner"),
        ({"labels": {"ner": ["PER", "ORG"]}}, "LOC was predicted, and here are ORG, PER"),
    ],
)
def test_model_card_refuses_metrics_of_another_pipeline(metrics, tmp_path, changes, message):
    with pytest.raises(UserError, match=f"E324.*{message}.*Evaluate this one"):
        write_model_card(tmp_path, metrics, {**META, **changes})
    assert not list(tmp_path.iterdir())


def test_model_card_refuses_other_labels_than_were_scored(metrics, tmp_path):
    described = {**metrics["pipeline"], "labels": ["LOC", "MISC", "PER"]}
    with pytest.raises(UserError, match=r"E324.*labels LOC, MISC, PER were scored, and here are LOC, PER"):
        write_model_card(tmp_path, {**metrics, "pipeline": described}, META)


def test_model_card_believes_components_whose_labels_nobody_knows(metrics, tmp_path):
    assert write_model_card(tmp_path, metrics, {**META, "labels": {}}).exists()


def test_model_card_refuses_metrics_that_lack_something(metrics):
    with pytest.raises(UserError, match=r"E342.*they lack schemes, labels"):
        render_model_card({"ents_f": 0.9}, META)


def test_model_card_refuses_a_folder_that_is_not_there(metrics, tmp_path):
    with pytest.raises(UserError, match="E345"):
        write_model_card(tmp_path / "nowhere", metrics, META)
