from spacy_ner_plus.evaluation.pages.entities_page import render_entities

EVIL = "<script>alert(1)</script>"


def test_entities_page_escapes_and_keeps_lines():
    texts = [
        {"text": f"Anna\n{EVIL}", "ents": [{"start": 0, "end": 4, "label": "<PER>"}]},
        {"text": "x", "ents": None, "error": "failed <here>"},
    ]
    page = render_entities(texts, lang="en")
    assert "<script" not in page
    assert '>Anna<span class="label">&lt;PER&gt;</span></mark><br>&lt;script' in page
    assert "failed &lt;here&gt;" in page
    assert "2 texts, 1 entity" in page


def test_entities_page_runs_right_to_left_where_the_language_does():
    page = render_entities([{"text": "שלום", "ents": []}], lang="he")
    assert "direction: rtl" in page
