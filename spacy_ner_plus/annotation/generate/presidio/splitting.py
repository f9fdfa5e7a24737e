"""Templates dealt to the parts of a corpus: no template is in two, and rare labels are in as many as they can be."""

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def split_templates(
    labels: Mapping[T, Sequence[str]], sizes: Mapping[str, int], seed: int
) -> dict[str, list[T]]:
    """Deal templates by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011).

    The rarest label comes first; each template with it goes to the part that lacks it most for its size.

    labels (Mapping): The labels of each template.
    sizes (Mapping[str, int]): How many records each part gets; one with 0 gets no templates.
    seed (int): Of the order in which equal ones are dealt.
    RETURNS (dict[str, list]): The templates of each part.
    """
    total = sum(sizes.values())
    shares = {part: size / total for part, size in sizes.items() if size}
    waiting = list(labels)
    random.Random(seed).shuffle(waiting)
    counts = Counter(label for template in waiting for label in {*labels[template]})
    lacks = {
        part: defaultdict(float, {label: share * n for label, n in counts.items()})
        for part, share in shares.items()
    }
    room = {part: share * len(waiting) for part, share in shares.items()}
    dealt: dict[str, list[T]] = {part: [] for part in sizes}
    while waiting:
        left = Counter(label for template in waiting for label in {*labels[template]})
        # By name where they are equally rare.
        label = min(left, key=lambda name: (left[name], name)) if left else None
        having = [template for template in waiting if label is None or label in labels[template]]
        for template in having:
            part = max(shares, key=lambda part: (lacks[part][label] if label else 0.0, room[part]))
            dealt[part].append(template)
            room[part] -= 1
            for name in {*labels[template]}:
                lacks[part][name] -= 1
        waiting = [template for template in waiting if template not in set(having)]
    return dealt
