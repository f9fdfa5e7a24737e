"""What a corpus says about surface forms: as which labels they stand there, and how often as no entity."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from spacy_ner_plus.evaluation.matching.gold_doc import GoldDoc

# Stands among the labels for: this form, and no entity. No label can be empty.
OUTSIDE = ""

Forms = Mapping[str, Counter[str]]


def surface_form(text: str) -> str:
    """RETURNS (str): A text as its tokens with single spaces between; case counts."""
    return " ".join(text.split())


def count_forms(docs: Iterable[GoldDoc]) -> dict[str, Counter[str]]:
    """RETURNS (dict[str, Counter[str]]): For each form of an entity, how often it has which label."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for entity in doc.ents:
            forms[surface_form(entity.text)][entity.label] += 1
    return dict(forms)


def count_uses(docs: Sequence[GoldDoc]) -> dict[str, Counter[str]]:
    """Count the surface forms of the entities, and where the same tokens stand outside of entities.

    RETURNS (dict[str, Counter[str]]): As `count_forms`, with OUTSIDE for what is annotated and no entity;
        a form inside a longer entity is neither.
    """
    forms = count_forms(docs)
    # By the first token, so that each place in a text is looked at once.
    known: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for doc in docs:
        for entity in doc.ents:
            words = doc.words[entity.start : entity.end]
            known[words[0]].add(words)
    for doc in docs:
        taken = {i for i, tag in enumerate(doc.tags) if tag != "O"}
        for start, word in enumerate(doc.words):
            if word not in known or start in taken:
                continue
            for form in known[word]:
                end = start + len(form)
                if doc.words[start:end] == form and taken.isdisjoint(range(start, end)):
                    # White space may differ from that of the entity, and then it is another form.
                    text = surface_form(doc.text[doc.starts[start] : doc.end_of(end - 1)])
                    if text in forms:
                        forms[text][OUTSIDE] += 1
    return forms


def add_forms(*several: Forms) -> dict[str, Counter[str]]:
    """RETURNS (dict[str, Counter[str]]): The counts of all corpora together."""
    together: dict[str, Counter[str]] = defaultdict(Counter)
    for forms in several:
        for form, labels in forms.items():
            together[form].update(labels)
    return dict(together)
