"""Labels for a trained component that a config takes from another pipeline (`source`).

`spacy train` doesn't initialize such a component, so that labels of its corpus or under [initialize.components]
don't reach it.
"""

from collections.abc import Callable, Sequence

from spacy.language import Language


def add_labels_v1(component: str, labels: Sequence[str]) -> Callable[[Language], Language]:
    """Make a callback that adds labels to a trained component before `spacy train` trains it on.

        [components.transformer_ner]
        source = "training/first/model-best"

        [initialize.after_init]
        @callbacks = "spacy_ner_plus.add_labels.v1"
        component = "transformer_ner"
        labels = ["PRODUCT"]

    component (str): Its name in the pipeline.
    labels (Sequence[str]): The labels; those that it knows change nothing.
    """

    def add_labels(nlp: Language) -> Language:
        pipe = nlp.get_pipe(component)
        for label in labels:
            pipe.add_label(label)
        return nlp

    return add_labels
