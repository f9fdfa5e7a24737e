"""Good inferences of a store as training data."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_together
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.targets import check_targets

if TYPE_CHECKING:
    from spacy_ner_plus.learning.export.answers import Answer
    from spacy_ner_plus.learning.export.chats import Chat
    from spacy_ner_plus.learning.export.parts import ExcludedTexts, Part
    from spacy_ner_plus.llm.store.store import Store

CHATS, DOCS = ".jsonl", ".spacy"


@dataclass
class Export:
    """What was written, and what wasn't.

    train (int): Texts of the training data.
    dev (int): Texts of the dev data.
    corrected (int): Of both, how many have the right entities in place of those that the model found.
    raw (int): Of both, how many chats end with what the model itself said.
    left_out (IssueLog): Inferences, texts and entities that weren't taken, by reason.
    """

    train: int = 0
    dev: int = 0
    corrected: int = 0
    raw: int = 0
    left_out: IssueLog = field(default_factory=IssueLog)


def export_inferences(
    store: str | Path,
    output: str | Path,
    *,
    metric: str = "exact_match",
    least: float = 1.0,
    dev: str | Path | None = None,
    dev_share: float = 0.1,
    exclude: Sequence[str | Path] = (),
    variants: Sequence[str] = (),
    component: str | None = None,
    examples: bool = True,
    lang: str = "en",
) -> Export:
    """Write the good inferences of a store as training data, with right answers in place of those that were corrected.

    Of several about a text, one that was corrected is taken, else the best. What dry runs saw is never written.

    store (str | Path): The store, or the address of its database.
    output (str | Path): A .jsonl file of chats, as OpenAI trains on (`messages`), or a .spacy corpus. It is written
        whole or not at all.
    metric (str): Of the feedback, that says how good an inference is. Default: 'exact_match'.
    least (float): The worst value that is good enough. Default: 1.0.
    dev (str | Path | None): Where a part of the texts goes, of the same kind. Default: none.
    dev_share (float): How many, where `dev` is given. Default: 0.1.
    exclude (Sequence[str | Path]): Corpora (.spacy) whose texts, and what is nearly the same, are left out, such as
        those that models are evaluated on. Default: none.
    variants (Sequence[str]): Only the answers of these. Default: of all.
    component (str | None): Only the answers of the component of this name. Default: of all, where there is one.
    examples (bool): Whether chats have the examples that the prompts had, but for those of texts that are excluded, of
        dry runs or, in training data, of the dev data. Default: True.
    lang (str): The language whose tokens a corpus gets. Default: 'en'.
    RETURNS (Export): What was written, and what wasn't, and why.
    RAISES (UserError): Where something can't be read or written, or nothing is left to write.
    """
    from spacy_ner_plus.learning.export.answers import good_answers, only_whole
    from spacy_ner_plus.learning.export.parts import DEV, TRAIN, ExcludedTexts, split
    from spacy_ner_plus.llm.store.store import Store

    paths = {TRAIN: Path(output), **({DEV: Path(dev)} if dev is not None else {})}
    kind = _kind(list(paths.values()))
    check_targets(
        {"the training data": paths[TRAIN], "the dev data": paths.get(DEV)},
        [("the store", None if "://" in str(store) else store)],
        corpora=[("an excluded corpus", Path(corpus)) for corpus in exclude],
    )
    if math.isnan(least):
        raise UserError(Errors.E841.format(least=least))
    if dev is not None and not 0 < dev_share < 1:
        raise UserError(Errors.E861.format(share=dev_share))
    done = Export()
    with Store(store, read_only=True) as opened:
        answers: Iterable[Answer] = good_answers(
            opened,
            metric=metric,
            least=least,
            variants=variants,
            component=component,
            left_out=done.left_out,
        )
        excluded = ExcludedTexts(_texts(exclude), opened.dry_texts.all())
        answers = list(excluded.without(answers, done.left_out))
        if kind == CHATS:
            answers = list(only_whole(answers, done.left_out))
        rows = (
            _chats(opened, answers, done, examples=examples) if kind == CHATS else _docs(answers, done, lang)
        )
    parts = split([answer for answer, _ in rows], dev_share if dev is not None else 0.0, done.left_out)
    chosen = {
        part: [(answer, row) for answer, row in rows if parts.get(answer.inference.text_hash) == part]
        for part in paths
    }
    empty = next((part for part in paths if not chosen[part]), None)
    if empty is not None:
        raise UserError(Errors.E862.format(part=empty, store=store, reasons=_reasons(done.left_out)))
    done.train, done.dev = len(chosen[TRAIN]), len(chosen.get(DEV, ()))
    done.corrected = sum(answer.is_corrected for taken in chosen.values() for answer, _ in taken)
    if kind == CHATS:
        chosen = {part: _without_hidden(part, chosen, excluded, done.left_out) for part in chosen}
        done.raw = sum(chat.is_raw for taken in chosen.values() for _, chat in taken)
    with written_together(list(paths.values())) as besides:
        for beside, taken in zip(besides, chosen.values(), strict=True):
            _write(beside, kind, [row for _, row in taken])
    return done


def _kind(paths: Sequence[Path]) -> str:
    kinds = {path.suffix for path in paths}
    if len(kinds) != 1 or not kinds <= {CHATS, DOCS} or len(set(paths)) < len(paths):
        raise UserError(Errors.E863.format(paths=", ".join(map(str, paths))))
    return paths[0].suffix


def _chats(store: "Store", answers: "Sequence[Answer]", done: Export, *, examples: bool) -> list:
    from spacy_ner_plus.learning.export.chats import ChatWriter

    return ChatWriter(store, examples=examples, left_out=done.left_out).chats(answers)


def _without_hidden(
    part: "Part",
    chosen: "Mapping[Part, list[tuple[Answer, Chat]]]",
    excluded: "ExcludedTexts",
    left_out: IssueLog,
) -> "list[tuple[Answer, Chat]]":
    """RETURNS (list[tuple[Answer, Chat]]): Those of a part, without examples of texts that they aren't to show."""
    from spacy_ner_plus.learning.export.parts import DEV, TRAIN, ExcludedTexts

    of_dev = chosen.get(DEV, []) if part == TRAIN else []
    dev = ExcludedTexts(answer.inference.text for answer, _ in of_dev)

    # The same examples are in many chats.
    @cache
    def is_hidden(text: str) -> bool:
        return excluded.has(text) or dev.has(text)

    return [(answer, chat.without(is_hidden, left_out)) for answer, chat in chosen[part]]


def _docs(answers: "Sequence[Answer]", done: Export, lang: str) -> list:
    from spacy_ner_plus.learning.export.docs import answers_to_docs
    from spacy_ner_plus.workflows.arguments.sources import blank_pipeline

    return answers_to_docs(answers, blank_pipeline(lang), done.left_out)


def _texts(corpora: Sequence[str | Path]) -> Iterator[str]:
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import read_docs

    # Not that of a blank pipeline, which loads what all installed packages register.
    vocab = Vocab()
    for corpus in corpora:
        yield from (doc.text for doc in read_docs(Path(corpus), vocab))


def _write(path: Path, kind: str, rows: list) -> None:
    if kind == CHATS:
        path.write_text("".join(f"{chat.to_json()}\n" for chat in rows), encoding="utf8", newline="\n")
    else:
        from spacy_ner_plus.corpus import save_docs

        save_docs(rows, path)


def _reasons(left_out: IssueLog) -> str:
    found = [f"{issue.count:,} x {kind}" for kind, issue in left_out]
    return "; ".join(found) or "the store has no inference"
