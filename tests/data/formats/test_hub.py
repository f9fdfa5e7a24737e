import sys

import datasets
import pytest
import spacy
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.hub import hub_to_docs
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
TOKENS = [["Ann", "Lee", "left", "."], ["Acme", "Inc", "too"], ["no", "one"]]
TAGS = [["B-PER", "I-PER", "O", "O"], ["B-ORG", "I-ORG", "O"], ["O", "O"]]
NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]
SPANS = [[("Ann Lee", "PER")], [("Acme Inc", "ORG")], []]
WORDS = st.sampled_from(["a", "May", ".", "東京", "🙂", "(", ")", "'s", "\u00a0"])
TAGGED = st.tuples(WORDS, st.sampled_from(["", "X", "Y"]), st.booleans())
ROWS = st.lists(TAGGED, min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def strings(**columns):
    return Dataset.from_dict({"tokens": TOKENS, "ner_tags": TAGS} | columns)


def classes(**columns):
    numbers = [[NAMES.index(tag) for tag in tags] for tags in TAGS]
    features = Features(
        {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=NAMES))}
        | {column: Value("int64") for column in columns}
    )
    return Dataset.from_dict({"tokens": TOKENS, "ner_tags": numbers} | columns, features=features)


def saved(dataset, tmp_path):
    dataset.save_to_disk(tmp_path / "saved")
    return str(tmp_path / "saved")


def read(source, **options):
    issues = IssueLog()
    return list(hub_to_docs(source, NLP, issues=issues, **options)), issues


def spans_of(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize("make", [strings, classes])
def test_hub_reads_what_save_to_disk_wrote(make, tmp_path):
    docs, issues = read(saved(make(), tmp_path))
    assert [spans_of(doc) for doc in docs] == SPANS
    assert [[token.text for token in doc] for doc in docs] == TOKENS
    assert docs[0].text == "Ann Lee left."
    assert len(issues) == 0


def test_hub_reads_a_parquet_file_with_its_names(tmp_path):
    classes().to_parquet(tmp_path / "a.parquet")
    assert [spans_of(doc) for doc in read(str(tmp_path / "a.parquet"))[0]] == SPANS


def test_hub_reads_a_folder(tmp_path):
    strings().to_parquet(tmp_path / "train.parquet")
    assert [spans_of(doc) for doc in read(str(tmp_path))[0]] == SPANS


def test_hub_joins_the_rows_of_a_document(tmp_path):
    docs, issues = read(saved(classes(document_id=[7, 7, 8]), tmp_path))
    assert [spans_of(doc) for doc in docs] == [SPANS[0] + SPANS[1], []]
    assert [sent.text for sent in docs[0].sents] == ["Ann Lee left.", "Acme Inc too"]
    assert len(issues) == 0


@pytest.mark.parametrize(("group", "count"), [("sentence", 3), (2, 2), (1, 3), ("2", 2)])
def test_hub_groups_rows_as_told(group, count, tmp_path):
    path = saved(strings(document_id=["a", "a", "b"]), tmp_path)
    assert len(read(path, group=group)[0]) == count


def test_hub_takes_a_row_as_a_document_where_no_column_says(tmp_path):
    assert len(read(saved(strings(), tmp_path))[0]) == 3


def test_hub_counts_a_document_that_comes_in_pieces(tmp_path):
    docs, issues = read(saved(strings(document_id=[1, 2, 1]), tmp_path))
    assert len(docs) == 3
    assert issues["document in several pieces"] == 1


def test_hub_reads_the_columns_it_is_given(tmp_path):
    path = saved(strings().rename_columns({"tokens": "words", "ner_tags": "tags"}), tmp_path)
    docs, _ = read(path, token_column="words", tag_column="tags")
    assert [spans_of(doc) for doc in docs] == SPANS


@pytest.mark.parametrize("spelling", ["argument", "suffix"])
def test_hub_reads_the_split_it_is_given(spelling, tmp_path):
    path = saved(DatasetDict(train=strings(), dev=strings().select([1])), tmp_path)
    docs, issues = read(path, split="dev") if spelling == "argument" else read(f"{path}@dev")
    assert [spans_of(doc) for doc in docs] == [SPANS[1]]
    assert len(issues) == 0


def test_hub_reads_labels_without_prefixes(tmp_path):
    tags = [["PER", "PER", "O", "O"], ["ORG", "ORG", "O"], ["O", "O"]]
    docs, issues = read(saved(strings(ner_tags=tags), tmp_path))
    assert [spans_of(doc) for doc in docs] == SPANS
    assert len(issues) == 0


def test_hub_reads_iobes(tmp_path):
    tags = [["B-PER", "E-PER", "O", "O"], ["S-ORG", "S-ORG", "O"], ["O", "O"]]
    docs, issues = read(saved(strings(ner_tags=tags), tmp_path))
    assert [spans_of(doc) for doc in docs] == [SPANS[0], [("Acme", "ORG"), ("Inc", "ORG")], []]
    assert len(issues) == 0


def test_hub_keeps_what_a_negative_class_leaves_out_as_missing(tmp_path):
    dataset = classes()
    numbers = [[1, -100, 0, 0], [3, 4, 0], [0, 0]]
    features = dataset.features.copy()
    plain = Dataset.from_dict({"tokens": TOKENS, "ner_tags": numbers}, features=features)
    docs, issues = read(saved(plain, tmp_path))
    assert doc_to_tags(docs[0]) == ["B-PER", "-", "O", "O"]
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("tokens", "tags", "kind", "kept"),
    [
        (["a", "b"], ["O"], "tokens and tags of unequal length", 2),
        ([], [], "empty text", 1),
        (["a", "", "b"], ["O", "O", "O"], "token without text", 2),
        (["a", "b"], ["O", "I-X"], "I- that opens an entity", 2),
        (["a", "b"], ["O", "X"], "invalid tag", 2),
    ],
)
def test_hub_counts_what_a_row_has_wrong(tokens, tags, kind, kept, tmp_path):
    dataset = Dataset.from_dict({"tokens": [TOKENS[0], tokens], "ner_tags": [TAGS[0], tags]})
    docs, issues = read(saved(dataset, tmp_path))
    assert len(docs) == kept
    assert issues[kind] == 1
    assert issues.kinds[kind].where.endswith(":2")


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (strings(), {"token_column": "words"}, "it has: tokens, ner_tags.*--token-column"),
        (strings(), {"tag_column": "tags"}, "it has: tokens, ner_tags.*--tag-column"),
        (strings(), {"group": "page"}, "Can't group by 'page'"),
        (strings(text=["a", "b", "c"]), {"token_column": "text"}, "E171.*1 tokens, 4 tags"),
        (strings(ner_tags=[[0, 1, 2, 0], [1, 2, 0], [0, 0]]), {}, "integers without names"),
        (DatasetDict(train=strings(), dev=strings()), {}, "several splits: train, dev"),
        (
            DatasetDict(train=strings(), dev=strings()),
            {"split": "test"},
            "no split 'test'; it has: train, dev",
        ),
    ],
)
def test_hub_says_what_it_misses(dataset, options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(saved(dataset, tmp_path), **options)


def test_hub_takes_a_row_whose_tags_do_not_fit_for_missing(tmp_path):
    dataset = Dataset.from_dict({"tokens": [TOKENS[0], ["a", "b"]], "ner_tags": [TAGS[0], ["O"]]})
    docs, _ = read(saved(dataset, tmp_path))
    assert doc_to_tags(docs[1]) == ["-", "-"]


def numbers():
    return Dataset.from_dict(
        {"tokens": TOKENS, "ner_tags": [[NAMES.index(tag) for tag in tags] for tags in TAGS]}
    )


def test_hub_reads_numbers_by_the_names_that_are_given(tmp_path):
    docs, _ = read(saved(numbers(), tmp_path), labels=",".join(NAMES))
    assert [spans_of(doc) for doc in docs] == SPANS


def test_hub_reads_numbers_by_the_card_beside_a_parquet_file(tmp_path):
    names = "".join(f"          '{number}': {name}\n" for number, name in enumerate(NAMES))
    card = "---\ndataset_info:\n  features:\n  - name: ner_tags\n    sequence:\n      class_label:\n        names:\n"
    (tmp_path / "README.md").write_text(f"{card}{names}---\n")
    numbers().to_pandas().to_parquet(tmp_path / "a.parquet")
    assert [spans_of(doc) for doc in read(str(tmp_path / "a.parquet"))[0]] == SPANS


def test_hub_reads_columns_inside_of_others(tmp_path):
    rows = [
        {"annotation": {"words": tokens, "labels": [NAMES.index(tag) for tag in tags]}, "lang": "en"}
        for tokens, tags in zip(TOKENS, TAGS, strict=True)
    ]
    inside = {"words": List(Value("string")), "labels": List(ClassLabel(names=NAMES))}
    dataset = Dataset.from_list(rows, features=Features({"annotation": inside, "lang": Value("string")}))
    docs, issues = read(saved(dataset, tmp_path))
    assert [spans_of(doc) for doc in docs] == SPANS
    assert record_of(docs[0])["meta"]["lang"] == "en"
    assert len(issues) == 0


@pytest.mark.parametrize("kind", ["structs", "columns"])
def test_hub_reads_texts_with_spans(kind, tmp_path):
    inside = {"start": Value("int64"), "end": Value("int64"), "label": ClassLabel(names=["PER", "LOC"])}
    spans = [[{"start": 0, "end": 3, "label": 0}, {"start": 12, "end": 16, "label": 1}], []]
    feature = List(inside)
    if kind == "columns":
        feature = {key: List(value) for key, value in inside.items()}
        spans = [{key: [span[key] for span in row] for key in inside} for row in spans]
    dataset = Dataset.from_dict(
        {"id": ["a", "b"], "text": ["Ann went to Lund", "She left"], "entities": spans},
        features=Features({"id": Value("string"), "text": Value("string"), "entities": feature}),
    )
    dataset.to_parquet(tmp_path / "a.parquet")
    docs, issues = read(str(tmp_path / "a.parquet"))
    assert [spans_of(doc) for doc in docs] == [[("Ann", "PER"), ("Lund", "LOC")], []]
    assert [doc_to_tags(doc)[-1] for doc in docs] == ["B-LOC", "O"]
    assert [record_of(doc)["id"] for doc in docs] == ["a", "b"]
    assert len(issues) == 0


def test_hub_passes_over_what_is_no_text(tmp_path):
    dataset = strings(picture=[b"a", b"b", b"c"], when=[1, 2, None])
    docs, issues = read(saved(dataset, tmp_path))
    assert record_of(docs[0])["meta"] == {"when": 1}
    assert len(issues) == 0


@pytest.mark.parametrize("name", ["conll2003", "no/such_dataset", "./no/such/folder"])
def test_hub_says_that_a_dataset_is_not_to_be_had(name, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=f"{name}.*network"):
        read(name)


def test_hub_refuses_a_single_file_that_is_not_parquet(tmp_path):
    (tmp_path / "a.txt").write_text("Ann B-PER\n")
    with pytest.raises(UserError, match="parquet"):
        read(str(tmp_path / "a.txt"))


def test_hub_runs_no_code_of_a_dataset(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    ran = tmp_path / "ran"
    (folder / "corpus.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    with pytest.raises(UserError, match="code of its own"):
        read(str(folder))
    assert not ran.exists()


def test_hub_names_the_extra_without_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"E540.*\[datasets\]"):
        read("conll2003")


@settings(max_examples=15, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=5))
def test_hub_keeps_tokens_and_tags(tmp_path_factory, sentences):
    tokens = [[word for word, _, _ in sentence] for sentence in sentences]
    # A valid IOB2 sequence: an I- only where the tag before it has its label.
    tags = []
    for sentence in sentences:
        labels = ["", *[label for _, label, _ in sentence]]
        tags.append(
            [
                f"{'I' if inside and label == before else 'B'}-{label}" if label else "O"
                for before, (_, label, inside) in zip(labels, sentence, strict=False)
            ]
        )
    path = tmp_path_factory.mktemp("hub") / "rows.parquet"
    Dataset.from_dict({"tokens": tokens, "ner_tags": tags}).to_parquet(path)
    docs, issues = read(str(path))
    assert [[token.text for token in doc] for doc in docs] == tokens
    assert [doc_to_tags(doc) for doc in docs] == tags
    assert len(issues) == 0
