"""A fine-tuned classifier in a folder: what predicting with it needs, and the record of its training.

This file also ships with the assignment, beside the notebook; there it is imported as `saved_classifier`.
"""

import functools
import json
from pathlib import Path

import numpy as np

try:
    from phrasebank_data import load_saved_encoder, save_encoder, sentence_hash
except ImportError:  # not beside the notebook
    from .phrasebank_data import load_saved_encoder, save_encoder, sentence_hash

__all__ = ["ARTEFACT", "load_classifier", "read_record", "save_classifier"]

ARTEFACT = "artefact"  # a folder beside the notebook


def save_classifier(model, encoder, tokenizer, training_sentences, histories, folder=ARTEFACT):
    """Write configuration, tokenizer, weights in half precision, and the record of the training.

    Args:
        model: the classifier; encoder, tokenizer: what it was built on.
        training_sentences: all that any weight was fitted to. Their hashes are kept, not their texts.
        histories: JSON data by name, for figures: curves, confusion matrices.
    """
    save_encoder(encoder, tokenizer, folder)
    weights = {f"{i:04}": weight.astype("float16") for i, weight in enumerate(model.get_weights())}
    np.savez(Path(folder, "weights.npz"), **weights)
    hashes = sorted({sentence_hash(sentence) for sentence in training_sentences})
    record = {"training_hashes": hashes, "histories": histories}
    Path(folder, "record.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


@functools.cache
def load_classifier(build, folder=ARTEFACT):
    """The model and its tokenizer, from the folder alone: no network, no training. Loaded once.

    Args:
        build: makes the model, with any weights, of an encoder, as it was made for training.
    """
    encoder, tokenizer = load_saved_encoder(folder)
    model = build(encoder)
    with np.load(Path(folder, "weights.npz")) as weights:
        model.set_weights([weights[name].astype("float32") for name in sorted(weights.files)])
    return model, tokenizer


def read_record(folder=ARTEFACT):
    """What `save_classifier` wrote about the training: `training_hashes` and `histories`."""
    return json.loads(Path(folder, "record.json").read_text(encoding="utf-8"))
