import io

from spacy_ner_plus.workflows.arguments.texts import TableShape
from spacy_ner_plus.workflows.written_predictions import Layout, Prediction, write_table


def write(predictions, **layout):
    stream = io.StringIO()
    write_table(predictions, stream, Layout(**layout))
    return stream.getvalue()


def test_written_predictions_have_a_cell_for_each_column():
    fields = {"text": "a", "n": 1.5, "list": ["ü"], "ents": []}
    failed = {"text": "b", "ents": None, "masked": None, "error": "no, why"}
    predictions = [Prediction("a", [], "", fields), Prediction("b", None, "no, why", failed)]
    assert write(predictions, masked=True) == (
        'text,n,list,ents,masked,error\na,1.5,"[""ü""]",[],,\nb,,,,,"no, why"\n'
    )


def test_written_predictions_keep_the_delimiter_of_a_table():
    table = TableShape(";", ("text",))
    assert (
        write([Prediction("a", [], "", {"text": "a", "ents": []})], table=table) == "text;ents;error\na;[];\n"
    )
    assert write([], table=table) == "text;ents;error\n"
    assert write([]) == ""
