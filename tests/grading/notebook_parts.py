"""Pieces of submitted notebooks: plain ones, and strategies for hostile ones."""

import json

from hypothesis import strategies as st


def as_bytes(*cells, **top):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | top
    ).encode()


def code(source, **more):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": 1} | more


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
cell_like = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "source": st.text() | st.lists(st.text(), max_size=3) | json_values,
        "input": json_values,
        "level": json_values,
        "metadata": json_values | st.fixed_dictionaries({"nbgrader": json_values}),
        "attachments": json_values
        | st.dictionaries(st.text(), st.dictionaries(st.just("image/png"), json_values)),
        "outputs": json_values,
        "id": json_values,
    },
)
