import pytest

from spacy_ner_plus.llm.client.layers.whole_prompts import PromptSizes
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_all, ask_for, make_model
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


def words(text):
    return len(text.split())


def messages(count):
    return ask_for("word " * count).messages


@pytest.mark.parametrize(
    ("usage", "is_cut"),
    [(Usage(400), True), (Usage(400, 0, 350), False), (Usage(750), False), (Usage(2000), False)],
)
def test_prompts_are_cut_where_the_server_read_much_less_than_they_have(usage, is_cut):
    why = PromptSizes(words).why_cut(messages(1000), usage, "k")
    assert ("num_ctx" in why and "context_length" in why) == is_cut == bool(why)


def test_prompts_are_whole_where_the_server_only_counts_what_it_has_not_cached():
    sizes = PromptSizes(words)
    assert sizes.why_cut(messages(1000), Usage(1000), "a") == ""
    assert sizes.why_cut(messages(900), Usage(100), "b") == ""
    assert sizes.why_cut(messages(3000), Usage(1000), "c") != ""


def test_prompts_of_other_lengths_with_the_same_count_are_cut():
    sizes = PromptSizes(None)
    assert [
        bool(sizes.why_cut(messages(n), Usage(2048), str(n))) for n in (3000, 3000, 4000, 5000, 6000)
    ] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert sizes.late == ["3000", "4000"]


@pytest.mark.parametrize(
    ("counts", "lengths"),
    [
        ((800, 800, 800), (900, 1200, 2000)),  # no limit is so low
        ((1500, 1500, 1500), (1500, 1501, 1502)),  # texts of the same size
        ((1500, 1800, 1500, 1500), (1500, 1800, 1700, 1400)),  # it reads more
        ((1500, 1501, 1502), (1500, 3000, 6000)),
    ],
)
def test_prompts_that_may_be_whole_are_left_alone(counts, lengths):
    sizes = PromptSizes(None)
    for count, length in zip(counts, lengths, strict=True):
        assert sizes.why_cut(messages(length), Usage(count), str(length)) == ""


def test_replies_to_prompts_that_the_server_cut_are_missing_and_not_kept(tmp_path):
    path = str(tmp_path / "s.sqlite")
    texts = [f"Anna met Bob{'by' * number} {'again and ' * 700 * (number + 1)}" for number in range(5)]
    with FaultServer(Behaviour(reads=1200)) as server:
        with make_model(server, store=path, structured="json_schema", max_concurrency=1) as model:
            outcomes = ask_all(model, texts)
            with pytest.warns(UserWarning, match="W350.* 2 of their replies"):
                model.warn_of_invalid("llm")
        assert [outcome.kind for outcome in outcomes] == ["", "", "transport", "transport", "transport"]
        assert "num_ctx" in outcomes[-1].failure
        with Store(path) as store:
            assert list(store.replies()) == []
        # With a longer context, a rerun asks again.
        server.behaviour.reads = 0
        with make_model(server, store=path, structured="json_schema") as model:
            assert all(outcome.value for outcome in ask_all(model, texts))
            assert model.usage.stored == 0
