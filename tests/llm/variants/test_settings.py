import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.variants.settings import Variant, VariantSampling, read_variants


def test_variants_change_what_they_give():
    variant = Variant.of({"name": "b", "model": {"name": "m"}, "samples": 3, "chunk_overlap": 0})
    assert variant.weight == 1.0
    assert variant.changes() == {"model": {"name": "m"}, "samples": 3, "chunk_overlap": 0}


@pytest.mark.parametrize(
    ("given", "sampling", "message"),
    [
        ([{"weight": 1}], {}, "E810.*lacks `name`"),
        ([{"name": "a", "labels": ["PER"]}], {}, "E810.*has `labels`.*It takes: name, weight"),
        ([{"name": " "}], {}, "E810.*empty"),
        ([{"name": "a "}], {}, "E810.*white space around it, 'a '"),
        (["a"], {}, "E810.*is 'a'"),
        (None, {"strategy": "adaptive"}, "E925.*'adaptive'"),
        (None, {"variant": "b"}, "E925.*'b'"),
        ([{"name": "a", "weight": -1}], {}, r"E240.*variants\.weight.*0 or more"),
        ([{"name": "a", "samples": "3"}], {}, r"E240.*variants\.samples.*whole number"),
        ([{"name": "a"}, {"name": "a"}], {}, "E812.*'a'"),
        ([{"name": "a"}], {"strategy": "best"}, r"E240.*variant_sampling\.strategy.*adaptive"),
        ([{"name": "a"}], {"every": 1}, "E811.*`every`"),
        ([{"name": "a"}], {"strategy": "pinned"}, "E813.*pins nothing"),
        ([{"name": "a"}], {"strategy": "pinned", "variant": "b"}, "E813.*'b'.*one of: a"),
        ([], {}, "E814"),
        ([{"name": "a", "weight": 0}], {}, "E814"),
        ([{"name": name} for name in "abc"], {"strategy": "adaptive", "floor": 0.4}, "E815.*3 variants"),
    ],
)
def test_variants_that_can_not_be_are_refused(given, sampling, message):
    with pytest.raises(UserError, match=message):
        read_variants(given, VariantSampling.of(sampling))


def test_variants_may_all_have_the_floor():
    assert (
        len(
            read_variants(
                [{"name": str(n)} for n in range(3)], VariantSampling(strategy="adaptive", floor=1 / 3)
            )
        )
        == 3
    )
    assert read_variants(None, VariantSampling()) == ()
