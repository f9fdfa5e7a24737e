from concurrent.futures import ThreadPoolExecutor

import pytest
import spacy

from spacy_ner_plus.annotation.generate import records
from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.spans import CharSpan


@pytest.fixture(scope="module")
def blank():
    return spacy.blank("en")


@pytest.mark.parametrize(
    ("text", "spans", "why"),
    [
        ("", [], records.EMPTY),
        ("?!", [], records.EMPTY),
        ("Ann left. ", [(0, 3, "PER")], records.AROUND),
        ("Ann\x00 left.", [(0, 3, "PER")], records.CONTROL),
        ("Ann left.", [(0, 30, "PER")], records.OUTSIDE),
        ("Ann left.", [(-3, 2, "PER")], records.OUTSIDE),
        ("Ann left.", [(3, 3, "PER")], records.OUTSIDE),
        ("Ann Lee left.", [(0, 7, "PER"), (4, 7, "PER")], records.OVERLAP),
        ("Ann left.", [(0, 3, "DOG")], records.UNKNOWN_LABEL),
        ("Ann left.", [(0, 4, "PER")], records.EDGE),
        ("Anna left.", [(0, 3, "PER")], records.MISALIGNED),
    ],
)
def test_records_that_are_not_valid_are_refused_and_counted(text, spans, why, blank):
    check = RecordCheck(blank, ["PER"])
    assert check(text, [CharSpan(*span) for span in spans]) is None
    assert list(check.refused.kinds) == [why]
    assert check.offered == 1


def test_records_name_their_place_where_their_tokens_alone_would_be_read_elsewhere(blank):
    text, span = "May I ask May?", CharSpan(10, 13, "PER")
    record = RecordCheck(blank)(text, [span])
    assert [pair for pair in record.labels if pair[0] == "May"] == [("May", "O"), ("May", "B-PER")]
    assert RecordCheck(blank)(text, [span], all_tokens=False) is None


def test_records_of_several_lines_have_entities_over_line_breaks(blank):
    text = "Send it to:\n7 Mill Lane\nBoston, MA\n\nThanks"
    record = RecordCheck(blank)(text, [CharSpan(12, 34, "ADDRESS")])
    (ent,) = record.to_doc(blank).ents
    assert ent.text == "7 Mill Lane\nBoston, MA"


def test_records_are_those_of_the_check_that_made_them(blank):
    check = RecordCheck(blank)
    record = check("Ann left.", [CharSpan(0, 3, "PER")])
    assert check.has_made(record)
    assert not check.has_made(Record("Ann left.", (CharSpan(0, 2, "PER"),), (("Ann", "B-PER"),)))
    assert not check.has_made("Ann left.")


def test_records_are_made_in_several_threads_as_in_one(blank):
    texts = [
        f"Ann{number} met Bob{number}-{number} at 7:{number:02} in Cape May{number}." for number in range(300)
    ]
    alone = RecordCheck(blank)
    expected = [alone.make(text, [CharSpan(0, text.index(" "), "PER")]) for text in texts]
    check = RecordCheck(spacy.blank("en"))
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda text: check.make(text, [CharSpan(0, text.index(" "), "PER")]), texts)
        assert list(made) == expected
