"""Values for the slots of templates: names, numbers, times, dates and places."""

import random
from collections.abc import Callable
from typing import Any
from zlib import crc32

from spacy_ner_plus.extras import from_extra

LOCALES = ("en_US", "en_US", "en_US", "en_GB", "en_IN", "es_ES", "de_DE")
# Numbers and domains that are reserved for fiction and examples, so that they reach no one.
PHONE_FORMS = (
    *(
        "555-01##",
        "(%##) 555-01##",
        "%##-555-01##",
        "+1 %## 555 01##",
        "%##.555.01##",
        "1-%##-555-01## ext. %#",
    ),
    *("020 7946 0###", "07700 900###", "+44 7700 900###", "+44 20 7946 0###"),
)
DOMAIN_ENDS = (".example", ".example.com", ".example.org", ".example.net", ".test")
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
# The number that stands for everything: an hour, a day, a house.
SEVEN = 7
# One value in so many belongs to dev; the others to train.
DEV_SHARE = 4


class Values:
    """Draws values for one part of the corpus; no other part draws the same.

    resource (dict[str, Any]): The language's templates and lists.
    part (str): 'train' or 'dev'.
    seed (int): The seed.
    RAISES (UserError): Where Faker is not installed.
    """

    def __init__(self, resource: dict[str, Any], part: str, seed: int):
        with from_extra("generate"):
            from faker import Faker
        self.part = part
        self.random = random.Random(f"{seed} {part}")
        self.lists: dict[str, list[str]] = resource["shared"] | resource[part]["values"]
        self.listed = {value for values in self.lists.values() for value in values}
        self.fakers = {locale: Faker(locale) for locale in LOCALES}
        for faker in self.fakers.values():
            faker.seed_instance(self.random.randrange(2**32))
        shared = resource["shared"]
        self.ambiguous = {
            name.lower() for name in shared["ambiguous_first_names"] + shared["ambiguous_last_names"]
        }
        self.makers: dict[str, Callable[[], str]] = {
            "NAME": self._name,
            "NAME:first": self._first_name,
            "NAME:last": self._last_name,
            "EMAIL": self._email,
            "PHONE": self._phone,
            "TIME:at": self._time,
            "DATE:on": self._date,
            "DATE:ordinal": self._ordinal,
            "LOCATION:address": self._address,
        }

    def draw(self, kind: str) -> str:
        """RETURNS (str): A value for a kind of slot, such as 'NAME:first'."""
        if kind in self.lists:
            return self.random.choice(self.lists[kind])
        return self._own(self.makers[kind])

    def _own(self, make: Callable[[], str]) -> str:
        """Make values until one is of this part: listed for it, or so by its checksum."""
        while True:
            value = make()
            share = crc32(value.lower().encode()) % DEV_SHARE == 0
            if value in self.listed or share == (self.part == "dev"):
                return value

    def _faker(self) -> Any:
        return self.fakers[self.random.choice(LOCALES)]

    def _name(self) -> str:
        kind = self.random.random()
        if kind < 0.12:
            return self.draw("NAME:alone")
        if kind < 0.4:
            return self._first_name()
        first, last = self._faker().first_name(), self._faker().last_name()
        if kind < 0.62:
            first = self.random.choice(self.lists["ambiguous_first_names"])
        elif kind < 0.72:
            last = self.random.choice(self.lists["ambiguous_last_names"])
        elif kind < 0.76:
            first = f"{first[0]}."
        return f"{first} {last}"

    def _first_name(self) -> str:
        return self._plain(lambda: self._faker().first_name())

    def _last_name(self) -> str:
        return self._plain(lambda: self._faker().last_name())

    def _plain(self, make: Callable[[], str]) -> str:
        """A name that is no other word of the corpus: those stand alone only where listed."""
        while True:
            name = make()
            if name.lower() not in self.ambiguous:
                return name

    def _email(self) -> str:
        faker = self.fakers[self.random.choice(LOCALES[:5])]
        user = self.random.choice(
            [
                faker.user_name(),
                f"{faker.first_name()}.{faker.last_name()}".lower(),
                f"{faker.last_name()}_{self.random.randrange(100)}".lower(),
                self.random.choice(("info", "billing", "team", "support", "jobs", "hello")),
            ]
        )
        return f"{user}@{faker.domain_word()}{self.random.choice(DOMAIN_ENDS)}"

    def _phone(self) -> str:
        return self.fakers[LOCALES[0]].numerify(self.random.choice(PHONE_FORMS))

    def _time(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return self.draw("TIME:hour")
        if kind < 0.5:
            return self.draw("TIME:word")
        hour, minute = self._number(1, 12), self.random.randrange(0, 60, 5)
        half = self.random.choice(("am", "pm"))
        forms = (
            f"{hour}{half}",
            f"{hour} {half}",
            f"{hour}:{minute:02}",
            f"{hour}:{minute:02} {half}",
            f"{hour + 11}:{minute:02}",
        )
        return self.random.choice(forms)

    def _date(self) -> str:
        if self.random.random() < 0.4:
            return self.draw("DATE:weekday")
        month = self.random.choice(("May", "May", "May", *MONTHS))
        day = self._number(1, 28)
        forms = (
            f"{month} {day}",
            f"{month} {_ordinal(day)}",
            f"{day} {month}",
            f"{day}/{MONTHS.index(month) + 1}",
        )
        return self.random.choice(forms)

    def _number(self, least: int, most: int) -> int:
        return SEVEN if self.random.random() < 0.15 else self.random.randint(least, most)

    def _ordinal(self) -> str:
        return _ordinal(self.random.randrange(1, 32))

    def _address(self) -> str:
        number = self._number(1, 199)
        name = self.random.choice(
            (self.fakers["en_US"].last_name(), "Harbour", "Maple", "Church", "Mill", "Station")
        )
        return f"{number} {name} {self.draw('LOCATION:street')}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 != 1 else "th"
    return f"{number}{ending}"
