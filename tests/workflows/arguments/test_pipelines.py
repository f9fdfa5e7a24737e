import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.pipelines import (
    components_of,
    find_component,
    load_pipeline,
    parse_overrides,
)
from tests.workflows.own_code import CODE, own_pipeline, write_code


def test_pipelines_reads_values_as_json_or_as_text():
    overrides = ["a.b=cpu", "a.c=3", "a.d=null", 'a.e="3"', "a.f=x=y", "a.g=[1]"]
    assert parse_overrides(overrides) == {
        "a.b": "cpu",
        "a.c": 3,
        "a.d": None,
        "a.e": "3",
        "a.f": "x=y",
        "a.g": [1],
    }


def test_pipelines_refuses_an_override_with_a_key_twice():
    with pytest.raises(UserError, match=r"E943.*'PER' twice"):
        parse_overrides(['labels={"PER": "a", "PER": "b"}'])


@pytest.mark.parametrize("override", ["device", "=cpu", ""])
def test_pipelines_refuses_an_override_without_key_or_value(override):
    with pytest.raises(UserError, match="E502"):
        parse_overrides([override])


def test_pipelines_overrides_a_setting(nlp, tmp_path):
    nlp.to_disk(tmp_path / "pipeline")
    assert load_pipeline(str(tmp_path / "pipeline"), ["nlp.batch_size=7"]).batch_size == 7


def test_pipelines_refuses_what_is_no_pipeline_in_one_line(tmp_path):
    for name in (str(tmp_path), "no_such_package"):
        with pytest.raises(UserError, match="E501") as caught:
            load_pipeline(name)
        assert "\n" not in str(caught.value)


def test_pipelines_runs_code_of_the_users(tmp_path):
    # A name of its own, as another test may have registered the other one in this process.
    code = write_code(tmp_path, CODE.replace("own_finder", "loaded_finder"))
    pipeline = own_pipeline(tmp_path, code, "loaded_finder")
    with pytest.raises(UserError, match=r"E501.*loaded_finder"):
        load_pipeline(pipeline)
    nlp = load_pipeline(pipeline, code=code)
    assert [ent.text for ent in nlp("Anna left").ents] == ["Anna"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = 1\nraise KeyError('y')\n", r"KeyError \(line 2\): 'y'"),
        ("x = (\n", "SyntaxError"),
        (None, "FileNotFoundError"),
    ],
)
def test_pipelines_says_why_code_of_the_users_does_not_run(tmp_path, code, reason):
    path = tmp_path / "own.py" if code is None else write_code(tmp_path, code)
    with pytest.raises(UserError, match=f"E327.*own.py'.*{reason}"):
        load_pipeline("en", code=path)


def test_pipelines_name_components_without_being_loaded(nlp, tmp_path):
    nlp.add_pipe("sentencizer", name="ends")
    nlp.to_disk(tmp_path / "pipeline")
    assert components_of(tmp_path / "pipeline", "sentencizer") == ["ends"]
    assert components_of(nlp, "sentencizer") == ["ends"]
    assert components_of(str(tmp_path / "pipeline"), "ner") == []
    with pytest.raises(UserError, match=r"E501.*nowhere"):
        components_of("nowhere", "ner")


def test_pipelines_find_the_component_that_is_meant(nlp):
    nlp.add_pipe("sentencizer", name="one")
    assert find_component(nlp, "sentencizer") == find_component(nlp, "sentencizer", "one") == "one"
    nlp.add_pipe("sentencizer", name="two")
    assert find_component(nlp, "sentencizer", "two") == "two"
    with pytest.raises(UserError, match=r"E538.*no single sentencizer; there is: one, two"):
        find_component(nlp, "sentencizer")
    with pytest.raises(UserError, match=r"E538.*no single ner 'one'; there is: none"):
        find_component(nlp, "ner", "one")
