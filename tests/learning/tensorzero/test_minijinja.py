import pytest

from spacy_ner_plus.learning.tensorzero.minijinja import as_template


# Jinja2 reads what is written as MiniJinja does; the gateway itself is asked in test_configuration.py.
@pytest.mark.parametrize(
    "text",
    ["plain", "{{ x }}", "{%- if a %}", "{# c #}", "{{{%{#", "{ {", "{{{{", '{"a": {"b": {}}}', "{{ '}}' }}"],
)
def test_minijinja_gives_the_text_again(text):
    from jinja2 import Environment

    assert Environment(keep_trailing_newline=True).from_string(as_template(text)).render() == text
