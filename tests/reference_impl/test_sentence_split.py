"""Splits: what must hold of any, on drawn data."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impl.sentence_split import deduplicate, find_leaks, stratified_split

SENTENCES = st.lists(
    st.tuples(st.sampled_from(["a", "A", "b", "B ", "c", "c ", "d"]), st.sampled_from("xyz"))
)


def own(text):
    return text.strip().lower()


@given(SENTENCES)
def test_what_stays_has_no_copies_and_no_doubts(rows):
    kept, labels = deduplicate([s for s, _ in rows], [label for _, label in rows], own)
    found = {}
    for sentence, label in rows:
        found.setdefault(own(sentence), []).append((sentence, label))
    right = [copies[0] for copies in found.values() if len({label for _, label in copies}) == 1]
    assert list(zip(kept, labels, strict=True)) == right


@settings(deadline=None)
@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=60), st.floats(0, 1), st.integers(0, 99))
def test_the_parts_are_a_partition_with_equal_shares(labels, fraction, seed):
    train, test = stratified_split(labels, fraction, np.random.default_rng(seed))
    assert sorted([*train, *test]) == list(range(len(labels)))
    sizes, taken = Counter(labels), Counter(labels[i] for i in test)
    assert all(taken[label] == round(fraction * size) for label, size in sizes.items())


@given(SENTENCES, SENTENCES)
def test_leaks_are_the_common_texts(train, test):
    train, test = [s for s, _ in train], [s for s, _ in test]
    leaks = find_leaks(train, test, own)
    assert leaks == sorted(leaks)
    assert {own(test[i]) for i in leaks} == {own(s) for s in train} & {own(s) for s in test}
    assert not {own(s) for i, s in enumerate(test) if i not in leaks} & set(map(own, train))
