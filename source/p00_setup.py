# %% [markdown]
# # Week 0: a place to work, the tools, the rules
#
# *No points, nothing to hand in · half an hour to read · runs in under a minute*
#
# Three things cost students more nights than mathematics does: a computer on which the notebook does not
# run, an array of the wrong shape, and a submission that works only on the machine that it was written on.
# Spend half an hour on them now.
#
# 1. Where to work: JupyterHub, Colab or your own computer.
# 2. Is everything there? Cells that look, and tell you how to get what is missing.
# 3. NumPy, TensorFlow and Keras 3 in ten minutes, traps included.
# 4. How problem sets are handed in and marked.

# %% [markdown]
# ## 1. Where to work
#
# | | good for | GPU | mind that |
# |---|---|---|---|
# | **JupyterHub** of the course | everything: assignments arrive and leave with one click | yes, shared | stop your server when you leave, so that somebody else gets the GPU |
# | **Google Colab** | a free GPU and no installation | yes, for some hours | the machine and its files are gone after each session |
# | **your own computer** | working offline; problem sets 1 to 3 need no GPU | if you have one | you install it, you keep it working |
#
# No preference? Take the hub. Problem sets are the same notebook everywhere, and you may change places at any
# time: copy the folder.
#
# <details><summary><b>JupyterHub</b></summary>
#
# 1. Log in at the address that your instructor gave you. If there is a choice of servers, take one without
#    a GPU until a problem set asks for it: it starts faster.
# 2. Menu *Nbgrader → Assignment List → Fetch*. A folder with the name of the assignment appears among
#    your files. Open the notebook in it, and leave the notebook's name as it is.
# 3. *Validate* tells you whether the notebook runs; *Submit* hands in what is **saved**. Submit as often as
#    you like, the last one before the deadline counts.
# 4. *File → Hub Control Panel → Stop My Server* when you are done for the day. Your files stay.
# </details>
#
# <details><summary><b>Google Colab</b></summary>
#
# 1. *File → Upload notebook*. For a GPU: *Runtime → Change runtime type*.
# 2. A problem set is a folder, not only a notebook: `public_checks` must lie where the notebook runs. Drop
#    the zip of the problem set into the *Files* panel on the left and run, in a cell,
#    `!unzip -oq p01_attention.zip` and `!ls`. If that shows a folder `p01_attention` instead of
#    `public_checks`, run `%cd p01_attention` as well.
# 3. Download the notebook (*File → Download*) at the end of every session, or lose it. Delete the cells of
#    step 2 before you submit.
# </details>
#
# <details><summary><b>Your own computer</b></summary>
#
# You need Python 3.11, 3.12 or 3.13. In a terminal:
#
# ```
# python3 -m venv deep-learning
# source deep-learning/bin/activate          # on Windows: deep-learning\Scripts\activate
# pip install tensorflow keras numpy matplotlib pytest jupyterlab
# jupyter lab
# ```
#
# With an NVIDIA GPU, on Linux or in WSL2 under Windows: `pip install "tensorflow[and-cuda]"`. TensorFlow
# uses no GPU directly under Windows, and you need none on a Mac for this course's small models.
# </details>

# %% [markdown]
# ## 2. Is everything there?
#
# Run the five cells of this part and read what the last one says. They change nothing on your computer, and
# they work when something is missing: that is what they are for. The first takes a few seconds,
# because TensorFlow is large. Red lines about oneDNN and CUDA are TensorFlow's way of saying hello.

# %%
import importlib
import os
import re
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # take of a shared GPU only what is needed

missing = {}  # what -> how to get it


def report(what, fine, found, remedy):
    """Print one line of the examination; remember the remedy where something is not fine."""
    print("✔" if fine else "✘", f"{what:<16}", found)
    if fine:
        missing.pop(what, None)
    else:
        missing[what] = remedy


def numbers(version):
    """The leading two numbers of a version, to compare: "3.10.0" -> (3, 10)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def examine_package(name, oldest):
    """Import it, which finds broken installations too, and compare its version."""
    remedy = f"run  %pip install --upgrade {name}  in a cell, then restart the kernel"
    try:
        version = importlib.import_module(name).__version__
    except Exception as error:
        report(name, False, f"{type(error).__name__}: {str(error)[:80]}", remedy)
        return
    report(name, numbers(version) >= numbers(oldest), f"{version} (needed: {oldest} or newer)", remedy)


python = sys.version.split()[0]
found = f"{python} (needed: 3.11 or newer)"
report("python", numbers(python) >= (3, 11), found, "install Python 3.11, 3.12 or 3.13")
NEEDED = {"numpy": "2.0", "matplotlib": "3.8", "tensorflow": "2.19", "keras": "3.10", "pytest": "8.0"}
for name, oldest in NEEDED.items():
    examine_package(name, oldest)

# %% [markdown]
# Memory, disk, and whether you may write in this folder. Problem sets are marked with 4 GiB of memory at
# most; TensorFlow alone takes half of one.

# %%
import shutil
import tempfile
from pathlib import Path


def free_memory():
    """GiB that programs can still get, or None where nobody knows."""
    try:
        import psutil  # part of every Jupyter installation
    except ImportError:
        return None
    return psutil.virtual_memory().available / 2**30


def may_write():
    """Whether a file can be made in this folder."""
    try:
        with tempfile.TemporaryFile(dir="."):
            return True
    except OSError:
        return False


memory, disk = free_memory(), shutil.disk_usage(".").free / 2**30
if memory is not None:
    report("memory", memory > 2, f"{memory:.1f} GiB free", "shut down other kernels and programs")
report("disk", disk > 1, f"{disk:.1f} GiB free", "delete old data sets and checkpoints, empty the bin")
report("write access", may_write(), Path.cwd().name, "copy this folder into your home and open it there")
print("·", f"{'processor':<16}", os.cpu_count(), "cores")

# %% [markdown]
# The GPU, if there is one. None is no fault: everything that is marked also runs on a processor.

# %%
def examine_gpu():
    """Say which GPU TensorFlow uses, or why it uses none."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        report("GPU", True, ", ".join(detail.get("device_name", "one") for detail in details), "")
    elif shutil.which("nvidia-smi"):
        remedy = 'run  %pip install "tensorflow[and-cuda]"  in a cell, then restart the kernel'
        report("GPU", False, "this computer has one, TensorFlow cannot use it", remedy)
    else:
        on_colab = "google.colab" in sys.modules
        where = "Runtime → Change runtime type" if on_colab else "the hub's GPU server, or Colab"
        print("·", f"{'GPU':<16}", "none; if a problem set asks for one:", where)


if "tensorflow" in missing:
    print("· first TensorFlow, then its GPU")
else:
    examine_gpu()

# %% [markdown]
# How fast is it? The product of two matrices of 2048 × 2048 is $2 \cdot 2048^3 \approx 17$ billion
# operations. A laptop does some hundred billion a second, a data center's GPU a hundred times that and
# more.

# %%
def operations_per_second(device, size=2048, repeats=5):
    """Of a float32 matrix product on the device, in billions; the best of some repeats."""
    import time

    import tensorflow as tf

    with tf.device(device):
        matrix = tf.random.normal((size, size))
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            float(tf.linalg.matmul(matrix, matrix)[0, 0])  # reading a number waits for the result
            seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


if "tensorflow" not in missing:
    import tensorflow as tf

    for device in tf.config.list_logical_devices():
        speed = operations_per_second(device.name)
        print("·", f"{device.device_type:<16}", f"{speed:,.0f} billion operations a second")

# %%
if missing:
    print("Still to do:")
    for what, remedy in missing.items():
        print(f"  {what}: {remedy}")
    print("Then restart the kernel and run the cells again. Stuck? Post this output in the forum.")
else:
    print("Everything is there. On to the tools.")

# %% [markdown]
# ## 3. The tools in ten minutes
#
# Before you run a cell, *predict* what it prints. Where you were wrong, you have found tomorrow's bug today.

# %% locked="setup"
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops

keras.utils.set_random_seed(42)
plt.rcParams["figure.constrained_layout.use"] = True

# %% [markdown]
# ### Shapes
#
# Almost every bug in deep learning is a shape that is not the one you think it is. Write the shape beside a
# line that changes it, as all code in this course does.
#
# **Broadcasting** lines up shapes from the right, and stretches axes of length 1. It is wonderful, until it
# hides a mistake. Below, the predictions are *perfect*. What is the error?

# %%
labels = np.array([1.0, 2.0, 3.0, 4.0])  # (4,)
predictions = labels.reshape(-1, 1)  # (4, 1), as a network with one output gives them

print("mean squared error:", np.mean((predictions - labels) ** 2))
print("because the difference has the shape", (predictions - labels).shape)
print("with equal shapes:", np.mean((predictions[:, 0] - labels) ** 2))

# %% [markdown]
# **`reshape` is not `transpose`.** Both turn (2, 3) into (3, 2). Reshape reads the numbers row by row and
# writes them row by row into new rows; transpose moves the axes. In problem set 1 the difference decides
# whether each head sees its own features or a random mixture.

# %%
x = np.array([[1, 2, 3], [10, 20, 30]])  # (2, 3)
print("reshape:  ", x.reshape(3, 2).tolist())
print("transpose:", x.transpose().tolist())

# %% [markdown]
# ### Numbers
#
# NumPy computes in float64, TensorFlow in float32, GPUs like float16. TensorFlow converts nothing behind
# your back: two tensors of different types are an error. `ops.cast(x, "float32")` is the cure.

# %%
single, double = tf.constant([1.0]), tf.constant([1.0], dtype="float64")
try:
    print(single + double)
except tf.errors.InvalidArgumentError as error:
    print("refused:", str(error).split("[")[0])
print("cast:   ", (single + ops.cast(double, "float32")).numpy())
print("largest float16:", np.finfo("float16").max, "· largest float32:", np.finfo("float32").max)

# %% [markdown]
# ### `keras.ops`
#
# NumPy's functions for tensors: they take arrays and tensors, run on a GPU, and let gradients through.
# Two habits to unlearn: tensors cannot be assigned to (`x[0] = 3` fails: use `ops.where`, or stack parts),
# and a NumPy function in the middle of a model cuts the gradient off.

# %%
x = tf.constant([[1.0, -2.0, 3.0]])
print("matmul: ", ops.matmul(x, ops.transpose(x)).numpy())
print("softmax:", ops.softmax(x).numpy().round(2))
print("where:  ", ops.where(x > 0, x, 0.0).numpy())

with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    through_ops = ops.sum(ops.square(x))
    through_numpy = tf.constant(np.sum(np.square(x)))
print("gradient through ops:  ", tape.gradient(through_ops, x).numpy())
print("gradient through NumPy:", tape.gradient(through_numpy, x))

# %% [markdown]
# ### A model
#
# Keras does the rest: layers, a loss, an optimizer, `fit`. Here a network of 97 numbers learns a curve from
# 200 noisy points. Play: 3 units, 300 units, no activation?

# %%
rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, size=(200, 1)).astype("float32")  # (200, 1)
y = np.sin(1.5 * x) + 0.2 * rng.normal(size=x.shape).astype("float32")  # (200, 1)

keras.utils.set_random_seed(42)
model = keras.Sequential(
    [keras.Input((1,)), keras.layers.Dense(32, activation="gelu"), keras.layers.Dense(1)]
)
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
grid = np.linspace(-3, 3, 200, dtype="float32")[:, None]  # (200, 1)
before = model(grid)
history = model.fit(x, y, batch_size=10, epochs=30, verbose=0)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3))
left.scatter(x, y, s=8, color="lightgrey")
left.plot(grid, before, ":", label="before training")
left.plot(grid, model(grid), label="after")
left.legend(frameon=False)
left.set(title="a network learns a curve", xlabel="x")
right.semilogy(history.history["loss"])
right.axhline(0.04, ls=":", color="grey")
right.set(title="loss (dotted: the noise, 0.2²)", xlabel="epoch")
plt.show()

# %% [markdown]
# ### Four traps of Keras 3
#
# Each of them costs a weekend when you meet it unawares: it runs without an error, or fails with one that
# says nothing.
#
# **A bare `tf.Variable` is not trained.** Tutorials for Keras 2 keep a `tf.Variable` in a layer. Keras 3
# does not see it: the optimizer never touches it, and `save` forgets it. Use `self.add_weight`.

# %%
class Scale(keras.layers.Layer):
    """Multiplies its input by one learned number, kept in two ways."""

    def __init__(self, how):
        super().__init__()
        if how == "tf.Variable":
            self.factor = tf.Variable(1.0)
        else:
            self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x):
        return self.factor * x


for how in ("tf.Variable", "add_weight"):
    print(f"{how:<12} trainable weights: {len(Scale(how).trainable_variables)}")

# %% [markdown]
# **`compile` by position.** The third argument used to be `metrics`; now it is `loss_weights`. Name the
# arguments.

# %%
points, targets = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
try:
    small.compile("sgd", "mse", ["mae"])
    small.fit(points, targets, verbose=0)
except Exception as error:
    print("by position:", type(error).__name__, "-", str(error).split("\n")[0])
small.compile(optimizer="sgd", loss="mse", metrics=["mae"])
print("by name:    ", sorted(small.fit(points, targets, verbose=0).history))

# %% [markdown]
# **Freezing needs a new `compile`.** The training step is built once, with the weights that were trainable
# then.

# %%
head = keras.layers.Dense(1)
frozen = keras.layers.Dense(3)
both = keras.Sequential([keras.Input((2,)), frozen, head])
both.compile(optimizer="sgd", loss="mse")
both.fit(points, targets, verbose=0)

frozen.trainable = False
for when in ("without a new compile", "after it"):
    kernel = frozen.get_weights()[0]
    both.fit(points, 5 * targets, verbose=0)
    print(f"{when:<22} the frozen layer moved by {np.abs(frozen.get_weights()[0] - kernel).max():.3f}")
    both.compile(optimizer="sgd", loss="mse")

# %% [markdown]
# **Softmax twice.** Networks of this course return *logits*, the numbers before the softmax, and their
# losses have `from_logits=True`. Forget it, and the network trains, slowly, towards something else.

# %%
logits = np.array([[4.0, 0.0, 0.0]], "float32")  # (1, 3), the right class is 0
probabilities = np.exp(logits) / np.exp(logits).sum()  # its softmax: 0.96, 0.02, 0.02
for from_logits in (True, False):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    of_logits, of_probabilities = (loss(np.array([0]), x).numpy() for x in (logits, probabilities))
    print(f"{from_logits=!s:<7} of logits: {of_logits:.3f}  of probabilities: {of_probabilities:.3f}")

# %% [markdown]
# The two right pairs agree, and the two others mislead: one never gets small, one claims to be perfect.
#
# ## 4. How problem sets are handed in and marked
#
# A program marks your notebook, and people read your answers in words. The program is thorough, patient and
# literal. It copies your folder into an *empty* folder on *another* machine, runs the notebook unchanged from
# top to bottom, and then tries your functions on inputs of its own. From this follow all the rules:
#
# * **Relative paths.** `Data/prices.csv`, never `/home/you/course/Data/prices.csv` nor `C:\Users\…`, for
#   data, folders and your own modules alike. Your home folder does not exist over there.
# * **Everything in one folder.** The notebook under its own name, your modules and small data beside it.
#   If you cannot submit through the hub, hand in that folder as one zip (not rar, not 7z).
# * **Nothing installed on the side.** A package that you added to your environment is not there. There is no
#   internet either.
# * **It must run as a whole.** *Restart kernel and run all* before you submit. Cells that you ran in
#   another order, or deleted after running, leave names behind that only your kernel knows. The last cell
#   prints `Done`, and the program looks for that.
# * **Keep what you were given.** Names, arguments, and the cells that are locked; the program restores the
#   latter anyway. Add cells and helper functions as you like.
# * **Show it.** Print results, label figures, say in a sentence what they mean. A number in a variable is
#   invisible to whoever reads your notebook.
# * **Limits**, unless a problem set says otherwise: 60 seconds a cell, 5 minutes the notebook, 4 GiB of
#   memory, 1 MiB of output a cell.
#
# **What a mark is made of.** Each question has several checks, and each check is about one property
# ("masked weights are zero") and has points of its own. Some checks are public:
# `check("name of the question")` in a cell runs them wherever you are, and says what is wrong in the words
# of the lecture. The others are of the same kind with other inputs. An unfinished question costs its own
# points and no others. After marking you get a report of every check, with what is wrong where one failed.
#
# **Together and alone.** Talk about ideas with anyone, and name them at the top of the notebook. Write code
# and answers yourself, and understand every line that you hand in: you may be asked.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Where to read on
#
# * [Keras 3: getting started](https://keras.io/getting_started/), and its [guides](https://keras.io/guides/): the functional API, custom layers, transfer learning.
# * [NumPy: broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html).
# * [TensorFlow: gradients and automatic differentiation](https://www.tensorflow.org/guide/autodiff).
# * [JupyterLab](https://jupyterlab.readthedocs.io/en/stable/) and [Colab](https://colab.research.google.com/notebooks/intro.ipynb) for newcomers.
