"""From texts to labels: with a model at hand, and with what a submission saved."""

import numpy as np

from reference_impl.fine_tuning import build_classifier
from reference_impl.phrasebank_data import encode
from reference_impl.saved_classifier import load_classifier, read_record


def predict_labels(model, encode_texts, texts, label_names, batch_size=32):
    """The label of each text, as its name.

    Args:
        model: gives logits `(B, C)` for what `encode_texts` gives.
        encode_texts: gives the model's inputs for a list of B texts, B at least 1.
        texts: a list, which may be empty.
        label_names: the C names, in the order of the classes.
        batch_size: the most texts that are encoded at a time.
    Returns: a list with one of `label_names` for each text, in the order of `texts`.
    """
    labels = []
    for start in range(0, len(texts), batch_size):
        logits = model(encode_texts(texts[start : start + batch_size]), training=False)  # (B, C)
        labels += [label_names[i] for i in np.argmax(logits, axis=-1)]
    return labels


def predict(texts):
    """The label of each text, by the model that was saved in `artefact/`.

    The grader calls it with sentences that you have not seen.

    Args:
        texts: a list of sentences.
    Returns: a list of as many names: negative, neutral or positive.
    """
    model, tokenizer = load_classifier(build_classifier)
    names = ["negative", "neutral", "positive"]
    return predict_labels(model, lambda batch: encode(tokenizer, batch), list(texts), names)


def training_hashes():
    """`sentence_hash` of every sentence that any weight of the saved model was fitted to: a list of texts."""
    return read_record()["training_hashes"]
