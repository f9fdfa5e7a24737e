"""Presidio's templates, and sentences of them by the package's own generator."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from spacy_ner_plus.annotation.generate.presidio.slots import SLOTS, Filled
from spacy_ner_plus.extras import from_extra

# Days between which dates lie, and how they are written.
_FIRST = datetime(1960, 1, 1)
_MINUTES = (datetime(2026, 1, 1) - _FIRST) // timedelta(minutes=1)
_DATES = {
    "date_time": ("%B %d, %Y", "%d %B %Y", "%Y-%m-%d %H:%M", "%m/%d/%Y", "%A, %B %d", "%d.%m.%Y %H:%M"),
    "date_of_birth": ("%m/%d/%Y", "%d/%m/%Y", "%B %d, %Y", "%Y-%m-%d"),
    "day_of_week": ("%A",),
    "year": ("%Y",),
}
_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# What the package writes where it has no value, also within an address: its provider of countries returns none, and of
# its table the state NA is read as a number.
_NO_VALUE = re.compile(r"\s*|.*\b(?:None|nan)\b.*", re.DOTALL)
BROKEN_SLOT = "refused: a template with a slot that nothing fills"
BROKEN_LETTER = "refused: a template with a character that was lost"
NO_VALUE = "refused: a slot for which Presidio has no value"


class Template(NamedTuple):
    """A template.

    id (int): Its line in the package's file, from 0, as Presidio's `template_id` counts.
    slots (tuple[str, ...]): The names of its slots, in order.
    """

    id: int
    text: str
    slots: tuple[str, ...]

    @property
    def shape(self) -> str:
        """RETURNS (str): The same for templates that differ in case and white space alone."""
        return "".join(self.text.lower().split())

    @property
    def problem(self) -> str:
        """RETURNS (str): Why nothing can be made of it; '' where something can."""
        if "\N{REPLACEMENT CHARACTER}" in self.text:
            return BROKEN_LETTER
        is_odd = any(mark in _SLOT.sub("", self.text) for mark in "{}")
        return BROKEN_SLOT if is_odd or not {*self.slots} <= SLOTS.keys() else ""


class Sentence(NamedTuple):
    """A template that was filled."""

    text: str
    filled: tuple[Filled, ...]


class Sentences:
    """Fills templates, with values that belong together where the package has them: of one invented person.

    seed (int): The same seed gives the same sentences, in any process.
    RAISES (UserError): Where the package is not installed.
    """

    def __init__(self, seed: int):
        with from_extra("presidio"):
            from faker.providers import BaseProvider
            from presidio_evaluator.data_generator import faker_extensions, presidio_templates_file_path
            from presidio_evaluator.data_generator.faker_extensions.datasets import load_fake_person_df
        self._seed = seed
        lines = presidio_templates_file_path.read_text(encoding="utf-8").splitlines()
        self.templates = [_template(number, line) for number, line in enumerate(lines) if line.strip()]
        with self.seeded():
            self._faker = faker_extensions.SentenceFaker(
                lower_case_ratio=0.0, records=load_fake_person_df(), locale="en_US"
            )
            # All but that of hospitals, which asks a server on the network, and whose slot no template has.
            for name in ("Nationality", "Organization", "UsDriverLicense", "IpAddress", "Age", "Religion"):
                self._faker.add_provider(getattr(faker_extensions, f"{name}Provider"))
            for name in ("Address", "PhoneNumber"):
                self._faker.add_provider(getattr(faker_extensions, f"{name}ProviderNew"))
            dates = BaseProvider(self._faker)
            for name, form in _DATES.items():
                setattr(dates, name, partial(self._date, form))
            self._faker.add_provider(dates)
            for name, alias in (("name", "person"), ("credit_card_number", "credit_card")):
                self._faker.add_provider_alias(name, alias)
        self._faker.seed_instance(seed)

    def _date(self, forms: tuple[str, ...]) -> str:
        # Faker's own end with the moment in which they are drawn.
        rng = self._faker.factories[0].random
        moment = _FIRST + timedelta(minutes=rng.randrange(_MINUTES))
        return moment.strftime(rng.choice(forms)).lstrip("0")

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """Seed the generator of random numbers that all of a process shares, and that the package draws from.

        It is given back as it was.
        """
        state = random.getstate()
        random.seed(self._seed)
        try:
            yield
        finally:
            random.setstate(state)

    def fill(self, template: Template) -> Sentence | None:
        """RETURNS (Sentence | None): A sentence; None where the package lacks a value for a slot."""
        made: Any = self._faker.parse(template.text, template.id)
        found = [
            (Filled(span.start_position, span.end_position, span.entity_type.strip()), str(span.entity_value))
            for span in made.spans
        ]
        if any(_NO_VALUE.fullmatch(value) for _, value in found):
            return None
        return Sentence(made.full_text, tuple(sorted(slot for slot, _ in found)))


def _template(number: int, line: str) -> Template:
    # Line breaks are written as in a string of Python.
    text = line.strip().replace("\\n", "\n").replace("\\,", ",").strip()
    text = re.sub(r"[ \t]+(?=\n)", "", text)
    return Template(number, text, tuple(match[1].lower() for match in _SLOT.finditer(text)))
