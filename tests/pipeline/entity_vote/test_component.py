import copy
import pickle

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from spacy_ner_plus.spans import doc_to_tags

WORDS = ["Anna", "Berg", "left", "Oslo", "today"]
TEXT = " ".join(WORDS)
PER, ORG, LOC = (0, 2, "PER"), (0, 1, "ORG"), (3, 4, "LOC")


class Says(EntityComponent):
    """A component of ours that always says the same."""

    def __init__(self, vocab: Vocab, name: str, spans, unknown, settings: EntitySettings):
        super().__init__(vocab, name, settings)
        self.says, self.unknown = spans, unknown

    def pipe(self, stream, *, batch_size=128):
        for doc in stream:
            spans = sorted(self.says)
            unknown = [doc[i : i + 1] for i in self.unknown]
            ents = [Span(doc, start, end, label) for start, end, label, _ in spans]
            failure = "no reply" if self.unknown else ""
            self.set_ents(doc, ents, [score for *_, score in spans], unknown=unknown, failure=failure)
            yield doc

    def _state_to_dict(self):
        return {}

    def _state_from_dict(self, state):
        pass


@Language.factory(
    "says", default_config={"spans": [], "unknown": [], "overwrite_ents": True, "spans_key": None}
)
def make_says(nlp, name, spans, unknown, overwrite_ents, spans_key):
    settings = EntitySettings(overwrite_ents=overwrite_ents, spans_key=spans_key)
    return Says(nlp.vocab, name, spans, unknown, settings)


def voting(*voters, policy="majority", **settings):
    """A pipeline of voters named a, b, ..., and the vote."""
    nlp = spacy.blank("en")
    for name, said in zip("abc", voters, strict=False):
        said = said if isinstance(said, dict) else {"spans": said}
        spans = [[*span, 1.0][:4] for span in said.get("spans", [])]
        nlp.add_pipe("says", name=name, config={**said, "spans": spans})
    nlp.add_pipe("entity_vote", config={"policy": {"@misc": f"spacy_ner_plus.{policy}.v1"}, **settings})
    return nlp


def ents(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def test_entity_vote_writes_what_most_agree_on_with_scores_and_who_said_what():
    nlp = voting([PER, LOC], [(*PER, 0.4)], [ORG, LOC])
    doc = nlp(TEXT)
    assert ents(doc) == [PER, LOC]
    assert [ent._.score for ent in doc.ents] == pytest.approx([1.4 / 3, 2 / 3])
    votes = doc.spans["entity_vote_votes"]
    assert [(span.start, span.end, span.label_) for span in votes] == [ORG, PER, LOC]
    assert votes.attrs["by"] == [[None, None, 1.0], [1.0, 0.4, None], [1.0, None, 1.0]]
    assert votes.attrs["annotators"] == ["a", "b", "c"]
    assert votes.attrs["kept"] == [False, True, True]
    assert uncertainty(doc, "entity_vote") == pytest.approx(1 / 3)
    # The same again.
    again = nlp.get_pipe("entity_vote")(doc)
    assert (ents(again), again.spans["entity_vote_votes"].attrs) == ([PER, LOC], votes.attrs)


def test_entity_vote_takes_away_what_is_not_agreed_on_and_leaves_what_others_wrote():
    nlp = voting([PER], [LOC])
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "DATE", "pattern": "today", "id": "now"}])
    doc = nlp(TEXT)
    assert ents(doc) == [(4, 5, "DATE")]
    assert doc[4].ent_id_ == "now"


@pytest.mark.parametrize(
    ("doubtful", "tags"), [("outside", ["O"] * 5), ("missing", ["-", "-", "O", "-", "O"])]
)
def test_entity_vote_doubtful_tokens_are_as_the_setting_says(doubtful, tags):
    assert doc_to_tags(voting([PER], [LOC], doubtful=doubtful)(TEXT)) == tags


@pytest.mark.parametrize(
    ("policy", "found"),
    [("union", [LOC, PER]), ("intersection", []), ("majority", [LOC])],
)
def test_entity_vote_follows_its_policy(policy, found):
    nlp = voting([LOC, PER], [LOC], [], policy=policy)
    assert ents(nlp(TEXT)) == sorted(found)


def test_entity_vote_has_a_threshold_as_all_components():
    nlp = voting([(*PER, 0.4), LOC], threshold=0.5)
    assert ents(nlp(TEXT)) == [LOC]


def test_entity_vote_only_the_named_groups_vote():
    assert ents(voting([PER], [PER, LOC], [PER, LOC], groups=["a"])(TEXT)) == [PER, LOC]
    # What the others found stays as the entities of others do.
    assert ents(voting([PER], [PER, LOC], groups=["a", "b"])(TEXT)) == [PER]


def test_entity_vote_a_component_that_does_not_know_a_label_does_not_vote_against_it():
    assert ents(voting([PER], [])(TEXT)) == []
    assert ents(voting([PER], [], group_labels={"b": ["LOC"]})(TEXT)) == [PER]


def test_entity_vote_where_a_component_has_no_answer_it_abstains():
    silent = {"unknown": [0, 1, 2, 3, 4]}
    assert ents(voting([PER], silent)(TEXT)) == [PER]
    # Where nobody has one, nothing is known.
    assert doc_to_tags(voting(silent, silent)(TEXT)) == ["-"] * 5


def test_entity_vote_without_anybody_to_vote_is_one_message():
    with pytest.raises(UserError, match="E660"):
        voting()(TEXT)
    with pytest.raises(UserError, match=r"E660.*: c\. There are: a, b\."):
        voting([PER], [PER], groups=["a", "c"])(TEXT)


def test_entity_vote_warns_where_components_hold_each_other_back():
    with pytest.warns(UserWarning, match="W331.*: b"):
        voting([PER], {"spans": [LOC], "overwrite_ents": False})


def test_entity_vote_blocked_tokens_stay_free():
    nlp = voting([PER, LOC])
    doc = nlp.make_doc(TEXT)
    doc.set_ents([], blocked=[doc[0:1]], default="unmodified")
    doc = nlp(doc)
    assert ents(doc) == [LOC]
    assert doc_to_tags(doc)[0] == "O"


def test_entity_vote_hands_a_failing_doc_alone_to_the_error_handler():
    nlp = voting([PER])
    vote, failed = nlp.get_pipe("entity_vote"), []
    policy = vote.policy

    def fails(candidates, annotators):
        if not candidates:
            raise ValueError("bad")
        return policy(candidates, annotators)

    vote.policy = fails
    vote.set_error_handler(lambda name, pipe, docs, error: failed.extend(docs))
    docs = [nlp.make_doc(TEXT) for _ in range(3)]
    says = nlp.get_pipe("a")
    docs = list(says.pipe(docs))
    docs[1].spans["a"] = SpanGroup(docs[1], attrs={"scores": [], "ents": True})
    assert list(vote.pipe(docs)) == [docs[0], docs[2]]
    assert failed == [docs[1]]


def through_disk(nlp, folder):
    nlp.to_disk(folder)
    return spacy.load(folder)


@pytest.mark.parametrize("policy", ["union", "majority", "intersection", "weighted"])
@pytest.mark.parametrize(
    "again",
    [
        through_disk,
        lambda nlp, folder: pickle.loads(pickle.dumps(nlp)),
        lambda nlp, folder: copy.deepcopy(nlp),
        lambda nlp, folder: spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()),
    ],
)
def test_entity_vote_is_the_same_saved_loaded_and_copied(tmp_path, policy, again):
    weights = {"weights": {"a": {"PER": 0.9}, "b": {"LOC": 0.8}}} if policy == "weighted" else {}
    made = {"@misc": f"spacy_ner_plus.{policy}.v1", **weights}
    nlp = voting([PER, (*LOC, 0.7)], [LOC])
    nlp.remove_pipe("entity_vote")
    nlp.add_pipe("entity_vote", config={"policy": made, "threshold": 0.3, "doubtful": "missing"})
    expected = doc_to_tags(nlp(TEXT))
    assert "B-LOC" in expected
    assert doc_to_tags(again(nlp, tmp_path / "saved")(TEXT)) == expected


def test_entity_vote_works_in_other_processes_and_survives_files():
    nlp = voting([PER, LOC], [PER])
    expected = [ents(doc) for doc in nlp.pipe([TEXT] * 3)]
    docs = list(nlp.pipe([TEXT] * 3, n_process=2))
    assert [ents(doc) for doc in docs] == expected
    (again, *_) = DocBin(docs=docs).get_docs(nlp.vocab)
    assert again.spans["entity_vote_votes"].attrs == docs[0].spans["entity_vote_votes"].attrs
    assert isinstance(again, Doc)
