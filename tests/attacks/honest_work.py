"""What honest notebooks do. Each returns something true if it worked. Standard library only."""

import asyncio
import ctypes
import multiprocessing
import os
import pty
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import zoneinfo
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory
from pathlib import Path

forking = multiprocessing.get_context("fork")


def double(number):
    return 2 * number


def write_and_read_files(world):
    Path("folder").mkdir()
    Path("folder/data.txt").write_text("data")
    shutil.copy2("folder/data.txt", "copy.txt")
    Path("copy.txt").rename("folder/moved.txt")
    shutil.rmtree("folder")
    return os.getcwd() == world["work"] and not os.listdir()


def write_to_the_home_folder(world):
    Path("~/.cache").expanduser().mkdir()
    return Path("~/.cache/file").expanduser().write_text("x")


def use_temporary_files(world):
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        return file.write(b"x") and os.path.isdir(folder)


def use_devices(world):
    subprocess.run(["true"], stdout=subprocess.DEVNULL, check=True)
    with (
        open("/dev/urandom", "rb") as random,
        open("/dev/zero", "rb") as zero,
        open("/dev/null", "w") as null,
    ):
        return len(random.read(8) + zero.read(8)) + null.write("x")


def run_programs(world):
    return (
        subprocess.run("echo one | tr a-z A-Z", shell=True, capture_output=True, text=True).stdout == "ONE\n"
    )


def run_python(world):
    script = "import json, ssl, sqlite3, zoneinfo; print(1)"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout


def run_on_a_terminal(world):
    """As IPython's `!command` does."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("echo", ["echo", "hello"])
    said = os.read(terminal, 100)
    os.waitpid(pid, 0)
    return said == b"hello\r\n"


def run_asynchronously(world):
    async def work():
        process = await asyncio.create_subprocess_exec("echo", "hello", stdout=-1)
        return (await process.communicate())[0]

    return asyncio.run(work()) == b"hello\n"


def use_threads(world):
    threads = [threading.Thread(target=double, args=(1,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(double, [1, 2])) == [2, 4]


def use_processes(world):
    with ProcessPoolExecutor(2, mp_context=forking) as pool:
        return list(pool.map(double, [1, 2])) == [2, 4]


def use_a_queue_between_processes(world):
    queue = forking.Queue()
    process = forking.Process(target=queue.put, args=(3,))
    process.start()
    said = queue.get(timeout=5)
    process.join()
    return said


def use_a_manager_process(world):
    with forking.Manager() as manager:
        shared = manager.dict(a=1)
        return shared["a"]


def share_memory(world):
    shared = shared_memory.SharedMemory(create=True, size=100)
    shared.buf[0] = 7
    again = shared_memory.SharedMemory(shared.name)
    said = again.buf[0]
    for each in (again, shared):
        each.close()
    shared.unlink()
    return said


def pair_sockets(world):
    one, other = socket.socketpair()
    one.send(b"x")
    return other.recv(1)


def listen_where_the_grader_connects(world):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(world["ipc"], "k-1"))
        listener.listen()
        return True


def connect_to_its_own_sockets(world):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind(os.path.join(world["ipc"], "k-2"))
        listener.listen()
        caller.connect(os.path.join(world["ipc"], "k-2"))
        return True


def know_its_name(world):
    return pwd.getpwuid(os.getuid()).pw_name == "student"


def know_the_processors(world):
    return os.cpu_count() and os.sched_getaffinity(0)


def know_certificates_and_zones(world):
    return ssl.create_default_context() and zoneinfo.ZoneInfo("Europe/Berlin")


def read_about_itself(world):
    with (
        open("/proc/self/status") as status,
        open("/proc/meminfo") as memory,
        open("/proc/cpuinfo") as processors,
    ):
        return status.read() and memory.read() and processors.read() and os.listdir("/proc/self/fd")


def load_libraries(world):
    return ctypes.CDLL("libm.so.6").abs(-3) == 3


def run_what_it_made(world):
    with open("script.sh", "w") as file:
        file.write("#!/bin/sh\necho ran\n")
    subprocess.run(["install", "-m", "755", "script.sh", "program"], check=True)
    return subprocess.run(["./program"], capture_output=True, check=True).stdout == b"ran\n"
