"""Reply formats: how a model writes down entities. One file a format."""

from collections.abc import Callable
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.formats.base import CharMention, ReplyFormat
from spacy_ner_plus.llm.formats.bio_lines import bio_lines_v1
from spacy_ner_plus.llm.formats.entity_list import entity_list_v1
from spacy_ner_plus.llm.formats.guidelines import guidelines_v1
from spacy_ner_plus.llm.formats.inline_tags import inline_tags_v1
from spacy_ner_plus.llm.formats.label_lists import label_lists_v1
from spacy_ner_plus.llm.formats.per_type import per_type_v1

__all__ = ["FORMATS", "CharMention", "ReplyFormat", "get_format"]

FORMATS: dict[str, Callable[[], ReplyFormat]] = {
    "label_lists": label_lists_v1,
    "entity_list": entity_list_v1,
    "inline_tags": inline_tags_v1,
    "bio_lines": bio_lines_v1,
    "guidelines": guidelines_v1,
    "per_type": per_type_v1,
}
MEMBERS = ("name", "instructions", "skeleton", "schema", "grammar", "parse", "render")


def get_format(spec: Any) -> ReplyFormat:
    """Find a reply format.

    spec (str | ReplyFormat): One of FORMATS; the name of a function in spaCy's registry `misc`
        that makes one, such as 'my_format.v1'; or a format.
    RAISES (UserError): Where there is no such format, or something lacks for one.
    """
    if isinstance(spec, str):
        from spacy import registry

        if spec in FORMATS:
            return FORMATS[spec]()
        if spec not in registry.misc:
            raise UserError(Errors.E286.format(format=spec, formats=", ".join(FORMATS)))
        spec = registry.misc.get(spec)()
    lacking = [member for member in MEMBERS if not hasattr(spec, member)]
    if lacking:
        raise UserError(Errors.E287.format(found=repr(spec)[:60], lacking=", ".join(lacking)))
    return spec
