"""What annotators said, kept a shard at a time: a run that is cut off goes on after the last shard that was done."""

import json
from collections.abc import Generator, Sequence
from dataclasses import astuple
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.files import write_whole

# Bytes of a hash: enough that no two shards share a name.
_DIGEST = 16


class ShardStore:
    """Answers in files whose names are hashes of the texts and of all that the answers depend on.

    So nothing that was made with other settings is ever read, and a second run with another policy, or with one more
    annotator, has what is the same already.

    folder (Path): Where the files lie, in a folder for each annotator.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, annotator: Annotator, texts: Sequence[SourceText]) -> Path:
        """RETURNS (Path): Where an annotator's answers about these texts lie, or will."""
        digest = blake2b(annotator.identity.encode(), digest_size=_DIGEST)
        for text in texts:
            # Where its white space isn't known, an annotator is given its words.
            words = [text.text] if text.knows_spaces else text.words
            digest.update(json.dumps(words).encode())
        return self.folder / f"{digest.hexdigest()}.jsonl"

    def answers(
        self, annotator: Annotator, texts: Sequence[SourceText]
    ) -> Generator[None, None, list[TextAnswer]]:
        """Read an annotator's answers about a shard's texts, or ask for those that aren't there, and keep them.

        A text on which the annotator failed before is tried again.

        YIELDS (None): After each text.
        RETURNS (list[TextAnswer]): The answers, in the order of the texts.
        """
        path = self.path(annotator, texts)
        answers: list[Any] = list(_read(path)) if annotator.identity and path.is_file() else []
        if len(answers) != len(texts):
            answers = [None] * len(texts)
        left = [i for i, answer in enumerate(answers) if answer is None or answer.failure]
        yield from [None] * (len(texts) - len(left))
        asked = annotator.annotate([texts[i] for i in left]) if left else ()
        for i, answer in zip(left, asked, strict=True):
            answers[i] = answer
            yield
        if left and annotator.identity:
            lines = (json.dumps(astuple(answer)) for answer in answers)
            write_whole(path, "".join(f"{line}\n" for line in lines).encode())
        return answers


def _read(path: Path) -> list[TextAnswer]:
    try:
        return [TextAnswer(*json.loads(line)) for line in path.read_text(encoding="utf8").splitlines()]
    except (ValueError, TypeError):
        # Not ours: it is written anew.
        return []
