"""A person who makes no mistakes: tasks of Prodigy, answered as a gold corpus has them.

The workflow `bootstrap` measures what review brings without anybody who reviews. What stands in for a person are the
files that Prodigy would read and write; all before and after is the way of real tasks.
"""

import json
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs
from spacy_ner_plus.workflows.arguments.targets import check_targets

REVIEWER = "gold"


def gold_review(tasks: str | Path, gold: str | Path, target: str | Path) -> int:
    """Answer tasks of Prodigy with what a gold corpus says of their texts.

    tasks (str | Path): What `review push prodigy` wrote.
    gold (str | Path): A .spacy file or a folder of them.
    target (str | Path): The file to write, as `prodigy db-out` does.
    RETURNS (int): How many tasks there are.
    RAISES (UserError): Where something can't be read or written, or a task's text isn't in the corpus.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.data.sources.json_records import json_records
    from spacy_ner_plus.data.sources.lines import FileLines

    tasks, target = Path(tasks), Path(target)
    check_targets({"the answers": target}, [("the tasks", tasks)], corpora=[("the corpus", gold)])
    # A tool may leave out a space at the end.
    docs = {doc.text.rstrip(): doc for doc in corpus_docs(gold, Vocab())}
    answers = []
    for number, task in json_records(FileLines(tasks), str(tasks)):
        text = task.get("text") if isinstance(task, dict) else None
        if not isinstance(text, str) or text.rstrip() not in docs:
            shown = json.dumps(task, ensure_ascii=False)[:60]
            raise UserError(Errors.E786.format(where=f"{tasks}:{number}", gold=gold, text=shown))
        ents = docs[text.rstrip()].ents
        spans = [{"start": ent.start_char, "end": ent.end_char, "label": ent.label_} for ent in ents]
        answers.append({**task, "spans": spans, "answer": "accept", "_annotator_id": REVIEWER})
    lines = "".join(f"{json.dumps(answer, ensure_ascii=False)}\n" for answer in answers)
    write_whole(target, lines.encode())
    return len(answers)
