"""Values on the student's side: what arrives becomes tensors, what leaves becomes plain data.

TensorFlow and Keras are imported when the first array arrives, not before; where TensorFlow is not
installed, arrays stay NumPy arrays.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .codec import AsNumpy, Ref

_MAX_DEPTH = 30
_DTYPE_OF_KIND = {"f": np.float32, "i": np.int32, "u": np.int32, "c": np.complex64}


def to_student(value: Any, resolve: Callable[[Ref], Any], floats: list | None = None) -> Any:
    """The argument that a student's function receives.

    float64 becomes float32, integers int32, float16 and bool stay, all as tensors; `AsNumpy` gives the array.

    Args:
        value: what `codec.decode` gave.
        resolve: gives the object of a reference.
        floats: receives every floating-point tensor, in order, for gradients.
    """
    if isinstance(value, np.ndarray):
        tensor = _tensor(value)
        if floats is not None and value.dtype.kind == "f":
            floats.append(tensor)
        return tensor
    if isinstance(value, AsNumpy):
        return value.array
    if isinstance(value, Ref):
        return resolve(value)
    if isinstance(value, list | tuple):
        return type(value)(to_student(item, resolve, floats) for item in value)
    if isinstance(value, dict):
        return {key: to_student(item, resolve, floats) for key, item in value.items()}
    return value


def to_plain(value: Any, refer: Callable[[Any], Ref], depth: int = 0) -> Any:
    """What crosses to the grader: plain data with arrays, and references for everything else.

    Args:
        value: anything.
        refer: keeps an object and gives its reference.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return value if value is None else bool(value)
    for kind in (int, float, str):
        # NumPy's float64 is a float, its float32 is not: both become arrays of shape ().
        if isinstance(value, kind) and not isinstance(value, np.number):
            return kind(value)
    if depth > _MAX_DEPTH:
        raise ValueError(f"the result is nested more than {_MAX_DEPTH} deep")
    array = as_array(value)
    if array is not None:
        return _plain_array(array, refer, depth)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, tuple):
        return tuple(to_plain(item, refer, depth + 1) for item in value)
    if isinstance(value, list | set | frozenset | range | type({}.keys()) | type({}.values())):
        return [to_plain(item, refer, depth + 1) for item in _ordered(value)]
    if isinstance(value, dict):
        return {str(key): to_plain(item, refer, depth + 1) for key, item in value.items()}
    return _framework_value(value, refer, depth)


def as_array(value: Any) -> np.ndarray | None:
    """The array in a NumPy, TensorFlow or Keras value, or None for anything else and for symbolic tensors."""
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    tf, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    if keras is not None and isinstance(value, keras.Variable):
        return np.asarray(value.value)
    if tf is None:
        return None
    if isinstance(value, tf.Variable) or (isinstance(value, tf.Tensor) and hasattr(value, "numpy")):
        return np.asarray(value.numpy())
    if isinstance(value, tf.SparseTensor):
        return np.asarray(tf.sparse.to_dense(value).numpy())
    if isinstance(value, tf.IndexedSlices):
        return np.asarray(tf.convert_to_tensor(value).numpy())
    return None


def _tensor(array: np.ndarray) -> Any:
    dtype = array.dtype if array.dtype == np.float16 else _DTYPE_OF_KIND.get(array.dtype.kind, array.dtype)
    array = array.astype(dtype)  # always a copy: the message's buffer is not the student's to keep
    try:
        import tensorflow as tf
    except ImportError:
        return array
    return tf.constant(array)


def _plain_array(array: np.ndarray, refer: Callable[[Any], Ref], depth: int) -> Any:
    kind = array.dtype.kind
    if kind in "biuc" or (kind == "f" and array.dtype.itemsize <= 8):
        return array if array.dtype != np.clongdouble else array.astype(np.complex128)
    if kind == "f":
        return array.astype(np.float64)
    if kind == "V" and array.dtype.fields is None:  # bfloat16 and its like
        return array.astype(np.float32)
    if kind in "mM":
        return array.astype(str).tolist()
    return to_plain(array.tolist(), refer, depth + 1)


def _ordered(values: Iterable) -> Iterable:
    """Sets have no order of their own: give them one where their items allow it."""
    if isinstance(values, set | frozenset):
        try:
            return sorted(values)
        except TypeError:
            return values
    return values


def _framework_value(value: Any, refer: Callable[[Any], Ref], depth: int) -> Any:
    tf = sys.modules.get("tensorflow")
    if tf is not None:
        if isinstance(value, tf.RaggedTensor):
            return to_plain(value.to_list(), refer, depth + 1)
        if isinstance(value, tf.TensorShape):
            return tuple(value.as_list()) if value.rank is not None else None
        if isinstance(value, tf.DType):
            return value.name
    return refer(value)
