"""Our tagger with an adapter: what is trained, what predicts, and what becomes of copies and of what is saved."""

import copy
import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.inputs.tensors import to_tensors
from spacy_ner_plus.models.network.lora import merged_encoder
from tests.conftest import TEXTS, make_docs, make_examples, make_pipeline, train
from tests.encoders import save_family

pytest.importorskip("peft")

FAMILIES = ("bert", "roberta", "distilbert")
# Each in the slow suite, one in every run.
EACH = [FAMILIES[2], *(pytest.param(kind, marks=pytest.mark.slow) for kind in FAMILIES[:2])]
LORA = {"r": 4, "dropout": 0.1}
MODEL = "components.transformer_ner.model"


def scorer_of(nlp):
    return nlp.get_pipe("transformer_ner").token_scorer


def tagger_of(nlp):
    return scorer_of(nlp).tagger


def scores_of(nlp) -> np.ndarray:
    return scorer_of(nlp).score(make_docs(nlp.vocab)).data


def adapted_pipeline(base, steps=30, **settings):
    lora = settings.pop("lora", LORA)
    nlp = make_pipeline(base, model={"lora": lora, **settings.pop("model", {})}, **settings)
    train(nlp, steps=steps, rate=1e-3)
    return nlp


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {kind: save_family(kind, folder / kind) for kind in FAMILIES}


@pytest.fixture(scope="module")
def folders(bases, tmp_path_factory):
    """Pipelines of each family, saved in both ways."""
    folder = tmp_path_factory.mktemp("adapted")
    for kind in FAMILIES:
        nlp = adapted_pipeline(bases[kind])
        np.save(folder / f"{kind}.npy", scores_of(nlp))
        nlp.to_disk(folder / f"{kind}-merged")
        save_adapter(nlp, folder / f"{kind}-adapter")
    return folder


def save_adapter(nlp, folder):
    tagger = tagger_of(nlp)
    tagger.settings = replace(tagger.settings, lora={**LORA, "save": "adapter"})
    nlp.config["components"]["transformer_ner"]["model"]["lora"]["save"] = "adapter"
    nlp.to_disk(folder)


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def by_bytes(nlp):
    return spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())


# What is trained


@pytest.mark.parametrize("kind", EACH)
def test_adapted_tagger_learns_by_its_adapter_and_head_alone(bases, kind):
    nlp = make_pipeline(bases[kind], model={"lora": LORA})
    network = tagger_of(nlp).network
    before = {name: weight.clone() for name, weight in network.plain_state().items()}
    history = train(nlp, steps=40, rate=1e-3)
    assert history[-1] < 0.5 * history[0]
    changed = {
        name.split(".")[0] for name, w in network.plain_state().items() if not torch.equal(w, before[name])
    }
    assert changed <= {"head", "cases", "lines"}
    assert "head" in changed
    assert all(part.up.any() for part in network.adapter.values())


def test_adapted_tagger_has_rates_of_its_own_for_adapter_and_head(bases):
    lora = {**LORA, "rate_factor": 4.0}
    nlp = make_pipeline(bases["bert"], model={"lora": lora, "head_rate_factor": 20.0})
    train(nlp, steps=1, rate=1e-4)
    rates: dict[float, int] = {}
    for group in tagger_of(nlp)._optimizer.param_groups:
        rate = round(group["lr"], 6)
        rates[rate] = rates.get(rate, 0) + sum(weight.numel() for weight in group["params"])
    network = tagger_of(nlp).network
    of_adapter = sum(part.down.numel() + part.up.numel() for part in network.adapter.values())
    assert rates == {0.0004: of_adapter, 0.002: sum(w.numel() for w in network.head_parameters())}


def test_adapted_tagger_leaves_frozen_layers_as_they_are(bases):
    nlp = adapted_pipeline(bases["roberta"], steps=1, model={"frozen_layers": 1})
    assert {name.split(".")[2] for name in tagger_of(nlp).network.adapter} == {"1"}


def test_adapted_tagger_says_that_peft_is_missing_when_it_is_initialized(bases, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UserError, match=r"peft.*spacy-ner-plus\[lora\]"):
        make_pipeline(bases["bert"], model={"lora": LORA})


def test_adapted_tagger_learns_the_same_by_the_same_seed(bases):
    one, other = (adapted_pipeline(bases["bert"], steps=3) for _ in range(2))
    assert np.array_equal(scores_of(one), scores_of(other))


def test_adapted_tagger_takes_new_labels_and_goes_on_after_resume_training(bases, folders):
    nlp = spacy.load(folders / "bert-adapter")
    before = scores_of(nlp)
    sgd = nlp.resume_training()
    pipe = nlp.get_pipe("transformer_ner")
    pipe.add_label("PRODUCT")
    columns = [0, *range(1, 4), *range(5, 8)]
    assert np.allclose(scores_of(nlp)[:, columns], before, atol=1e-5)
    base = {name: w.clone() for name, w in tagger_of(nlp).network.plain_state().items()}
    adapter = {name: part.to("cpu") for name, part in tagger_of(nlp).network.adapter.items()}
    examples = make_examples(nlp)
    for _ in range(2):
        nlp.update(examples, sgd=sgd)
        losses = nlp.rehearse(examples, sgd=sgd)
    assert losses["transformer_ner"] > 0
    network = tagger_of(nlp).network
    assert all(torch.equal(w, base[n]) for n, w in network.plain_state().items() if n.startswith("encoder."))
    assert all(not torch.equal(part.up, adapter[name].up) for name, part in network.adapter.items())


@pytest.mark.parametrize("targets", [["nowhere"], "all-linear"])
def test_adapted_tagger_that_cannot_be_made_leaves_the_network_that_was_there(bases, targets):
    nlp = adapted_pipeline(bases["distilbert"], steps=1)
    before, tagger = scores_of(nlp), tagger_of(nlp)
    tagger.settings = replace(
        tagger.settings, lora={"r": 4 if targets == ["nowhere"] else 99, "targets": targets}
    )
    with pytest.raises(UserError, match=r"E910|E956"):
        nlp.initialize(lambda: make_examples(nlp))
    assert np.array_equal(scores_of(nlp), before)


@pytest.mark.parametrize("lora", [{"lora.r": 0}, {"lora": None}])
def test_adapted_tagger_is_trained_whole_where_the_settings_have_no_adapter(folders, tmp_path, lora):
    config = {f"{MODEL}.{name}": value for name, value in lora.items()}
    nlp = spacy.load(folders / "distilbert-adapter", config=config)
    assert np.abs(scores_of(nlp) - np.load(folders / "distilbert.npy")).max() < 1e-4
    before = {name: weight.clone() for name, weight in tagger_of(nlp).network.state_dict().items()}
    train(nlp, steps=1, rate=1e-3)
    after = tagger_of(nlp).network.state_dict()
    assert after.keys() == before.keys()
    assert not torch.equal(
        after["encoder.transformer.layer.0.ffn.lin1.weight"],
        before["encoder.transformer.layer.0.ffn.lin1.weight"],
    )


def test_adapted_tagger_says_that_an_adapter_stays_as_it_was_trained(folders):
    config = {f"{MODEL}.lora.r": 8, f"{MODEL}.lora.alpha": 32}
    with pytest.warns(UserWarning, match=r"W956.*r is 4, not 8; alpha is 16, not 32"):
        nlp = spacy.load(folders / "distilbert-adapter", config=config)
    train(nlp, steps=1, rate=1e-3)
    assert {len(part.down) for part in tagger_of(nlp).network.adapter.values()} == {4}


def test_adapted_tagger_freezes_layers_that_were_not_frozen_before(folders):
    nlp = spacy.load(folders / "distilbert-adapter", config={f"{MODEL}.frozen_layers": 1})
    before = {name: part.to("cpu") for name, part in tagger_of(nlp).network.adapter.items()}
    train(nlp, steps=2, rate=1e-3)
    changed = {
        name.split(".")[2]
        for name, part in tagger_of(nlp).network.adapter.items()
        if not torch.equal(part.up, before[name].up)
    }
    assert changed == {"1"}


# What predicts: whatever computes it, the adapter is in it


@pytest.fixture(scope="module")
def adapted(bases):
    return {kind: adapted_pipeline(bases[kind]) for kind in FAMILIES}


def run(nlp, network) -> np.ndarray:
    """Scores of the little corpus by a network of one's own."""
    docs = make_docs(nlp.vocab)
    found = np.zeros((sum(map(len, docs)), network.head_size), dtype=np.float32)
    with torch.no_grad():
        for batch in tagger_of(nlp).micro_batches(docs):
            found[batch.tokens] = network(*to_tensors(batch, torch.device("cpu"))).numpy()
    return found


def unpacked_scores(nlp) -> np.ndarray:
    """By the layers that are trained, with peft's modules in them."""
    return run(nlp, tagger_of(nlp).network.eval())


def scores_without_adapter(nlp) -> np.ndarray:
    network = tagger_of(nlp).network
    base = copy.copy(network)
    base._modules = dict(network._modules)
    base.encoder = merged_encoder(network.encoder, {})
    base.layers = None
    return run(nlp, base.eval())


RUNTIMES = [
    ({"precision": "fp32"}, 1e-4),
    ({"precision": "bf16"}, 0.2),
    ({"precision": "int8"}, 0.3),
    ({"device": "openvino", "precision": "fp32"}, 1e-3),
    ({"device": "openvino", "precision": "bf16"}, 0.2),
]


@pytest.mark.parametrize(("runtime", "far"), RUNTIMES, ids=lambda value: str(value))
@pytest.mark.parametrize("kind", EACH)
def test_adapted_tagger_predicts_with_its_adapter_by_each_runtime(adapted, kind, runtime, far):
    if runtime.get("device") == "openvino":
        pytest.importorskip("openvino")
    nlp = adapted[kind]
    expected = unpacked_scores(nlp)
    tagger = tagger_of(nlp)
    try:
        tagger.configure(runtime.get("device", "cpu"), runtime["precision"])
        found = scores_of(nlp)
    finally:
        tagger.configure("cpu", "fp32")
    assert np.abs(found - expected).max() < far * max(1.0, np.abs(expected).max())
    # What would be predicted without the adapter lies much farther away.
    assert np.abs(scores_without_adapter(nlp) - expected).max() > 4 * far


@pytest.mark.parametrize("by_transformers", [False, True])
def test_adapted_tagger_predicts_with_its_adapter_by_layers_that_are_not_packed(
    adapted, by_transformers, monkeypatch
):
    nlp = copy.deepcopy(adapted["distilbert"])
    expected = unpacked_scores(adapted["distilbert"])
    if by_transformers:
        tagger_of(nlp)._place()
        tagger_of(nlp)._placement = replace(tagger_of(nlp)._placement, own_layers=False)
    else:
        monkeypatch.setattr("spacy_ner_plus.models.network.bert_layers._can_pack", lambda dtype: False)
    assert np.abs(scores_of(nlp) - expected).max() < 1e-4


def test_adapted_tagger_predicts_in_eight_bits_by_torch_with_its_adapter(adapted, monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.models.runtime.placement.computes_int8", lambda: False)
    nlp = copy.deepcopy(adapted["roberta"])
    tagger_of(nlp).configure("cpu", "int8")
    assert np.abs(scores_of(nlp) - unpacked_scores(adapted["roberta"])).max() < 0.5


def test_adapted_tagger_refuses_to_run_without_the_adapter_that_it_read(folders):
    nlp = spacy.load(folders / "bert-adapter")
    network = tagger_of(nlp).network
    with pytest.raises(RuntimeError, match="neither merged nor injected"):
        run(nlp, network)


# Copies, and what is saved


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled, by_bytes])
@pytest.mark.parametrize("kind", EACH)
def test_adapted_tagger_is_the_same_in_copies_which_learn_for_themselves(adapted, kind, copied):
    nlp = adapted[kind]
    expected = scores_of(nlp)
    other = copied(nlp)
    assert np.abs(scores_of(other) - expected).max() < 1e-5
    train(other, steps=2, rate=1e-2)
    assert np.abs(scores_of(other) - expected).max() > 1e-3
    assert np.array_equal(scores_of(nlp), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_adapted_tagger_goes_on_in_a_copy_as_it_would_itself(adapted, copied):
    nlp = adapted["bert"]
    other = copied(copied(nlp))
    for one in (nlp, other):
        tagger_of(one)._optimizer = None
    torch.manual_seed(5)
    again = train(other, steps=3)
    torch.manual_seed(5)
    assert train(copied(nlp), steps=3) == pytest.approx(again, rel=1e-5)


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("lora", [{"r": 2}, {"r": 0}])
def test_tagger_notes_how_many_numbers_were_trained(bases, tmp_path, lora, frozen):
    nlp = make_pipeline(bases["distilbert"], model={"lora": lora, "frozen_layers": frozen})
    path = tmp_path / "saved"
    nlp.to_disk(path)
    note = path / "transformer_ner/model/tagger.json"
    assert "trained_parameters" not in json.loads(note.read_text())
    train(nlp, steps=1)
    expected = sum(w.numel() for w in tagger_of(nlp).network.parameters() if w.requires_grad)
    whole = sum(w.numel() for w in tagger_of(nlp).network.parameters())
    assert expected < whole if frozen or lora["r"] else expected == whole
    for _ in range(2):
        pickled(nlp).to_disk(path)
        assert json.loads(note.read_text())["trained_parameters"] == expected
        nlp = spacy.load(path)


@pytest.mark.parametrize("saved", ["merged", "adapter"])
@pytest.mark.parametrize("kind", EACH)
def test_adapted_tagger_is_the_same_when_it_is_loaded(folders, kind, saved):
    expected = np.load(folders / f"{kind}.npy")
    nlp = spacy.load(folders / f"{kind}-{saved}")
    assert np.abs(scores_of(nlp) - expected).max() < 1e-4
    again = by_bytes(nlp)
    assert np.abs(scores_of(again) - expected).max() < 1e-4


@pytest.mark.slow
def test_adapted_tagger_is_loaded_and_predicts_without_peft(folders):
    program = (
        "import sys; sys.modules['peft'] = None\n"
        "import numpy as np, spacy\n"
        "for saved in ('merged', 'adapter'):\n"
        f"    nlp = spacy.load({str(folders / 'bert-')!r} + saved)\n"
        "    words = [spacy.tokens.Doc(nlp.vocab, words=t.split()) for t in " + repr(TEXTS) + "]\n"
        "    found = nlp.get_pipe('transformer_ner').token_scorer.score(words).data\n"
        f"    assert np.abs(found - np.load({str(folders / 'bert.npy')!r})).max() < 1e-4\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_adapted_tagger_saves_the_adapter_as_peft_reads_it(folders, bases):
    from peft import PeftModel
    from transformers import AutoModel

    folder = folders / "roberta-adapter" / "transformer_ner" / "model"
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert size < 0.5 * (folders / "roberta-merged/transformer_ner/model/model.safetensors").stat().st_size
    network = tagger_of(spacy.load(folders / "roberta-adapter")).network
    theirs = PeftModel.from_pretrained(AutoModel.from_pretrained(bases["roberta"]), folder).merge_and_unload()
    ours = network.merged().encoder.state_dict()
    state = theirs.state_dict()
    assert all(torch.allclose(weight, state[name], atol=1e-6) for name, weight in ours.items())


def test_adapted_tagger_that_was_merged_can_be_trained_on_by_a_new_adapter(folders):
    nlp = spacy.load(folders / "bert-merged")
    before = scores_of(nlp)
    assert tagger_of(nlp).network.adapter is None
    train(nlp, steps=3, rate=1e-3)
    assert len(tagger_of(nlp).network.adapter) == 12
    assert np.abs(scores_of(nlp) - before).max() > 0.01


def test_adapted_tagger_on_a_merged_encoder_is_saved_merged_and_says_so(folders, tmp_path):
    config = {f"{MODEL}.lora.save": "adapter"}
    nlp = spacy.load(folders / "bert-merged", config=config)
    train(nlp, steps=3, rate=1e-3)
    with pytest.warns(UserWarning, match="W386"):
        nlp.to_disk(tmp_path / "again")
    assert not (tmp_path / "again/transformer_ner/model/adapter_config.json").exists()
    assert np.abs(scores_of(spacy.load(tmp_path / "again")) - scores_of(nlp)).max() < 1e-4


def moved(folders, tmp_path, base):
    """The pipeline with its adapter on a machine where its base's name means another folder."""
    folder = tmp_path / "moved"
    spacy.load(folders / "bert-adapter").to_disk(folder)
    path = folder / "transformer_ner/model/adapter_base.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": str(base)}), encoding="utf8")
    config = folder / "config.cfg"
    loaded = spacy.util.load_config(config)
    loaded["components"]["transformer_ner"]["model"]["encoder"] = str(base)
    loaded.to_disk(config)
    return folder


def test_adapted_tagger_says_that_its_base_is_absent(folders, bases, tmp_path):
    folder = moved(folders, tmp_path, tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"E913.*nowhere.*model\.encoder") as caught:
        spacy.load(folder)
    assert len(str(caught.value).splitlines()) == 1
    assert "there is no such folder" in str(caught.value)
    # As the message says.
    nlp = spacy.load(folder, config={f"{MODEL}.encoder": bases["bert"]})
    assert np.abs(scores_of(nlp) - np.load(folders / "bert.npy")).max() < 1e-4


def test_adapted_tagger_from_bytes_says_that_its_base_is_absent(folders, bases, tmp_path):
    nlp = spacy.load(folders / "bert-adapter")
    content = nlp.to_bytes()
    nlp.config["components"]["transformer_ner"]["model"]["encoder"] = str(tmp_path / "nowhere")
    other = spacy.blank("en").from_config(nlp.config)
    hidden = shutil.move(bases["bert"], tmp_path / "hidden")
    try:
        with pytest.raises(UserError, match=r"E913.*in 'bytes of a pipeline'"):
            other.from_bytes(content)
    finally:
        shutil.move(hidden, bases["bert"])


def test_adapted_tagger_on_a_base_of_the_hub_asks_no_network_for_it(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    folder = moved(folders, tmp_path, "owner/model")
    with pytest.raises(
        UserError, match=r"E913.*'owner/model'.*isn't in the hub's cache, and no network is asked"
    ):
        spacy.load(folder)


def test_adapted_tagger_says_that_its_base_has_other_weights(folders, bases, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(bases["bert"], other)
    weights = load_file(other / "model.safetensors")
    name = next(name for name in weights if name.endswith("query.weight"))
    weights[name][0, 0] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"E914.*other.*model\.encoder"):
        spacy.load(moved(folders, tmp_path, other))


def test_adapted_tagger_with_a_broken_adapter_is_refused(folders, tmp_path):
    folder = tmp_path / "broken"
    spacy.load(folders / "bert-adapter").to_disk(folder)
    path = folder / "transformer_ner/model/adapter_model.safetensors"
    state = load_file(path)
    state.pop(next(iter(state)))
    save_file(state, path)
    with pytest.raises(UserError, match=r"E222.*adapter"):
        spacy.load(folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("use_rslora", True), ("rank_pattern", {"query": 2}), ("modules_to_save", ["embeddings"])],
)
def test_adapted_tagger_refuses_what_peft_saved_otherwise(folders, tmp_path, setting, value):
    folder = tmp_path / "other"
    spacy.load(folders / "bert-adapter").to_disk(folder)
    path = folder / "transformer_ner/model/adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), setting: value}), encoding="utf8")
    with pytest.raises(UserError, match=rf"E222.*{setting}"):
        spacy.load(folder)


def test_adapted_tagger_refuses_an_adapter_of_another_encoder(folders, tmp_path):
    folder = tmp_path / "other"
    spacy.load(folders / "bert-adapter").to_disk(folder)
    other = folders / "distilbert-adapter/transformer_ner/model/adapter_model.safetensors"
    shutil.copy(other, folder / "transformer_ner/model")
    with pytest.raises(UserError, match=r"E222.*no linear layer transformer.layer.0"):
        spacy.load(folder)


@pytest.mark.parametrize("config", [{f"{MODEL}.lora.save": "merged"}, {f"{MODEL}.lora.r": 0}])
def test_adapted_tagger_leaves_nothing_of_what_was_saved_in_its_folder_before(folders, tmp_path, config):
    """An adapter that stays would be read with the weights that it is merged into already."""
    spacy.load(folders / "distilbert-adapter").to_disk(tmp_path / "saved")
    nlp = spacy.load(folders / "distilbert-adapter", config=config)
    train(nlp, steps=1, rate=1e-3)
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved/transformer_ner/model").glob("adapter*"))
    assert np.abs(scores_of(spacy.load(tmp_path / "saved")) - scores_of(nlp)).max() < 1e-4


def test_adapted_tagger_beside_all_weights_of_another_network_is_refused(folders, tmp_path):
    spacy.load(folders / "distilbert-merged").to_disk(tmp_path / "saved")
    for path in (folders / "distilbert-adapter/transformer_ner/model").glob("adapter*"):
        shutil.copy(path, tmp_path / "saved/transformer_ner/model")
    with pytest.raises(UserError, match=r"E222.*adapter_model.safetensors.*delete"):
        spacy.load(tmp_path / "saved")


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["merged", "adapter"])
def test_adapted_tagger_predicts_in_two_processes(folders, saved):
    nlp = spacy.load(folders / f"distilbert-{saved}")
    expected = [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    assert any(expected)
    found = [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)]
    assert found == expected
