import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.streaming import annotate_stream


@pytest.fixture
def run(nlp):
    """Run a stream of texts through a component that notes in what order it works."""

    def run(texts, *, ahead=0, bad=(), error=ValueError, late=False):
        log, failed = [], []

        def start(docs):
            log.append(f"start {docs[0].text}")
            if not late and any(doc.text in bad for doc in docs):
                raise error("start")

            def result():
                if late and any(doc.text in bad for doc in docs):
                    raise error("result")
                log.append(f"result {docs[0].text}")
                return [doc.text.upper() for doc in docs]

            return result

        def write(docs, results):
            for doc, found in zip(docs, results, strict=True):
                doc.user_data["result"] = found

        stream = annotate_stream(
            (nlp.make_doc(text) for text in texts),
            batch_size=2,
            start=start,
            write=write,
            fail=lambda docs, error: failed.extend(doc.text for doc in docs),
            ahead=ahead,
        )
        return [(doc.text, doc.user_data["result"]) for doc in stream], failed, log

    return run


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_streaming_keeps_order(run, ahead):
    docs, failed, _ = run("abcdefg", ahead=ahead)
    assert docs == [(text, text.upper()) for text in "abcdefg"]
    assert not failed


def test_streaming_begins_the_next_batch_before_it_waits(run):
    _, _, log = run("abcdef", ahead=1)
    assert log == ["start a", "start c", "result a", "start e", "result c", "result e"]
    _, _, log = run("abcdef", ahead=0)
    assert log == ["start a", "result a", "start c", "result c", "start e", "result e"]


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("late", [False, True])
def test_streaming_loses_the_failing_doc_alone(run, ahead, late):
    docs, failed, _ = run("abcdefg", ahead=ahead, bad=("d",), late=late)
    assert [text for text, _ in docs] == list("abcefg")
    assert failed == ["d"]


@pytest.mark.parametrize("late", [False, True])
def test_streaming_hands_no_user_s_mistake_to_the_error_handler(run, late):
    with pytest.raises(UserError):
        run("abc", bad=("c",), error=UserError, late=late)
