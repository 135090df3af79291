"""The probe: answers about a namespace, in this process and inside a real kernel."""

import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from jupyter_client.blocking.client import BlockingKernelClient
from tensorflow.python.eager import context as tensorflow_context

from autograder.sandbox.codec import AsNumpy, Ref, decode, encode
from autograder.sandbox.probe import Probe


def name(*steps):
    return Ref(0, tuple(("attribute", step) for step in steps))


def call(probe, function, *args, **kwargs):
    return probe.answer({"op": "call", "target": name(function), "args": list(args), "kwargs": kwargs})


def ask(namespace, function, *args):
    reply = call(Probe(namespace), function, *args)
    assert "value" in reply, reply
    return reply["value"]


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (np.zeros(2), tf.float32),
        (np.zeros(2, np.float32), tf.float32),
        (np.zeros(2, np.float16), tf.float16),
        (np.zeros(2, np.int64), tf.int32),
        (np.zeros(2, np.uint8), tf.int32),
        (np.zeros(2, bool), tf.bool),
        (np.zeros(2, complex), tf.complex64),
        (np.zeros(()), tf.float32),
    ],
)
def test_arrays_arrive_as_tensors(sent, received):
    seen = []
    ask({"f": seen.append}, "f", [sent])
    [[tensor]] = seen
    assert tf.is_tensor(tensor) and tensor.dtype == received and tensor.shape == sent.shape


def test_as_numpy_arrives_as_it_is():
    seen = []
    ask({"f": seen.append}, "f", AsNumpy(np.arange(3, dtype=np.int64)))
    assert type(seen[0]) is np.ndarray and seen[0].dtype == np.int64


def test_other_arguments_arrive_as_they_are():
    seen = []
    ask({"f": seen.append}, "f", {"a": [1, 2.5, None, True, "text", (1,)]})
    assert seen == [{"a": [1, 2.5, None, True, "text", (1,)]}]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (tf.constant([1.0, 2.0]), np.array([1, 2], np.float32)),
        (tf.Variable([1, 2]), np.array([1, 2], np.int32)),
        (keras.Variable([1.0]), np.array([1], np.float32)),
        (tf.constant([1.5], tf.bfloat16), np.array([1.5], np.float32)),
        (np.float64(3), np.array(3.0)),
        (tf.SparseTensor([[1]], [5.0], [3]), np.array([0, 5, 0], np.float32)),
        (np.longdouble(2), np.array(2.0)),
        (tf.ragged.constant([[1], [2, 3]]), [[1], [2, 3]]),
        (tf.constant(["a"]), ["a"]),
        (np.array([{"k": 1}, None]), [{"k": 1}, None]),
        (np.array(["2020-01-01"], "datetime64[D]"), ["2020-01-01"]),
        (tf.TensorShape([None, 2]), (None, 2)),
        (tf.float32, "float32"),
        ({3: (1, [2.0])}, {"3": (1, [2.0])}),
        ({2, 1}, [1, 2]),
        (range(3), [0, 1, 2]),
        (np.True_, True),
    ],
)
def test_results_become_plain(result, expected):
    value = ask({"f": lambda: result}, "f")
    assert type(value) is type(expected)
    if isinstance(expected, np.ndarray):
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)
    else:
        assert value == expected


def test_what_is_no_data_is_kept_and_named():
    probe = Probe({"make": lambda: (1, keras.layers.Dense(2))})
    number, ref = call(probe, "make")["value"]
    units = Ref(ref.number, (("attribute", "units"),))
    assert number == 1 and probe.answer({"op": "get", "target": units}) == {"value": 2}
    probe.answer({"op": "ping", "drop": [ref.number]})
    assert "error" in probe.answer({"op": "get", "target": units})


def test_a_result_that_contains_itself_is_an_error():
    loop = []
    loop.append(loop)
    assert "deep" in call(Probe({"f": lambda: loop}), "f")["error"]["message"]


def notebook(source):
    namespace = {}
    exec(compile(source, "<cell>", "exec"), namespace)
    return Probe(namespace)


@pytest.mark.parametrize(
    ("source", "kind", "type_name"),
    [
        ("f = 1", "raised", "TypeError"),
        ("", "undefined", "_UndefinedNameError"),
        ("def f():\n  raise NotImplementedError()", "unimplemented", "NotImplementedError"),
        ("def f():\n  raise SystemExit(3)", "raised", "SystemExit"),
        ("class E(Exception):\n  def __str__(self): return 1/0\ndef f():\n  raise E()", "raised", "E"),
    ],
)
def test_exceptions_are_described(source, kind, type_name):
    error = call(notebook(source), "f")["error"]
    assert (error["kind"], error["type"]) == (kind, type_name)


def test_the_place_is_the_innermost_line_of_the_notebook():
    source = "import numpy as np\ndef inner(x):\n  return np.reshape(x, (5, 5))\ndef f(x):\n  return inner(x)"
    assert call(notebook(source), "f", 1)["error"]["where"] == "line 3 of the cell, in inner"


class Bare(keras.layers.Layer):
    """A tf.Variable in an attribute, which Keras does not track, beside a weight that it does."""

    def __init__(self):
        super().__init__()
        self.bare = tf.Variable([1.0])
        self.tracked = self.add_weight(shape=(2,), name="tracked")
        self.fixed = self.add_weight(shape=(3,), name="fixed", trainable=False)

    def call(self, x):
        return x * self.bare + keras.ops.sum(self.tracked)


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([1.0, 2.0], name="w")
        self.still = tf.Variable(0.0, trainable=False)


class Plain:
    def __init__(self):
        self.dense = keras.layers.Dense(2)
        self.dense.build((None, 3))
        self.name, self.w = "plain", tf.Variable(1.0)


def described(target):
    reply = Probe({"x": target}).answer({"op": "variables", "target": name("x")})
    return [(entry["value"].shape, entry["trainable"]) for entry in reply["value"]]


def test_variables_are_those_that_keras_tracks():
    assert described(Bare()) == [((2,), True), ((3,), False)]


def test_variables_of_modules_lists_dicts_and_objects():
    module = Module()
    assert sorted(described(module)) == [((), False), ((2,), True)]
    assert described([module.w, {"a": module.w, "b": module.still}]) == [((2,), True), ((), False)]
    assert described(Plain()) == [((3, 2), True), ((2,), True), ((), True)]
    assert described(len) == []


def test_a_frozen_layer_has_no_trainable_variables():
    layer = keras.layers.Dense(2, trainable=False)
    layer.build((None, 3))
    assert [trainable for _, trainable in described(layer)] == [False, False]


def test_assign_in_order_by_index_and_by_path():
    layer = Bare()
    probe = Probe({"x": layer})
    for values in ([np.ones(2), np.ones(3)], {"0": np.full(2, 2.0)}, {layer.fixed.path: np.full(3, 3.0)}):
        assert "value" in probe.answer({"op": "assign", "target": name("x"), "values": values})
    np.testing.assert_array_equal(layer.tracked, [2, 2])
    np.testing.assert_array_equal(layer.fixed, [3, 3, 3])


@pytest.mark.parametrize("values", [[np.ones(2)], [np.ones(1), np.ones(3)], {"7": np.ones(2)}])
def test_weights_that_do_not_fit_are_an_error(values):
    assert "error" in Probe({"x": Bare()}).answer({"op": "assign", "target": name("x"), "values": values})


def vjp(namespace, *args, cotangent, wrt=("variables", "inputs"), of=None):
    request = {"op": "vjp", "target": name("f"), "args": list(args), "kwargs": {}}
    return Probe(namespace).answer({**request, "cotangent": cotangent, "wrt": list(wrt), "of": of})


def test_gradients_by_inputs_and_variables():
    layer = keras.layers.Dense(2)
    x, cotangent = np.random.default_rng(0).normal(size=(2, 4, 3))[:, :, :3], np.eye(4, 2)
    reply = vjp({"f": layer}, x[0], cotangent=[cotangent])["value"]
    kernel = np.asarray(layer.kernel.value)
    np.testing.assert_allclose(reply["inputs"][0], cotangent @ kernel.T, atol=1e-6)
    np.testing.assert_allclose(reply["variables"][0], x[0].T @ cotangent, atol=1e-6)
    np.testing.assert_allclose(reply["variables"][1], cotangent.sum(0), atol=1e-6)


def test_a_cotangent_of_none_leaves_an_output_out():
    reply = vjp({"f": lambda x: (x, 3 * x)}, np.ones(2), cotangent=[None, np.array([1.0, 2.0])])
    np.testing.assert_array_equal(reply["value"]["inputs"][0], [3, 6])


def test_what_does_not_depend_has_no_gradient():
    reply = vjp({"f": lambda x, y: tf.stop_gradient(x) + y}, np.ones(2), np.ones(2), cotangent=[np.ones(2)])
    assert reply["value"]["inputs"][0] is None and reply["value"]["inputs"][1] is not None


def test_gathered_variables_have_dense_gradients():
    table = keras.layers.Embedding(3, 2)
    table.build(())
    reply = vjp({"f": table}, np.array([1, 1]), cotangent=[np.ones((2, 2))])["value"]
    np.testing.assert_array_equal(reply["variables"][0], [[0, 0], [2, 2], [0, 0]])


def test_variables_of_another_object():
    dense = keras.layers.Dense(1)
    reply = vjp(
        {"f": lambda x: dense(x), "d": dense}, np.ones((1, 2)), cotangent=[np.ones((1, 1))], of=name("d")
    )
    assert [gradient.shape for gradient in reply["value"]["variables"]] == [(2, 1), (1,)]


def test_a_cotangent_of_another_shape_names_both_shapes():
    error = vjp({"f": lambda x: x}, np.ones(2), cotangent=[np.ones(3)])["error"]
    assert "(2,)" in error["message"] and "(3,)" in error["message"]


def test_objects_of_libraries_and_given_functions():
    probe = Probe({"f": lambda layer, g, x: layer(g(x))})
    layer = probe.answer({"op": "make", "name": "keras.layers.ReLU", "args": [], "kwargs": {}})["value"]
    given = {"op": "define", "name": "g", "source": "def g(x):\n  return x - c", "values": {"c": np.ones(2)}}
    g = probe.answer(given)["value"]
    np.testing.assert_array_equal(call(probe, "f", layer, g, np.array([0.0, 3.0]))["value"], [0, 2])


def test_take_is_lazy():
    probe = Probe({"f": range(10**12)})
    assert probe.answer({"op": "take", "target": name("f"), "count": 2}) == {"value": [0, 1]}


def test_seeds_make_draws_repeatable():
    probe = Probe({"f": lambda: (np.random.rand(), tf.random.normal([2]), keras.random.normal([2]))})
    draws = []
    for _ in range(2):
        assert probe.answer({"op": "seed", "seed": 2**63 + 5}) == {"value": None}
        draws.append(call(probe, "f")["value"])
    for first, second in zip(*draws, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_new_seed_draws_as_tensorflow_has_it_and_leaves_its_kernels():
    """Forgetting kernels at each check's seed took a third of all time of problem set 1's checks."""
    probe = Probe(
        {"f": lambda: (tf.random.normal([2]), keras.random.normal([2]), tf.nn.dropout(tf.ones(9), 0.5))}
    )
    draws = {}
    for seed in (11, 12):
        with mock.patch.object(tensorflow_context.pywrap_tfe, "TFE_ContextClearCaches") as forget:
            probe.answer({"op": "seed", "seed": seed})
        assert not forget.called
        draws[seed] = call(probe, "f")["value"]
    for seed, drawn in draws.items():
        keras.utils.set_random_seed(seed)
        for first, second in zip(drawn, call(probe, "f")["value"], strict=True):
            np.testing.assert_array_equal(first, second)
    with mock.patch.object(tensorflow_context.pywrap_tfe, "TFE_ContextClearCaches") as forget:
        probe.answer({"op": "seed", "seed": 11})
    assert forget.called, "set again, a seed starts its kernels again"


KERNEL = """
import sys
from ipykernel.kernelapp import IPKernelApp
from autograder.sandbox import probe
app = IPKernelApp.instance(connection_file=sys.argv[1])
app.initialize([])
probe.install(app.shell.user_ns, int(sys.argv[2]))
app.start()
"""


class Kernel:
    """A kernel with the probe installed, a client of it, and the grader's end of the probe's socket."""

    def __init__(self, file):
        self.probe, theirs = socket.socketpair()
        self.probe.settimeout(60)
        with theirs:
            command = [sys.executable, "-c", KERNEL, str(file), str(theirs.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, source):
        reply = self.client.execute_interactive(source, timeout=60)
        assert reply["content"]["status"] == "ok"

    def send(self, request):
        message = encode({"n": 1, **request})
        self.probe.sendall(len(message).to_bytes(8, "big") + message)

    def receive(self):
        length = int.from_bytes(self.probe.recv(8, socket.MSG_WAITALL), "big")
        return decode(self.probe.recv(length, socket.MSG_WAITALL))

    def ask(self, function, *args):
        self.send({"op": "call", "target": name(function), "args": list(args), "kwargs": {}})
        return self.receive()

    def close(self):
        self.client.stop_channels()
        self.process.kill()
        self.process.wait()
        self.probe.close()


@pytest.fixture
def kernel(tmp_path):
    running = Kernel(tmp_path / "connection.json")
    yield running
    running.close()


def test_a_kernel_answers_between_cells_on_its_main_thread(kernel):
    kernel.run("import threading\ncalls = []")
    kernel.run(
        "def f(x):\n    print('loud')\n    calls.append(1)\n    return x + len(calls),"
        " threading.current_thread() is threading.main_thread()"
    )
    assert kernel.ask("f", 1)["value"] == (2, True)
    kernel.run("assert calls == [1]; calls.clear()")
    assert kernel.ask("f", 1)["value"] == (2, True)


def test_an_interrupt_ends_a_loop_and_not_the_kernel(kernel):
    kernel.run("def hang():\n    while True: pass\ndef f(): return 1")
    kernel.send({"op": "call", "target": name("hang"), "args": [], "kwargs": {}})
    time.sleep(0.5)
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.receive()["error"]["type"] == "KeyboardInterrupt"
    kernel.process.send_signal(signal.SIGINT)  # an idle kernel ignores it
    assert kernel.ask("f")["value"] == 1


def test_a_kernel_whose_grader_leaves_goes_on(kernel):
    kernel.run("x = 1")
    kernel.probe.close()
    time.sleep(0.2)
    kernel.run("assert x == 1")
