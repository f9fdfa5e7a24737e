import importlib
import linecache
from types import ModuleType

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.annotators import find_annotators


@pytest.fixture
def folders(tmp_path):
    for name, component in (("a/model-best", "entity_ruler"), ("b/model-best", "span_ruler")):
        nlp = spacy.blank("en")
        nlp.add_pipe(component)
        (tmp_path / name).parent.mkdir()
        nlp.to_disk(tmp_path / name)
    return tmp_path / "a" / "model-best", tmp_path / "b" / "model-best"


def test_annotators_are_called_by_as_much_of_their_path_as_tells_them_apart(folders):
    one, other = folders
    assert [a.name for a in find_annotators([one])] == ["model-best"]
    assert [a.name for a in find_annotators([str(one), str(other)])] == ["a/model-best", "b/model-best"]
    assert [a.name for a in find_annotators([f"rules={one}", other])] == ["rules", "model-best"]


def test_annotators_identity_is_that_of_what_answers_depend_on(folders):
    one, other = folders
    (first,), (same,) = find_annotators(one), find_annotators(one)
    (renamed,), (second,) = find_annotators(f"x={one}"), find_annotators(other)
    (overridden,) = find_annotators(one, overrides=["components.entity_ruler.validate=true"])
    assert first.identity == same.identity == renamed.identity
    assert len({first.identity, second.identity, overridden.identity}) == 3
    with (one / "entity_ruler" / "patterns.jsonl").open("a") as file:
        file.write('{"label":"X","pattern":"x"}\n')
    (changed,) = find_annotators(one)
    assert changed.identity != first.identity


def test_annotators_a_setting_is_for_the_pipelines_that_have_its_component(folders):
    found = find_annotators(folders, overrides=["components.entity_ruler.validate=true"])
    assert found[0].nlp.config["components"]["entity_ruler"]["validate"] is True
    assert "entity_ruler" not in found[1].nlp.config["components"]
    # One of none is as wrong as it is for one pipeline.
    with pytest.raises(UserError, match="E501"):
        find_annotators(folders, overrides=["components.entity_rule.validate=true"])


def test_annotators_code_is_run_once(folders, tmp_path):
    code, log = tmp_path / "code.py", tmp_path / "log"
    code.write_text(f"open({str(log)!r}, 'a').write('x')")
    find_annotators(folders, code=code)
    assert log.read_text() == "x"


def test_annotators_say_which_labels_they_look_for(folders):
    (found,) = find_annotators(folders[0])
    assert found.labels() is None
    found.nlp.get_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna"}])
    assert found.labels() == {"PER"}
    found.nlp.add_pipe("sentencizer")
    assert found.labels() == {"PER"}
    # An own component that doesn't say what it writes.
    assert spacy.blank("en").pipe_names == []


def test_annotators_span_rulers_look_for_labels_where_they_write_entities():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna"}])
    for annotate_ents, labels in ((False, {"PER"}), (True, {"PER", "LOC"})):
        ruler = nlp.add_pipe("span_ruler", config={"annotate_ents": annotate_ents})
        ruler.add_patterns([{"label": "LOC", "pattern": "Oslo"}])
        assert find_annotators(nlp)[0].labels() == labels
        nlp.remove_pipe("span_ruler")


COMPONENT = """
from spacy.language import Language

@Language.component("{name}")
def own(doc):
    return {body}
"""


def test_annotators_identity_is_that_of_code_of_the_users(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    nlp = spacy.blank("en")
    file = tmp_path / "annotators_own_module.py"
    file.write_text(COMPONENT.format(name="annotators_own", body="doc"))
    importlib.import_module("annotators_own_module")
    nlp.add_pipe("annotators_own")
    before = [one.identity for one in find_annotators(nlp)]
    assert before == [one.identity for one in find_annotators(nlp)] != [""]
    nlp.to_disk(tmp_path / "saved")
    (saved,) = find_annotators(tmp_path / "saved")
    file.write_text(COMPONENT.format(name="annotators_own", body="doc  # of a later day"))
    assert before != [one.identity for one in find_annotators(nlp)]
    assert saved.identity != find_annotators(tmp_path / "saved")[0].identity


def test_annotators_identity_is_none_of_code_in_no_file(monkeypatch):
    # As in a notebook, whose cells are known to linecache alone.
    source, name = COMPONENT.format(name="annotators_cell", body="doc"), "<cell 1>"
    monkeypatch.setitem(linecache.cache, name, (len(source), None, source.splitlines(True), name))
    cell = ModuleType("__main__")
    exec(compile(source, name, "exec"), vars(cell))
    nlp = spacy.blank("en")
    nlp.add_pipe("annotators_cell")
    assert find_annotators(nlp)[0].identity == ""
