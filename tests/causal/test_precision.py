from spacy_ner_plus.causal.precision import bf16_gain, choose_precision


def test_precision_is_measured_where_it_isnt_said():
    assert choose_precision("fp32", "cpu") == "fp32"
    assert choose_precision("bf16", "cpu") == "bf16"
    assert choose_precision("auto", "cpu") == ("bf16" if bf16_gain() >= 1.3 else "fp32")
