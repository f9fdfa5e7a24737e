"""A cascade: the chat model is asked only about Docs of which an earlier component is unsure."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from spacy.tokens import Doc, Span

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from spacy_ner_plus.settings import check_settings, setting, settings

NOT_ASKED = (
    "unsure document that wasn't asked about, since `share` or `most` of `cascade` is used up: entities kept"
)


@settings
class CascadeSettings:
    """Which Docs the chat model is asked about, where another component has annotated all of them."""

    uncertainty: float = setting(
        "The least uncertainty of a Doc that is asked about, from 0 to 1.", at_least=0, at_most=1
    )
    component: str | None = setting(
        "Whose uncertainty counts, by its `spans_key`; None for the most unsure of all components.", None
    )
    share: float = setting(
        "The share of the Docs that are asked about at most, from the beginning of a stream on.",
        1.0,
        above=0,
        at_most=1,
    )
    most: int | None = setting("Docs of a stream that are asked about at most.", None, at_least=0)

    def __post_init__(self) -> None:
        check_settings(self, Errors.E240.replace("{setting}", "cascade.{setting}"))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "CascadeSettings":
        """RETURNS (CascadeSettings): Those of a mapping, as configs have it.

        RAISES (UserError): Where one lacks, is unknown or can't be.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(given) - set(known))
        if unknown or "uncertainty" not in given:
            found = f"has `{unknown[0]}`" if unknown else "lacks `uncertainty`"
            raise UserError(Errors.E720.format(found=found, known=", ".join(known)))
        return cls(**given)


class Cascade:
    """Decides Doc by Doc, over one stream.

    issues (IssueLog): Where Docs are counted that would have been asked about.
    """

    def __init__(self, given: CascadeSettings, issues: IssueLog):
        self._given = given
        self._issues = issues
        self._seen = 0
        self._asked = 0

    def asks_about(self, doc: Doc) -> bool:
        """RETURNS (bool): Whether the chat model is asked about a Doc.

        RAISES (UserError): Where no component has said how unsure it is of the Doc.
        """
        self._seen += 1
        if uncertainty(doc, self._given.component) < self._given.uncertainty:
            return False
        # The first one that is unsure may be asked about, however small the share.
        most = max(1.0, self._given.share * self._seen)
        if self._given.most is not None:
            most = min(most, self._given.most)
        if self._asked + 1 > most:
            self._issues.add(NOT_ASKED, f"{doc.text[:40]!r}")
            return False
        self._asked += 1
        return True


def make_way(doc: Doc, unknown: list[Span]) -> None:
    """Take from a Doc the entities of earlier components, except where the reply says nothing.

    unknown (list[Span]): The tokens of which it says nothing.
    """
    silent = {token.i for span in unknown for token in span}
    kept = [ent for ent in doc.ents if not silent.isdisjoint(range(ent.start, ent.end))]
    if len(kept) < len(doc.ents):
        doc.set_ents(kept, default="outside")
