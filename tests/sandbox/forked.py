"""Calls a function in a forked child, for what a process does to itself for good."""

import json
import os
import traceback


def in_child(function, *arguments):
    """What `function` returned, as JSON has it. Raises: AssertionError with the child's traceback."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = {"returned": function(*arguments)}
        except BaseException:
            said = {"raised": traceback.format_exc()}
        os.write(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = json.loads(pipe.read() or b'{"raised": "the child said nothing"}')
    os.waitpid(pid, 0)
    assert "returned" in said, said["raised"]
    return said["returned"]
