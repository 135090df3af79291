"""The codec: what goes in comes out, and no bytes do harm."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from autograder.sandbox.codec import AsNumpy, Caps, CodecError, Ref, decode, encode, flatten, restore


def given(*strategies):
    """Without Hypothesis's time limit: other work on the machine is no failure."""
    return lambda test: settings(deadline=None)(given_any(*strategies)(test))


KINDS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", ">f4", ">i8"]
ARRAYS = arrays_of.arrays(
    st.sampled_from(KINDS).map(np.dtype), arrays_of.array_shapes(min_dims=0, min_side=0)
)
STEPS = st.tuples(st.sampled_from(["attribute", "item"]), st.text(max_size=5) | st.integers(0, 9))
REFS = st.builds(Ref, st.integers(0, 2**60), st.lists(STEPS, max_size=3).map(tuple))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ARRAYS | REFS
VALUES = st.recursive(
    LEAVES | ARRAYS.map(AsNumpy),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return (
            type(b) is np.ndarray
            and a.shape == b.shape
            and a.dtype.newbyteorder("<") == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        )
    if isinstance(a, AsNumpy):
        return isinstance(b, AsNumpy) and same(a.array, b.array)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(VALUES)
def test_what_goes_in_comes_out(value):
    assert same(value, decode(encode(value)))


@given(VALUES)
def test_flattened_values_are_restored_from_json(value):
    tree, arrays = flatten(value)
    assert same(value, restore(json.loads(json.dumps(tree)), arrays))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_codec_error(data):
    with contextlib.suppress(CodecError):
        decode(data)


@given(VALUES, st.data())
def test_damaged_messages_are_values_or_codec_errors(value, data):
    message = bytearray(encode(value))
    for _ in range(3):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(message)))
    for damaged in (message, message[:cut]):
        with contextlib.suppress(CodecError):
            decode(damaged)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        pytest.param(10**5000, id="huge integer"),
        1j,
        {1: 2},
        np.array([object()]),
        np.array(["text"]),
        np.float64(1),
        np.zeros(2, "V4"),
    ],
)
def test_other_types_do_not_cross(value):
    with pytest.raises(CodecError):
        encode(value)


def test_a_subclass_crosses_as_a_plain_array():
    assert same(np.arange(3.0), decode(encode(np.arange(3.0).view(np.ma.MaskedArray))))


def test_arrays_from_a_bytearray_are_writable_and_aligned():
    first, second = decode(bytearray(encode([np.zeros(3, "i1"), np.zeros(2)])))
    first[0] = second[1] = 5
    assert second.flags.aligned and second[1] == 5


def message(value, arrays=(), payload=b""):
    header = json.dumps({"arrays": list(arrays), "value": value}).encode()
    return len(header).to_bytes(4, "big") + header + payload


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xff\xff\xff", id="header longer than the message"),
        pytest.param(message({"array": 0}, [["<f8", [2**40]]]), id="huge shape, no bytes"),
        pytest.param(message({"array": 0}, [["<f8", [0, 2**40]]]), id="empty array with a huge axis"),
        pytest.param(
            message({"array": 0}, [["<f8", [2**20, 0, 2**20, 2**20]]]), id="empty, product overflows"
        ),
        pytest.param(message({"array": 0}, [["<f8", [-1]]]), id="negative length"),
        pytest.param(message({"array": 0}, [["<f8", [True]]], b"\0" * 16), id="bool as length"),
        pytest.param(message({"array": 0}, [["<f8", [1.0]]], b"\0" * 16), id="float as length"),
        pytest.param(message({"array": 0}, [["<f8", [1] * 40]], b"\0" * 16), id="too many dimensions"),
        pytest.param(message({"array": 0}, [["|O", [1]]], b"\0" * 16), id="object dtype"),
        pytest.param(message({"array": 0}, [["<U4", [1]]], b"\0" * 16), id="text dtype"),
        pytest.param(message({"array": 0}, [[["<f8"], [1]]], b"\0" * 16), id="dtype that is a list"),
        pytest.param(message({"array": 0}, [["<f8", [2]]], b"\0" * 8), id="cut off"),
        pytest.param(message(1, [], b"more"), id="bytes left over"),
        pytest.param(message({"array": 1}, [["<f8", [1]]], b"\0" * 16), id="no such array"),
        pytest.param(message({"array": -1}, [["<f8", [1]]], b"\0" * 16), id="negative index"),
        pytest.param(message({"pickle": "x"}), id="unknown kind"),
        pytest.param(message({"tuple": 1}), id="tuple of a number"),
        pytest.param(message({}), id="no kind"),
        pytest.param(message({"dict": [[1, 2]]}), id="key that is no text"),
        pytest.param(message({"dict": [["a"]]}), id="pair of one"),
        pytest.param(message({"ref": ["0", []]}), id="reference by text"),
        pytest.param(message({"ref": [0, [["call", "x"]]]}), id="unknown step"),
        pytest.param(message({"ref": [0, [["item", {}]]]}), id="step by an object"),
        pytest.param(message("[" * 10)[:4] + b"[" * 100, id="not JSON"),
    ],
)
def test_malformed_messages_are_refused(data):
    with pytest.raises(CodecError):
        decode(data)


def test_nesting_is_capped_however_deep():
    deep = b'{"arrays":[],"value":' + b"[" * 300_000 + b"]" * 300_000 + b"}"
    with pytest.raises(CodecError):
        decode(len(deep).to_bytes(4, "big") + deep)
    nested = []
    for _ in range(40):
        nested = [nested]
    with pytest.raises(CodecError, match="deep"):
        encode(nested)


def test_a_huge_number_is_refused():
    digits = b'{"arrays":[],"value":' + b"9" * 100_000 + b"}"
    with pytest.raises(CodecError):
        decode(len(digits).to_bytes(4, "big") + digits)


@pytest.mark.parametrize(
    ("value", "caps"),
    [
        (np.zeros(100), Caps(total_bytes=500)),
        ([0] * 20, Caps(items=10)),
        ("x" * 20, Caps(string_chars=10)),
        ({"x" * 20: 1}, Caps(string_chars=10)),
        ([np.zeros(1)] * 20, Caps(arrays=10)),
        (["xxxx"] * 20, Caps(header_bytes=100)),
    ],
)
def test_caps_hold_in_both_directions(value, caps):
    with pytest.raises(CodecError):
        encode(value, caps)
    with pytest.raises(CodecError):
        decode(encode(value), caps)


def test_half_a_surrogate_pair_crosses_as_a_replacement():
    assert decode(encode("a\ud800b")) == "a?b"


@pytest.mark.parametrize("number", [-1, 2**63, 10**3000])
def test_a_reference_that_could_not_be_sent_back_is_refused(number):
    with pytest.raises(CodecError):
        restore({"ref": [number, []]}, [])


@pytest.mark.parametrize("shape", [(2**30, 0), (0, 2**31 - 1), (2**20, 0, 2**10)])
def test_an_empty_array_cannot_grow_when_it_is_summed_or_listed(shape):
    with pytest.raises(CodecError, match="too long"):
        decode(encode(np.empty(shape, np.float32)))
    assert decode(encode(np.empty((0, 1000, 3)))).shape == (0, 1000, 3)
