"""The backend `templates`: requests to an assistant, with names, numbers and places that Faker draws."""

from spacy_ner_plus.annotation.generate.backend import PARTS, TRAIN, Asked, Made, Progress
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.annotation.generate.templates.requests import GrammarUse, generate_corpus
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.settings import setting, settings


@settings
class TemplatesSettings:
    """Which templates are filled."""

    grammar: GrammarUse = setting(
        "When lines of the grammar are taken, each of which stands for many templates: 'more' for the records that the "
        "templates are too few for, 'only' for all, 'off' for none.",
        "more",
    )


class Templates:
    """The backend, as `backend.py` says."""

    name = "templates"
    about = "requests to an assistant, of templates and Faker: NAME, EMAIL, PHONE, TIME, DATE, LOCATION"
    settings = TemplatesSettings

    def make(self, asked: Asked, settings: TemplatesSettings, check: RecordCheck, progress: Progress) -> Made:
        sizes = dict(asked.sizes)
        train = sizes.pop(TRAIN, 0)
        made = generate_corpus(
            train, seed=asked.seed, lang=asked.lang, check=check, grammar=settings.grammar, **sizes
        )
        # Without a test part there are two.
        return Made(dict(zip(PARTS, made, strict=False)), load_labels("synthetic"))


TEMPLATES = Templates()
