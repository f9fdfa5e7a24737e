"""A synthetic corpus: what people ask an assistant, with entities, from templates.

The guidelines of its labels, the same for every part:

- NAME: a person as written, first name, last name or both; without a title
  (Dr., Ms, Uncle), without 's. Not the names of songs, series, shops or brands.
- EMAIL: the whole address. PHONE: the whole number, with country code and extension.
- TIME: a time of day, or when counted in minutes or hours from now: '7', '7 pm',
  'half past six', 'morning', 'this evening', 'tonight', 'in an hour'. 'from 3
  to 5' are two. The preposition 'in' belongs to 'in an hour', as that is no
  hour; 'at', 'by', 'from' and 'around' belong to nothing.
- DATE: a day, week or month, or when counted in these: 'Friday', 'next Friday',
  'tomorrow', 'May 7', '7 May', '7/5', '3rd', 'in two weeks', 'two days ago';
  without 'on'. 'tomorrow at 7' and 'Friday evening' are a DATE and a TIME.
- LOCATION: a town, a country, a street with its number, a named place such as a
  park or station. A comma ends it: '7 Mill Lane, Boston' are two. Not shops.
- An article before any of these stays outside.

Templates and lists are in resources/requests_*.toml, one file a language; where more records are
asked for than these give, resources/grammar_*.toml goes on, whose lines stand for many templates. No
entity as a string is in more than one part; words that mean different things (May,
Friday, Jordan, 7) are in all of them, in many meanings. No template of train is in
another part; dev and test share theirs.
"""

import random
import re
import tomllib
from collections.abc import Collection
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import spacy

from spacy_ner_plus.annotation.generate.records import Record, RecordCheck, surfaces_of
from spacy_ner_plus.annotation.generate.templates.grammar import Grammar
from spacy_ner_plus.annotation.generate.templates.values import Values
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.spans import CharSpan

# The version of Faker that made the bundled corpus; another may draw other names.
FAKER_VERSION = "40.54.0"
SLOT = re.compile(r"\{([A-Za-z]+)(:[a-z]+)?\}")
ARTICLE = re.compile(r"(?i:the )?")
# How often a template is used at most: with entities, with other slots, with none.
MOST_USES = (25, 5, 1)
# And a line of the grammar, which stands for many.
MOST_GRAMMAR_USES = (300, 60, 20)
DRAWS = 50
LOWER, UPPER, UNENDED = 0.35, 0.03, 0.25
# Why a text is made anew.
REPEATED = "refused: an entity that the text has twice"
TAKEN = "refused: an entity that another part has"
SAME_TEXT = "refused: a text that is there already"
SPARE = "not needed: spare records for test, in place of texts that dev has"


GrammarUse = Literal["more", "only", "off"]


class Request(NamedTuple):
    """A text with its entities."""

    text: str
    spans: list[CharSpan]


def generate_corpus(
    train: int = 200,
    dev: int = 50,
    *,
    test: int = 0,
    seed: int = 0,
    lang: str = "en",
    check: RecordCheck | None = None,
    grammar: GrammarUse = "more",
) -> tuple[list[Record], ...]:
    """Make the parts; the same seed and version of Faker make the same records.

    train (int): How many records to train on.
    dev (int): How many to choose the best step on.
    test (int): How many to evaluate on, of dev's templates with other entities. Default: 0 for no such part.
    lang (str): Code of the language, for which there must be templates.
    check (RecordCheck | None): What makes records of texts, and counts what it refuses; None for one of its own.
    grammar (str): When lines of the grammar are taken: 'more' for the records that the templates are too few for,
        'only' for all, 'off' for none. Default: 'more'.
    RETURNS (tuple[list[Record], ...]): Train, dev and, where it was asked for, test.
    RAISES (UserError): More records than there can be distinct ones, a language
        without templates, or Faker missing.
    """
    resource = _read_resource(lang)
    use = _Use(grammar, _read_grammars(lang) if grammar != "off" else {})
    check = RecordCheck(spacy.blank(lang)) if check is None else check
    for part, asked in (("train", train), ("dev", dev + test)):
        most = use.most(resource, part)
        if asked < 1:
            raise UserError(Errors.E404.format(part=part, asked=asked))
        if asked > most:
            raise UserError(Errors.E401.format(most=most, part=part, asked=asked, file=_file_name(lang)))
    parts = [_generate_part(resource, use, "train", train, seed, lang, check, taken=())]
    taken = surfaces_of(parts[0])
    parts.append(_generate_part(resource, use, "dev", dev, seed, lang, check, taken=taken))
    if test:
        taken |= surfaces_of(parts[1])
        texts = {record.text.lower() for record in parts[1]}
        # Texts without entities may be dev's again: as many more are made.
        more = _generate_part(resource, use, "dev", dev + test, seed + 1, lang, check, taken=taken)
        new = [record for record in more if record.text.lower() not in texts]
        for record in more:
            if record.text.lower() in texts:
                check.refuse(SAME_TEXT, record.text, record.origin)
        for record in new[test:]:
            check.refuse(SPARE, record.text, record.origin)
        parts.append(new[:test])
    return tuple(parts)


def _file_name(lang: str) -> str:
    return f"requests_{lang}.toml"


def _read_resource(lang: str) -> dict[str, Any]:
    folder = files("spacy_ner_plus") / "resources"
    langs = sorted(
        found[1] for path in folder.iterdir() if (found := re.fullmatch(r"requests_(\w+)\.toml", path.name))
    )
    if lang not in langs:
        raise UserError(Errors.E402.format(lang=lang, langs=", ".join(langs)))
    resource = tomllib.loads((folder / _file_name(lang)).read_text(encoding="utf-8"))
    for part in ("train", "dev"):
        resource[part]["templates"] = _lines(resource[part]["templates"])
    return resource


def _read_grammars(lang: str) -> dict[str, Grammar]:
    """RETURNS (dict[str, Grammar]): By part; nothing for a language without them."""
    file = files("spacy_ner_plus") / "resources" / f"grammar_{lang}.toml"
    if not file.is_file():
        return {}
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    return {part: Grammar(read["rules"], _lines(read[part]["templates"])) for part in ("train", "dev")}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


class _Use(NamedTuple):
    """Which lines are taken, and when.

    grammar (str): As `generate_corpus` takes it.
    grammars (dict[str, Grammar]): By part.
    """

    grammar: str
    grammars: dict[str, Grammar]

    def pools(self, resource: dict[str, Any], part: str) -> list[dict[str, int]]:
        """RETURNS (list[dict[str, int]]): Lines with how often each may be used; a pool is taken when those before it
        are used up."""
        own = {template: _uses(template, MOST_USES) for template in resource[part]["templates"]}
        grammar = self.grammars.get(part)
        lines = (
            {} if grammar is None else {line: _uses(line, MOST_GRAMMAR_USES) for line in grammar.templates}
        )
        return [lines] if self.grammar == "only" else [own, lines]

    def most(self, resource: dict[str, Any], part: str) -> int:
        """RETURNS (int): How many records there can be."""
        return sum(sum(pool.values()) for pool in self.pools(resource, part))

    def expand(self, line: str, part: str, rng: random.Random) -> str:
        """RETURNS (str): A line with its slots: of the grammar, one that it stands for."""
        grammar = self.grammars.get(part)
        return grammar.expand(line, rng) if grammar is not None and line in grammar.templates else line


def _uses(template: str, most_uses: tuple[int, int, int]) -> int:
    """How often a template may be used."""
    slots = [match[1] for match in SLOT.finditer(template)]
    with_entities, with_slots, without = most_uses
    if not slots:
        return without
    return with_entities if any(slot.isupper() for slot in slots) else with_slots


def _generate_part(
    resource: dict[str, Any],
    use: "_Use",
    part: str,
    count: int,
    seed: int,
    lang: str,
    check: RecordCheck,
    *,
    taken: Collection[str],
) -> list[Record]:
    """Go round the templates until there are enough records."""
    values = Values(resource, part, seed)
    pools = use.pools(resource, part)
    left = pools.pop(0)
    records: dict[str, Record] = {}
    while len(records) < count:
        round_of_templates = [template for template, uses in left.items() if uses]
        if not round_of_templates and pools:
            left = pools.pop(0)
            continue
        if not round_of_templates:
            file = _file_name(lang)
            raise UserError(Errors.E401.format(most=len(records), part=part, asked=count, file=file))
        values.random.shuffle(round_of_templates)
        for template in round_of_templates[: count - len(records)]:
            left[template] -= 1
            for _ in range(DRAWS):
                line = use.expand(template, part, values.random)
                record = _draw(line, values, check, taken, records)
                if record is not None:
                    records[record.text.lower()] = record
                    break
            else:
                left[template] = 0
    return list(records.values())


def _draw(
    template: str, values: Values, check: RecordCheck, taken: Collection[str], records: Collection[str]
) -> Record | None:
    """RETURNS (Record | None): A record of a template; None where what came isn't one, or is there already."""
    text, spans = _fill(template, values)
    surfaces = [text[span.start : span.end].lower() for span in spans]
    why = ""
    if len(set(surfaces)) < len(surfaces):
        why = REPEATED
    elif not set(surfaces).isdisjoint(taken):
        why = TAKEN
    elif text.lower() in records:
        why = SAME_TEXT
    if why:
        check.offered += 1
        check.refuse(why, text, template)
        return None
    return check(text, spans, origin=template, all_tokens=False)


def _fill(template: str, values: Values) -> Request:
    """Fill a template's slots, and write it as people do, in lower case or without a full stop."""
    pieces: list[str] = []
    spans = []
    end = 0
    for match in SLOT.finditer(template):
        value = values.draw(match[0][1:-1])
        pieces += [template[end : match.start()], value]
        end = match.end()
        if match[1].isupper():
            stop = sum(map(len, pieces))
            start = stop - len(value) + ARTICLE.match(value).end()
            spans.append(CharSpan(start, stop, match[1]))
    text = "".join([*pieces, template[end:]])
    if text.endswith(".") and values.random.random() < UNENDED:
        text = text[:-1]
    case = values.random.random()
    if case < LOWER:
        text = text.lower()
    elif case < LOWER + UPPER:
        text = text.upper()
    return Request(text, spans)
