"""The settings of entity_vote."""

from typing import Literal

from spacy_ner_plus.pipeline.entity_component import EntitySettings
from spacy_ner_plus.settings import setting, settings


@settings
class EntityVoteSettings(EntitySettings):
    """Who votes, and what becomes of what they don't agree on."""

    groups: list[str] | None = setting(
        "Keys in doc.spans of the components that vote, by default their names; None for all that have put entities "
        "with scores on the Doc.",
        None,
    )
    group_labels: dict[str, list[str]] | None = setting(
        "The labels that each of these looks for, so that one that doesn't know a label doesn't vote against it; None, "
        "or where one isn't in it, for all labels.",
        None,
    )
    doubtful: Literal["outside", "missing"] = setting(
        "What tokens are that a span covers which isn't kept: 'outside' of entities, as an application wants it, or "
        "'missing', as a corpus to train on does.",
        "outside",
    )
