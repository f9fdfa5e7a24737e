"""What is asked for: prompts, and the entity label of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.labels import LabelSet, load_labels
from spacy_ner_plus.models.zero_shot.prompts import Prompt, Prompts

# Unlike the labels of a LabelSet, names may have several words: prompts are plain language.
Labels = LabelSet | str | Sequence[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a model is asked for, and what becomes of it.

    prompts (tuple[Prompt, ...]): As the model reads them.
    labels (tuple[str, ...]): The entity label of each; several prompts may have one.
    """

    prompts: Prompts
    labels: tuple[str, ...]

    @classmethod
    def of(cls, labels: Labels | None, label_map: Mapping[str, str] | None = None) -> "Asked":
        """Read labels in any form.

        labels: Names; a mapping from name to description, or to `definition`; a file of one; the name of a shipped
            set. None for the names of the map.
        label_map (Mapping[str, str]): The entity label of each name; a name that isn't in it is a label itself.
        RAISES (UserError): Where there are none, one is none, one is doubled, or the map names another.
        """
        label_map = label_map or {}
        prompts = _read(list(label_map) if labels is None else labels)
        if not prompts:
            raise UserError(Errors.E624)
        check(prompts)
        names = [prompt.name for prompt in prompts]
        for prompt, label in label_map.items():
            if prompt not in names:
                raise UserError(Errors.E628.format(prompt=prompt, prompts=", ".join(names)))
            if not isinstance(label, str) or not label.strip():
                raise UserError(Errors.E626.format(label=repr(label)))
        return cls(tuple(prompts), tuple(label_map.get(name, name) for name in names))

    def narrowed(self, value: Any, label_map: Mapping[str, str] | None) -> "Asked":
        """Read `doc._.labels`.

        RETURNS (Asked): What is asked about this Doc; itself for None, and nothing for an empty one.
        RAISES (ValueError): Where it can't be read.
        """
        if value is None:
            return self
        if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
            raise ValueError(Errors.E627.format(value=repr(value)))
        known = {prompt.name: prompt for prompt in self.prompts}
        try:
            # A name without a description has that of the component.
            prompts = [known.get(p.name, p) if not p.description else p for p in _read(value)]
            check(prompts)
        except (UserError, TypeError) as error:
            # This Doc is at fault, and not a setting.
            raise ValueError(str(error)) from None
        return Asked(
            tuple(prompts), tuple((label_map or {}).get(prompt.name, prompt.name) for prompt in prompts)
        )


def _read(labels: Labels) -> list[Prompt]:
    if isinstance(labels, str | LabelSet):
        labels = load_labels(labels)
        return [Prompt(name, labels.definitions.get(name, "")) for name in labels.names]
    pairs = list(labels.items()) if isinstance(labels, Mapping) else [(name, "") for name in labels]
    return [Prompt(name, _description(value)) for name, value in pairs]


def _description(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("definition")
    if value is not None and not isinstance(value, str):
        raise UserError(Errors.E626.format(label=repr(value)))
    return (value or "").strip()


def check(prompts: Sequence[Prompt]) -> None:
    """Refuse what a model can't be asked for.

    RAISES (UserError): Where a name is none, or two of them are one, also by their descriptions.
    """
    names: set[str] = set()
    texts: set[str] = set()
    for prompt in prompts:
        if not isinstance(prompt.name, str) or not prompt.name.strip():
            raise UserError(Errors.E626.format(label=repr(prompt.name)))
        text = prompt.description or prompt.name
        if prompt.name in names or text in texts:
            raise UserError(Errors.E625.format(label=prompt.name, text=text))
        names.add(prompt.name)
        texts.add(text)
