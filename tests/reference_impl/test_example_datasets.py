"""The pipeline: order, shares and independence of the two parts, counted."""

import numpy as np

from reference_impl.example_datasets import batched, make_dataset, split_dataset


def numbered(count):
    return make_dataset({"number": np.arange(count)}, np.arange(count) % 3)


def read(dataset):
    return [int(i) for features, _ in dataset for i in np.ravel(features["number"])]


def test_a_dataset_is_its_arrays_in_order():
    rows = [(int(features["number"]), int(label)) for features, label in numbered(8)]
    assert rows == [(i, i % 3) for i in range(8)]


def test_a_split_stays_whatever_is_read_first():
    train, test = split_dataset(numbered(50), 0.2, seed=1)
    parts = [(sorted(read(train)), sorted(read(test))) for _ in range(3)]
    assert parts[0] == parts[1] == parts[2]
    assert sorted(parts[0][0] + parts[0][1]) == list(range(50))
    assert len(parts[0][1]) == 10


def test_every_example_is_as_likely_in_the_test_part():
    counts = np.zeros(20)
    for seed in range(200):
        counts[read(split_dataset(numbered(20), 0.25, seed)[1])] += 1
    assert np.abs(counts - 50).max() < 4.5 * np.sqrt(200 * 0.25 * 0.75)


def test_shuffled_batches_have_every_example_once_and_a_new_order():
    dataset = batched(numbered(23), 5, training=True, seed=0)
    rounds = [read(dataset) for _ in range(2)]
    assert all(sorted(order) == list(range(23)) for order in rounds)
    assert rounds[0] != rounds[1]
    assert read(batched(numbered(23), 5, training=False)) == list(range(23))
    assert [len(label) for _, label in dataset] == [5, 5, 5, 5, 3]
