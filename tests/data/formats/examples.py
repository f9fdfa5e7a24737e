"""A small file or more of each format, as its documentation shows it, and the entities that a person sees in it.

All tell of the same: Rosa Quint moved to Lund, and Lund is small.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PER, LUND = ("Rosa Quint", "PER"), ("Lund", "LOC")
MOVED = "Rosa Quint moved to Lund."
SMALL = "Lund is small."
WORDS = ["Rosa", "Quint", "moved", "to", "Lund", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]


@dataclass(frozen=True, eq=False)
class FormatExample:
    """A file, or a folder, of a format.

    format (str): Its name, as registered.
    file (str): What the file, or the folder, is called.
    content (str | bytes | dict[str, str] | Callable[[Path], None]): Of the file; of each file of the folder; or what
        writes it.
    entities (tuple[tuple[str, str], ...]): Text and label of each that a person sees, in order.
    """

    format: str
    file: str
    content: str | bytes | dict[str, str] | Callable[[Path], None]
    entities: tuple[tuple[str, str], ...] = (PER, LUND)

    def __str__(self) -> str:
        return f"{self.format}-{self.file}"

    def write(self, folder: Path) -> Path:
        """RETURNS (Path): The file, or the folder, that was written in a folder."""
        path = folder / self.file
        if isinstance(self.content, dict):
            path.mkdir()
            for name, text in self.content.items():
                (path / name).write_text(text, encoding="utf8")
        elif callable(self.content):
            self.content(path)
        elif isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            path.write_text(self.content, encoding="utf8")
        return path


def json_lines(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _spacy(path: Path) -> None:
    import spacy
    from spacy.tokens import Doc, DocBin

    DocBin(docs=[Doc(spacy.blank("en").vocab, words=WORDS, ents=TAGS)]).to_disk(path)


def _workbook(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for line in _KAGGLE.splitlines():
        book.active.append(line.split(","))
    book.save(path)


def _dataset(path: Path) -> None:
    import datasets

    datasets.Dataset.from_dict({"tokens": [WORDS], "ner_tags": [TAGS]}).save_to_disk(str(path))


_TOKENS = [
    {"text": "Rosa", "start": 0, "end": 4, "id": 0, "ws": True},
    {"text": "Quint", "start": 5, "end": 10, "id": 1, "ws": True},
    {"text": "moved", "start": 11, "end": 16, "id": 2, "ws": True},
    {"text": "to", "start": 17, "end": 19, "id": 3, "ws": True},
    {"text": "Lund", "start": 20, "end": 24, "id": 4, "ws": False},
    {"text": ".", "start": 24, "end": 25, "id": 5, "ws": False},
]
_PRODIGY = {
    "text": MOVED,
    "_input_hash": 1842734674,
    "_task_hash": -486046542,
    "tokens": _TOKENS,
    "spans": [
        {"start": 0, "end": 10, "token_start": 0, "token_end": 1, "label": "PER"},
        {"start": 20, "end": 24, "token_start": 4, "token_end": 4, "label": "LOC"},
    ],
    "_is_binary": False,
    "_view_id": "ner_manual",
    "answer": "accept",
    "_timestamp": 1640188800,
}


def _region(number: int, start: int, end: int, label: str) -> dict:
    value = {"start": start, "end": end, "text": MOVED[start:end], "labels": [label]}
    return {
        "id": f"a{number}",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "manual",
        "value": value,
    }


_LABEL_STUDIO = [
    {
        "id": 1,
        "annotations": [
            {
                "id": 7,
                "completed_by": 1,
                "result": [_region(0, 0, 10, "PER"), _region(1, 20, 24, "LOC")],
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-01-05T10:00:00.000000Z",
                "updated_at": "2026-01-05T10:00:00.000000Z",
                "lead_time": 6.5,
            }
        ],
        "drafts": [],
        "predictions": [],
        "data": {"text": MOVED},
        "meta": {},
        "created_at": "2026-01-05T10:00:00.000000Z",
        "updated_at": "2026-01-05T10:00:00.000000Z",
        "project": 1,
    }
]
_LABEL_STUDIO_MIN = [
    {
        "id": 1,
        "text": MOVED,
        "label": [
            {"start": 0, "end": 10, "text": "Rosa Quint", "labels": ["PER"]},
            {"start": 20, "end": 24, "text": "Lund", "labels": ["LOC"]},
        ],
        "annotator": 1,
        "annotation_id": 7,
        "created_at": "2026-01-05T10:00:00.000000Z",
        "updated_at": "2026-01-05T10:00:00.000000Z",
        "lead_time": 6.5,
    }
]
_ARGILLA_SPANS = [
    {"label": "PER", "start": 0, "end": 10},
    {"label": "LOC", "start": 20, "end": 24},
]
_ARGILLA = [
    {
        "id": "7f5c0a0e-0000-4000-8000-000000000001",
        "status": "completed",
        "_server_id": "7f5c0a0e-0000-4000-8000-000000000002",
        "fields": {"text": MOVED},
        "metadata": {"source": "letters"},
        "suggestions": {},
        "responses": {
            "spans": [{"value": _ARGILLA_SPANS, "user_id": "7f5c0a0e-0000-4000-8000-000000000003"}]
        },
        "vectors": {},
    }
]
_LIGHTTAG = {
    "name": "letters",
    "schema": {"tags": [{"name": "PER"}, {"name": "LOC"}]},
    "examples": [
        {
            "example_id": "e1",
            "content": MOVED,
            "metadata": {"source": "letters"},
            "annotations": [
                {"tag": "PER", "tag_id": "t1", "start": 0, "end": 10, "value": "Rosa Quint"},
                {"tag": "LOC", "tag_id": "t2", "start": 20, "end": 24, "value": "Lund"},
            ],
            "classifications": [],
            "seen_by": [{"annotator": "ann@example.com", "annotator_id": 1}],
        }
    ],
}
_SPACY_JSON = [
    {
        "id": 0,
        "paragraphs": [
            {
                "raw": MOVED,
                "sentences": [
                    {
                        "tokens": [
                            {"id": i, "orth": word, "tag": "-", "head": 0, "dep": "", "ner": tag}
                            for i, (word, tag) in enumerate(
                                zip(WORDS, ["B-PER", "L-PER", "O", "O", "U-LOC", "O"], strict=True)
                            )
                        ],
                        "brackets": [],
                    }
                ],
                "cats": [],
            }
        ],
    }
]
_DOC_JSON = {
    "text": MOVED,
    "ents": [{"start": 0, "end": 10, "label": "PER"}, {"start": 20, "end": 24, "label": "LOC"}],
    "tokens": [{"id": token["id"], "start": token["start"], "end": token["end"]} for token in _TOKENS],
}
_RASA = {
    "rasa_nlu_data": {
        "common_examples": [
            {
                "text": MOVED,
                "intent": "tell",
                "entities": [
                    {"start": 0, "end": 10, "value": "Rosa Quint", "entity": "PER"},
                    {"start": 20, "end": 24, "value": "Lund", "entity": "LOC"},
                ],
            }
        ],
        "regex_features": [],
        "lookup_tables": [],
        "entity_synonyms": [],
    }
}
_UNIVERSAL_NER = [
    {
        "conversations": [
            {"from": "human", "value": f"Text: {MOVED}"},
            {"from": "gpt", "value": "I've read this text."},
            {"from": "human", "value": "What describes PER in the text?"},
            {"from": "gpt", "value": '["Rosa Quint"]'},
            {"from": "human", "value": "What describes LOC in the text?"},
            {"from": "gpt", "value": '["Lund"]'},
        ],
        "id": "ner_0",
    }
]
_WEBANNO = """#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value


#Text=Rosa Quint moved to Lund.
1-1\t0-4\tRosa\t*[1]\tPER[1]\t
1-2\t5-10\tQuint\t*[1]\tPER[1]\t
1-3\t11-16\tmoved\t_\t_\t
1-4\t17-19\tto\t_\t_\t
1-5\t20-24\tLund\t*\tLOC\t
1-6\t24-25\t.\t_\t_\t
"""
_NER_TYPE = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_CAS_JSON = {
    "%TYPES": {
        _NER_TYPE: {
            "%NAME": _NER_TYPE,
            "%SUPER_TYPE": "uima.tcas.Annotation",
            "value": {"%NAME": "value", "%RANGE": "uima.cas.String"},
            "identifier": {"%NAME": "identifier", "%RANGE": "uima.cas.String"},
        }
    },
    "%FEATURE_STRUCTURES": [
        {
            "%ID": 1,
            "%TYPE": "uima.cas.Sofa",
            "sofaNum": 1,
            "sofaID": "_InitialView",
            "mimeType": "text",
            "sofaString": MOVED,
        },
        {"%ID": 2, "%TYPE": _NER_TYPE, "@sofa": 1, "begin": 0, "end": 10, "value": "PER"},
        {"%ID": 3, "%TYPE": _NER_TYPE, "@sofa": 1, "begin": 20, "end": 24, "value": "LOC"},
    ],
    "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [2, 3]}},
}
_XMI = f"""<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"
 xmlns:type="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" xmi:version="2.0">
  <cas:NULL xmi:id="0"/>
  <type:NamedEntity xmi:id="2" sofa="1" begin="0" end="10" value="PER"/>
  <type:NamedEntity xmi:id="3" sofa="1" begin="20" end="24" value="LOC"/>
  <cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{MOVED}"/>
  <cas:View sofa="1" members="2 3"/>
</xmi:XMI>
"""
_CONLL = """-DOCSTART- -X- -X- O

Rosa NNP B-NP B-PER
Quint NNP I-NP I-PER
moved VBD B-VP O
to TO B-PP O
Lund NNP B-NP B-LOC
. . O O
"""
_CONLLU = "# newdoc id = 0\n# sent_id = 0-0\n# text = Rosa Quint moved to Lund.\n" + "".join(
    f"{i}\t{word}\t_\tX\t_\t_\t0\troot\t_\tTag={tag}{'|SpaceAfter=No' if word == 'Lund' else ''}\n"
    for i, (word, tag) in enumerate(zip(WORDS, TAGS, strict=True), start=1)
)
_ONTONOTES = "#begin document (x); part 000\n" + "".join(
    f"x 0 {i} {word} NN * - - - - {tag} -\n"
    for i, (word, tag) in enumerate(zip(WORDS, ["(PER*", "*)", "*", "*", "(LOC)", "*"], strict=True))
)
_KAGGLE = """Sentence #,Word,POS,Tag
Sentence: 1,Rosa,NNP,B-PER
,Quint,NNP,I-PER
,moved,VBD,O
,to,TO,O
,Lund,NNP,B-LOC
,.,.,O
"""
_RASA_YAML = """version: "3.1"
nlu:
- intent: tell
  examples: |
    - [Rosa Quint](PER) moved to [Lund](LOC).
"""
_IOB_TOKENS = list(
    zip(
        WORDS,
        ["NNP", "NNP", "VBD", "TO", "NNP", "."],
        ["I-PER", "I-PER", "O", "O", "I-LOC", "O"],
        strict=True,
    )
)

EXAMPLES = [
    FormatExample(
        "bio-json",
        "reply.json",
        json.dumps({"text": MOVED, "labels": [["Rosa", "B-PER"], ["Quint", "I-PER"], ["Lund", "B-LOC"]]}),
    ),
    FormatExample("conll", "train.conll", _CONLL),
    FormatExample("conll", "train.txt", _CONLL),
    FormatExample(
        "conll", "two_columns.tsv", "".join(f"{word}\t{tag}\n" for word, tag in zip(WORDS, TAGS, strict=True))
    ),
    FormatExample(
        "conll",
        "germeval.tsv",
        "#\tsrc\n1\tRosa\tB-PER\tO\n2\tQuint\tI-PER\tO\n3\tzog\tO\tO\n4\tnach\tO\tO\n5\tLund\tB-LOC\tO\n\n",
    ),
    FormatExample("conllu", "train.conllu", f"{_CONLLU}\n"),
    FormatExample("ontonotes", "x.gold_conll", f"{_ONTONOTES}\n#end document\n"),
    FormatExample("iob", "ner.iob", " ".join(f"{word}|{tag}" for word, _, tag in _IOB_TOKENS) + "\n"),
    FormatExample("iob", "three_fields.iob", " ".join("|".join(fields) for fields in _IOB_TOKENS) + "\n"),
    FormatExample("tokens", "train.jsonl", json_lines({"id": "0", "tokens": WORDS, "ner_tags": TAGS})),
    FormatExample("table", "ner_dataset.csv", _KAGGLE),
    FormatExample("excel", "ner_dataset.xlsx", _workbook),
    FormatExample("prodigy", "annotations.jsonl", json_lines(_PRODIGY)),
    FormatExample(
        "spacy-train",
        "train_data.json",
        json.dumps([[MOVED, {"entities": [[0, 10, "PER"], [20, 24, "LOC"]]}]]),
    ),
    FormatExample(
        "spacy-train",
        "annotations.json",
        json.dumps(
            {
                "classes": ["PER", "LOC"],
                "annotations": [[f"{MOVED}\r", {"entities": [[0, 10, "PER"], [20, 24, "LOC"]]}], None],
            }
        ),
    ),
    FormatExample("spacy-v2", "train.json", json.dumps(_SPACY_JSON)),
    FormatExample("spacy-json", "doc.json", json.dumps(_DOC_JSON)),
    FormatExample(
        "gliner",
        "gliner.json",
        json.dumps([{"tokenized_text": WORDS, "ner": [[0, 1, "PER"], [4, 4, "LOC"]]}]),
    ),
    FormatExample("universal-ner", "universal.json", json.dumps(_UNIVERSAL_NER)),
    FormatExample(
        "tensorzero-ner",
        "conllpp.csv",
        f'split,input,output\n0,{MOVED},"{{""PER"": [""Rosa Quint""], ""LOC"": [""Lund""]}}"\n',
    ),
    FormatExample(
        "tensorzero-ner",
        "datapoints.jsonl",
        json_lines(
            {
                "function_name": "extract_entities",
                "input": {"messages": [{"role": "user", "content": MOVED}]},
                "output": {"PER": ["Rosa Quint"], "LOC": ["Lund"]},
            }
        ),
    ),
    FormatExample(
        "strings",
        "strings.jsonl",
        json_lines(
            {
                "text": MOVED,
                "entities": [{"text": "Rosa Quint", "label": "PER"}, {"text": "Lund", "label": "LOC"}],
            }
        ),
    ),
    FormatExample("label-studio", "project-1.json", json.dumps(_LABEL_STUDIO)),
    FormatExample("label-studio", "project-1-min.json", json.dumps(_LABEL_STUDIO_MIN)),
    FormatExample(
        "doccano",
        "admin.jsonl",
        json_lines({"id": 1, "text": MOVED, "label": [[0, 10, "PER"], [20, 24, "LOC"]], "Comments": []}),
    ),
    FormatExample(
        "doccano",
        "relation.jsonl",
        json_lines(
            {
                "id": 1,
                "text": MOVED,
                "entities": [
                    {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 10},
                    {"id": 2, "label": "LOC", "start_offset": 20, "end_offset": 24},
                ],
                "relations": [],
                "Comments": [],
            }
        ),
    ),
    FormatExample("argilla", "records.json", json.dumps(_ARGILLA)),
    FormatExample(
        "dataturks",
        "export.json",
        json_lines(
            {
                "content": MOVED,
                "annotation": [
                    {"label": ["PER"], "points": [{"start": 0, "end": 9, "text": "Rosa Quint"}]},
                    {"label": ["LOC"], "points": [{"start": 20, "end": 23, "text": "Lund"}]},
                ],
                "extras": None,
            }
        ),
    ),
    FormatExample("lighttag", "lighttag.json", json.dumps(_LIGHTTAG)),
    FormatExample(
        "tagtog",
        "tagtog",
        {
            "annotations-legend.json": json.dumps({"e_1": "PER", "e_2": "LOC"}),
            "letter.plain.html": f'<!DOCTYPE html><html><body><p id="s1p1">{MOVED}</p></body></html>',
            "letter.ann.json": json.dumps(
                {
                    "annotatable": {"parts": ["s1p1"]},
                    "anncomplete": True,
                    "entities": [
                        {"classId": "e_1", "part": "s1p1", "offsets": [{"start": 0, "text": "Rosa Quint"}]},
                        {"classId": "e_2", "part": "s1p1", "offsets": [{"start": 20, "text": "Lund"}]},
                    ],
                    "relations": [],
                }
            ),
        },
    ),
    FormatExample(
        "brat",
        "brat",
        {"doc1.txt": MOVED + "\n", "doc1.ann": "T1\tPER 0 10\tRosa Quint\nT2\tLOC 20 24\tLund\n"},
    ),
    FormatExample("rasa", "nlu.json", json.dumps(_RASA)),
    FormatExample("rasa", "nlu.yml", _RASA_YAML),
    FormatExample("webanno-tsv", "letters.tsv", _WEBANNO),
    FormatExample("uima-cas", "cas.json", json.dumps(_CAS_JSON)),
    FormatExample("uima-cas", "cas.xmi", _XMI),
    FormatExample(
        "jsonl",
        "offsets.jsonl",
        json_lines(
            {
                "sentence": MOVED,
                "entities": [{"begin": 0, "end": 10, "type": "PER"}, {"begin": 20, "end": 24, "type": "LOC"}],
            }
        ),
    ),
    FormatExample("spacy", "train.spacy", _spacy),
    FormatExample("hub", "dataset", _dataset),
]
