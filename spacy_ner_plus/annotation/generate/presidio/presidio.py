"""The backend `presidio`: sentences with personal data, by Presidio's templates and generator.

Its templates are English, some of them lyrics and film reviews, and name real people and bands outside of their slots,
which aren't marked.
"""

import random
from collections.abc import Iterable

from spacy_ner_plus.annotation.generate.backend import Asked, Made, Progress
from spacy_ner_plus.annotation.generate.presidio.sentences import NO_VALUE, Sentences, Template
from spacy_ner_plus.annotation.generate.presidio.slots import LABELS, SLOTS, entities_of
from spacy_ner_plus.annotation.generate.presidio.splitting import split_templates
from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import setting, settings

SAME_TEXT = "refused: a text that is there already"
SAME_TEMPLATE = "refused: a template that differs from another in case or white space alone"
# How often a template is filled in vain before it counts as used up.
DRAWS = 20


@settings
class PresidioSettings:
    """How Presidio's sentences are written."""

    lower: float = setting(
        "The share of texts in lower case, as people type.", 0.05, at_least=0.0, at_most=1.0
    )


class Presidio:
    """The backend, as `backend.py` says."""

    name = "presidio"
    about = "sentences with personal data, of Presidio's templates; labels of the set `pii`"
    settings = PresidioSettings

    def make(self, asked: Asked, settings: PresidioSettings, check: RecordCheck, progress: Progress) -> Made:
        if asked.lang != "en":
            raise UserError(Errors.E402.format(lang=asked.lang, langs="en"))
        sentences = Sentences(asked.seed)
        templates = _usable(sentences.templates, check)
        labels = {template: [SLOTS[slot] or "" for slot in template.slots] for template in templates}
        dealt = split_templates(labels, asked.sizes, asked.seed)
        rng = random.Random(asked.seed)
        texts: set[str] = set()
        with sentences.seeded():
            parts = {
                part: _fill(sentences, dealt[part], size, settings.lower, rng, texts, check)
                for part, size in asked.sizes.items()
                if size
            }
        used = ", ".join(f"{len({record.origin for record in parts[part]}):,} for {part}" for part in parts)
        return Made(parts, LABELS, (f"templates, none of them for two parts: {used}",))


PRESIDIO = Presidio()


def _usable(templates: Iterable[Template], check: RecordCheck) -> list[Template]:
    """Leave out what nothing can be made of, and what is there twice."""
    shapes: dict[str, Template] = {}
    for template in templates:
        why = template.problem or (SAME_TEMPLATE if template.shape in shapes else "")
        if why:
            check.offered += 1
            check.refuse(why, template.text, f"template {template.id}")
        else:
            shapes[template.shape] = template
    return list(shapes.values())


def _fill(
    sentences: Sentences,
    templates: list[Template],
    count: int,
    lower: float,
    rng: random.Random,
    texts: set[str],
    check: RecordCheck,
) -> list[Record]:
    """Go round the templates of a part until there are enough records, or none of them gives another.

    texts (set[str]): Those of all parts, in lower case; more are added.
    """
    records: list[Record] = []
    left = list(templates)
    while left and len(records) < count:
        rng.shuffle(left)
        for template in list(left[: count - len(records)]):
            record = _draw(sentences, template, lower, rng, texts, check)
            if record is None:
                left.remove(template)
            else:
                records.append(record)
    return records


def _draw(
    sentences: Sentences,
    template: Template,
    lower: float,
    rng: random.Random,
    texts: set[str],
    check: RecordCheck,
) -> Record | None:
    origin = f"template {template.id}"
    for _ in range(DRAWS if template.slots else 1):
        sentence = sentences.fill(template)
        why = ""
        if sentence is None:
            why = NO_VALUE
        elif sentence.text.lower() in texts:
            why = SAME_TEXT
        if why:
            check.offered += 1
            check.refuse(why, template.text, origin)
            continue
        text = sentence.text
        # Some characters are more than one in lower case.
        if rng.random() < lower and len(text.lower()) == len(text):
            text = text.lower()
        record = check(text, entities_of(text, sentence.filled), origin=origin)
        if record is not None:
            texts.add(text.lower())
            return record
    return None
