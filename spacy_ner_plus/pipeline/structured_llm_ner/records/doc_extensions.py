"""What a Doc says of its inferences, and what its caller may say of them."""

from numbers import Integral
from typing import Any
from uuid import UUID

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError

_DEFAULTS: dict[str, Any] = {"episode": "", "inference_id": "", "inference_ids": {}}


def register_extensions() -> None:
    """Register, unless they are there, `Doc._.episode`, for the caller to name one; `Doc._.inference_id`, of the last
    component that kept one; and `Doc._.inference_ids`, by the name of each component that did."""
    for name, default in _DEFAULTS.items():
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=default)


def named_episode(doc: Doc) -> str:
    """RETURNS (str): The episode that the caller of a Doc names; '' where none is.

    RAISES (UserError): Where it is no name.
    """
    given = doc._.episode
    if given is None:
        return ""
    if isinstance(given, str | Integral | UUID) and not isinstance(given, bool):
        name = str(given)
        # What can't be encoded can't be stored.
        if name.isascii() or name.encode("utf8", "ignore").decode("utf8") == name:
            return name
    raise UserError(Errors.E825.format(found=repr(given)[:60]))


def note_inference(doc: Doc, component: str, id: str) -> None:
    """Note what was kept of a component's answer about a Doc. What other components kept stays.

    id (str): Of the inference; '' where none was kept, so that an earlier one of the component counts no more.
    """
    if not id and not doc._.inference_id:
        return
    known = dict(doc._.inference_ids or {})
    earlier = known.pop(component, "")
    if id:
        known[component] = doc._.inference_id = id
    elif doc._.inference_id == earlier:
        doc._.inference_id = next(reversed(known.values()), "")
    doc._.inference_ids = known
