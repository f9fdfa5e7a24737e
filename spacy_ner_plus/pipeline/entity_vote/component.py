"""The component `entity_vote`: what several components found becomes one set of entities."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.pipeline.entity_component import EntityComponent
from spacy_ner_plus.pipeline.entity_vote.ballot import NO_SCORE, Answer, ScoredSpan
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import Policy
from spacy_ner_plus.pipeline.entity_vote.settings import EntityVoteSettings
from spacy_ner_plus.pipeline.entity_vote.votes import write_votes
from spacy_ner_plus.pipeline.scored_ents import SILENT, find_missing
from spacy_ner_plus.pipeline.streaming import finish_doc
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.spans import ENTS_GROUP, without_overlaps


@Language.factory(
    "entity_vote",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score"],
    requires=["doc.spans"],
    default_config={
        **defaults(EntityVoteSettings),
        "policy": {"@misc": "spacy_ner_plus.majority.v1"},
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_entity_vote(
    nlp: Language,
    name: str,
    policy: Policy,
    groups: list[str] | None,
    group_labels: dict[str, list[str]] | None,
    doubtful: Literal["outside", "missing"],
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    scorer: Callable | None,
) -> "EntityVote":
    """Make the component `entity_vote`, with the settings of `EntityVoteSettings`.

    policy (Callable): Which of the spans that were named are entities. Default: spacy_ner_plus.majority.v1.
    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1.
    """
    settings = EntityVoteSettings(
        groups=groups,
        group_labels=group_labels,
        doubtful=doubtful,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
    )
    voters = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, EntityComponent) and pipe.spans_key]
    held_back = [
        pipe.name
        for pipe in voters[1:]
        if not pipe.overwrite_ents and (groups is None or pipe.spans_key in groups)
    ]
    if held_back:
        warnings.warn(Warnings.W331.format(name=name, voters=", ".join(held_back)), stacklevel=2)
    return EntityVote(nlp.vocab, name, settings, policy, scorer=scorer)


class EntityVote(EntityComponent):
    """Merge the entities of several components by an agreement policy.

    Those that they put on the Doc give way to what is agreed on; entities of others stay as `overwrite_ents` says. The
    group `spans_key` has the entities with what the policy gives them as scores, and `spans_key` with `_votes` all that
    was named, and by whom.

    settings (EntityVoteSettings): Who votes.
    policy (Callable): Gives a verdict for each span that was named.
    scorer (Callable): The scoring method; None for none.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str,
        settings: EntityVoteSettings,
        policy: Policy,
        *,
        scorer: Callable | None = None,
    ):
        super().__init__(vocab, name, settings, scorer=scorer)
        self.settings = settings
        self.policy = policy

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, in order.

        batch_size (int): Not used: nothing is computed in batches.
        YIELDS (Doc): The Docs. One that fails goes to the error handler alone.
        RAISES (UserError): Where a component that should vote has put nothing on a Doc.
        """
        for doc in stream:
            yield from finish_doc(doc, partial(self._vote, doc), self.handle_error)

    def _vote(self, doc: Doc) -> None:
        voters = self._voters(doc)
        answers = [self._answer(doc, key) for key in voters]
        decision = decide(answers, voters, self.policy, keep=self.threshold)
        kept = [
            (Span(doc, candidate.start, candidate.end, label=candidate.label), score)
            for candidate, score, is_kept in zip(
                decision.candidates, decision.scores, decision.kept, strict=True
            )
            if is_kept
        ]
        missing = decision.missing if self.settings.doubtful == "missing" else decision.unanswered
        self.set_ents(
            doc,
            [span for span, _ in kept],
            [score for _, score in kept],
            unknown=[doc[i : i + 1] for i in np.flatnonzero(missing).tolist()],
            uncertainty=1 - len(kept) / len(decision.candidates) if decision.candidates else 0.0,
            replaced={(span.start, span.end, span.label) for key in voters for span in doc.spans[key]},
            # What voters left missing is decided on.
            kept_missing=find_missing(doc, but=(*voters, self.spans_key)),
        )
        for key in voters:
            # These go with doc.ents no longer: `Span._.score` is what the vote gives.
            doc.spans[key].attrs[ENTS_GROUP] = False
        if self.spans_key:
            write_votes(doc, decision, voters, f"{self.spans_key}_votes")

    def _voters(self, doc: Doc) -> list[str]:
        """RETURNS (list[str]): The keys of the groups that vote."""
        there = [
            # Also where it was voted on them before.
            key
            for key, group in doc.spans.items()
            if ENTS_GROUP in group.attrs and key != self.spans_key
        ]
        wanted = there if self.settings.groups is None else self.settings.groups
        lacking = [key for key in wanted if key not in doc.spans]
        if lacking or not wanted:
            values = {"name": self.name, "lacking": ", ".join(lacking) or "at all", "there": ", ".join(there)}
            raise UserError(Errors.E660.format(**{**values, "there": values["there"] or "none"}))
        return list(wanted)

    def _answer(self, doc: Doc, key: str) -> Answer:
        """RETURNS (Answer): What the component says whose group has this key."""
        group: SpanGroup = doc.spans[key]
        scores = group.attrs.get("scores")
        if scores is None or len(scores) != len(group):
            scores = [NO_SCORE] * len(group)
        # A group may hold nested spans, too: the surest count.
        found = [
            ScoredSpan(span.start, span.end, span.label_, float(score))
            for span, score in zip(group, scores, strict=True)
        ]
        spans, _ = without_overlaps(found, rank=lambda span: (-span.score, span.start, -span.end))
        missing = np.zeros(len(doc), dtype=bool)
        missing[[i for i in group.attrs.get(SILENT, ()) if i < len(doc)]] = True
        labels = (self.settings.group_labels or {}).get(key)
        return Answer(spans, missing, None if labels is None else frozenset(labels))

    # Nothing is learnt: all is in the config.

    def _state_to_dict(self) -> dict[str, Any]:
        return {}

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        pass
