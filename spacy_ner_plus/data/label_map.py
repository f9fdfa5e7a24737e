"""Labels renamed or dropped, as a mapping says."""

import json
from collections import Counter
from pathlib import Path

import srsly
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.annotated_labels import ANNOTATED_LABELS, annotated_labels
from spacy_ner_plus.data.records.record import SPANS_KEY
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.soft_tags import read_soft_tags, write_soft_tags
from spacy_ner_plus.spans import IOB_BEGIN, IOB_OUTSIDE


class LabelMap:
    """Renames labels, and drops those that map to null: their tokens become O.

    labels (dict[str, str | None]): New label by old; a label that is not in it stays.
    used (Counter[str]): How many entities each old label in it was read with.
    """

    def __init__(self, labels: dict[str, str | None]):
        self.labels = labels
        self.used: Counter[str] = Counter()

    @classmethod
    def read(cls, path: Path) -> "LabelMap":
        """Read a JSON or YAML file.

        path (Path): A mapping such as {"PER": "PERSON", "MISC": null}.
        RAISES (UserError): A file that cannot be read or is no such mapping.
        """
        try:
            if path.suffix.lower() == ".json":
                # Files from Windows may begin with a byte-order mark. srsly's JSON drops the first of two equal keys.
                labels = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique_keys)
            else:
                labels = srsly.read_yaml(path)
        except OSError as error:
            raise UserError(Errors.E117.format(path=path, reason=error.strerror or error)) from error
        except ValueError as error:
            raise UserError(Errors.E117.format(path=path, reason=str(error).split("\n")[0])) from error
        if not isinstance(labels, dict) or not labels:
            raise UserError(Errors.E117.format(path=path, reason="it is no mapping"))
        for old, new in labels.items():
            # Tokens outside of entities have the empty label, blocked ones and missing ones among them.
            if not isinstance(old, str) or not old or not (new is None or _is_label(new)):
                raise UserError(Errors.E117.format(path=path, reason=f"{old!r} maps to {new!r}"))
        return cls(dict(labels))

    def new_label(self, label: str) -> str | None:
        """RETURNS (str | None): What a label becomes, which is counted; None where it is dropped."""
        if label not in self.labels:
            return label
        self.used[label] += 1
        return self.labels[label]

    def apply(self, doc: Doc) -> None:
        """Change a Doc's entities in place, its soft tags, and which labels it says were annotated.

        RAISES (UserError): Where that can't be said any more: of a label that is made of one that was annotated and
            one that wasn't, or where no label that was is left; or where soft tags are broken.
        """
        annotated = annotated_labels(doc)
        if annotated is not None:
            doc.user_data[ANNOTATED_LABELS] = self._renamed(annotated, doc)
        # The spans that go with the entities, nested ones among them, and groups of what components gave scores.
        groups = [
            key for key, group in doc.spans.items() if key == SPANS_KEY or set(group.attrs) == {"scores"}
        ]
        ents = {(ent.start, ent.end) for ent in doc.ents} if groups else set()
        strings = doc.vocab.strings
        changes = [(strings[old], new) for old, new in self.labels.items() if old in strings]
        array = doc.to_array([ENT_IOB, ENT_TYPE])
        before = array[:, 1].copy() if len(doc) else array
        changed = False
        for old, new in changes:
            chosen = before == old
            if not chosen.any():
                continue
            changed = True
            self.used[strings[old]] += int(((array[:, 0] == IOB_BEGIN) & chosen).sum())
            if new is None:
                array[chosen] = (IOB_OUTSIDE, 0)
            else:
                array[chosen, 1] = strings.add(new)
        if changed:
            doc.from_array([ENT_IOB, ENT_TYPE], array)
        for key in groups:
            self._apply_to_spans(doc, key, ents)
        soft = read_soft_tags(doc)
        if soft is not None:
            # Not counted: a label with a small probability on a token was hardly read.
            write_soft_tags(doc, soft.renamed(lambda label: self.labels.get(label, label)))

    def _apply_to_spans(self, doc: Doc, key: str, ents: set[tuple[int, int]]) -> None:
        group = doc.spans[key]
        if not any(span.label_ in self.labels for span in group):
            return
        scores = group.attrs.get("scores")
        kept, kept_scores = [], []
        for number, span in enumerate(group):
            new = self.labels.get(span.label_, span.label_)
            if key == SPANS_KEY and span.label_ in self.labels and (span.start, span.end) not in ents:
                # What is an entity, too, was counted there.
                self.used[span.label_] += 1
            if new is None:
                continue
            kept.append(Span(doc, span.start, span.end, label=new, span_id=span.id, kb_id=span.kb_id))
            if scores is not None:
                kept_scores.append(scores[number])
        attrs = {**group.attrs, **({} if scores is None else {"scores": kept_scores})}
        doc.spans[key] = SpanGroup(doc, name=key, spans=kept, attrs=attrs)

    def _renamed(self, annotated: frozenset[str], doc: Doc) -> list[str]:
        renamed = {new for old in annotated if (new := self.labels.get(old, old)) is not None}
        merged = [old for old, new in self.labels.items() if new in renamed and old not in annotated]
        reason = None
        if merged:
            reason = f"it makes one label of an annotated one and of {', '.join(sorted(merged))}"
        elif not renamed:
            reason = "it drops what was annotated"
        if reason is not None:
            labels = ", ".join(sorted(annotated))
            raise UserError(Errors.E134.format(text=doc.text[:60], labels=labels, reason=reason))
        return sorted(renamed)

    def notes(self) -> list[str]:
        """RETURNS (list[str]): A line for each label that was dropped or never came up."""
        notes = []
        for old, new in self.labels.items():
            if not self.used[old]:
                notes.append(f"label map: {old} was not among the labels read")
            elif new is None:
                notes.append(f"label map: {self.used[old]:,} {old} dropped")
        return notes


def _is_label(name: object) -> bool:
    """RETURNS (bool): Whether it names something; white space around a name would make it another one."""
    return isinstance(name, str) and bool(name.strip()) and name == name.strip()
