"""What a hostile notebook tries. Each takes what it knows about the world outside and returns what it gained.

Nothing gained is None, False or empty; an exception counts as nothing gained. Standard library only.
"""

import ctypes
import glob
import importlib
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def say(world, text):
    os.write(world["write"], text.encode() + b"\n")


# Reading


def read_a_file_outside(world):
    with open(world["secret"]) as file:
        return file.read()


def list_a_folder_outside(world):
    return os.listdir(world["folder"])


def read_through_a_link(world):
    os.symlink(world["secret"], "innocent.txt")
    with open("innocent.txt") as file:
        return file.read()


def read_through_the_root_of_another_process(world):
    for root in ["/proc/self", *glob.glob("/proc/[0-9]*")]:
        try:
            with open(f"{root}/root{world['secret']}") as file:
                return file.read()
        except OSError:
            pass
    return None


def read_the_configuration_of_the_machine(world):
    found = []
    for path in (
        "/etc/shadow",
        "/etc/hostname",
        "/etc/fstab",
        "/etc/sudoers",
        "/root/.bashrc",
        "/var/log/dpkg.log",
    ):
        try:
            with open(path) as file:
                if "sandbox" not in file.read():
                    found.append(path)
        except OSError:
            pass
    return found


def see_other_processes(world):
    for pid in [world["victim"], *(name for name in os.listdir("/proc") if name.isdigit())]:
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                if world["planted"] in file.read():
                    return pid
        except OSError:
            pass
    return None


def see_another_process_by_number(world):
    with open(f"/proc/{world['victim']}/cmdline") as file:
        return file.read()


def read_the_environment_of_the_launcher(world):
    for pid in (world["launcher"], os.getppid(), world["victim"]):
        try:
            with open(f"/proc/{pid}/environ") as file:
                if world["planted"] in file.read():
                    return pid
        except OSError:
            pass
    return None


def read_the_environment_of_our_own(world):
    with open("/proc/self/environ") as file:
        seen = file.read() + repr(os.environ) + repr(sys.modules["posix"].environ)
    return "PLANTED" in seen


def read_memory_of_the_launcher(world):
    with (
        open(f"/proc/{world['launcher']}/mem", "rb") as file,
        open(f"/proc/{world['launcher']}/maps") as maps,
    ):
        file.seek(int(maps.readline().split("-")[0], 16))
        return bool(file.read(16))


def use_inherited_descriptors(world):
    import stat

    gained = []
    for number in range(256):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        null = stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)
        if number != world["write"] and not null:
            gained.append(number)
    return gained


def list_mounts_of_the_host(world):
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4] for line in file]
    return [point for point in points if point.startswith(("/sys/fs", "/.old", "/boot", "/run/user"))]


# Writing


def write_a_file_outside(world):
    with open(os.path.join(world["folder"], "graffiti"), "w") as file:
        return file.write("was here")


def write_what_is_readable(world):
    with open(os.path.join(world["readable"], "data.txt"), "a") as file:
        return file.write("was here")


def remove_what_is_readable(world):
    os.rename(os.path.join(world["readable"], "data.txt"), os.path.join(world["readable"], "gone"))
    os.rename(os.path.join(world["readable"], "gone"), os.path.join(world["readable"], "data.txt"))
    return True


def truncate_what_is_readable(world):
    os.truncate(os.path.join(world["readable"], "data.txt"), 4)
    return True


def change_the_mode_of_what_is_readable(world):
    path = os.path.join(world["readable"], "data.txt")
    before = os.stat(path).st_mode
    os.chmod(path, 0o600 if before & 0o77 else 0o666)
    return os.stat(path).st_mode != before


def write_kernel_settings(world):
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            return path
        except OSError:
            pass
    return None


def open_a_disk(world):
    for path in (
        *glob.glob("/dev/sd*"),
        *glob.glob("/dev/vd*"),
        *glob.glob("/dev/nvme*"),
        "/dev/mem",
        "/dev/kmsg",
    ):
        try:
            os.close(os.open(path, os.O_RDONLY))
            return path
        except OSError:
            pass
    return None


def make_a_device(world):
    os.mknod("disk", 0o660 | 0o060000, os.makedev(254, 0))
    return True


# Other processes


def signal_another_process(world):
    os.kill(world["victim"], 0)
    return True


def signal_the_launcher(world):
    os.kill(world["launcher"], 0)
    return True


def signal_the_supervisor(world):
    parent = os.getppid()
    os.kill(parent, 0)
    return parent != 0  # 0 would be our own group


def signal_everybody(world):
    os.kill(-1, 0)
    return True


def trace_another_process(world):
    return libc.ptrace(0x4206, world["victim"], 0, 0) == 0  # PTRACE_SEIZE


def read_memory_by_call(world):
    buffer = ctypes.create_string_buffer(8)
    with open("/proc/self/maps") as maps:  # the launcher's are ours, by inheritance
        start = next(int(line.split("-")[0], 16) for line in maps if " r" in line)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_size_t * 2)(start, 8)
    return libc.process_vm_readv(world["launcher"], vector, 1, remote, 1, 0) == 8


def slow_another_process_down(world):
    os.setpriority(os.PRIO_PROCESS, world["victim"], 1)
    return True


def change_limits_of_another_process(world):
    resource.prlimit(world["victim"], resource.RLIMIT_CORE, (0, 0))
    return True


def take_a_descriptor_from_another_process(world):
    pidfd = os.pidfd_open(world["launcher"])
    return libc.syscall(438, pidfd, 0, 0) >= 0  # pidfd_getfd


# Network and sockets


def connect_over_tcp(world):
    with socket.create_connection(("127.0.0.1", world["tcp"]), timeout=2):
        return True


def send_over_udp(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"secret", ("127.0.0.1", world["udp"]))


def ask_a_name_server(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"\0" * 12, ("127.0.0.53", 53))


def listen_on_tcp(world):
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def use_other_kinds_of_sockets(world):
    made = []
    # By number, since not every Python knows all: inet, inet6, netlink, packet, CAN, Bluetooth, AF_ALG, vsock.
    for family in (2, 10, 16, 17, 29, 31, 38, 40):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind).close()
                made.append(family)
            except OSError:
                pass
    return made


def connect_to_an_abstract_socket(world):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(world["abstract"])
        return True


def connect_to_a_pathname_socket(world):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(world["stream"])
        return True


def send_to_a_pathname_socket(world):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"secret", world["datagram"])


def send_from_a_pair_of_sockets(world):
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return one.sendto(b"secret", world["datagram"])


def wait_behind_a_link(world):
    os.symlink(world["stream"], os.path.join(world["ipc"], "k-1"))
    say(world, '{"acting": true}')
    time.sleep(0.5)


# Privileges


def have_capabilities(world):
    with open("/proc/self/status") as file:
        sets = dict(line.split() for line in file if line.startswith("Cap"))
    return [name for name, bits in sets.items() if int(bits, 16) and name != "CapBnd:"]


def gain_from_a_setuid_program(world):
    said = subprocess.run([world["setuid"], "-u"], capture_output=True, text=True, check=True).stdout
    return int(said) == 0


def become_root(world):
    os.setresuid(0, 0, 0)
    return os.geteuid() == 0


def be_root(world):
    return os.geteuid() == 0


def make_a_user_namespace(world):
    return libc.unshare(0x10000000) == 0


def make_a_user_namespace_by_clone(world):
    number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    pid = libc.syscall(number, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return pid > 0


def mount_something(world):
    libc.unshare(0x10020000)
    return libc.mount(b"mine", b"/tmp", b"tmpfs", 0, None) == 0


def mount_by_the_new_calls(world):
    libc.unshare(0x10020000)
    return libc.syscall(428, -100, b"/", 0x8001) >= 0  # open_tree(OPEN_TREE_CLONE | AT_RECURSIVE)


def change_the_root(world):
    libc.unshare(0x10000000)
    return libc.chroot(b"/") == 0


def hide_a_file_in_memory(world):
    return libc.memfd_create(b"hidden", 0) >= 0


def keep_a_key(world):
    number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
    return libc.syscall(number, b"user", b"name", b"value", 5, -3) >= 0  # add_key, session keyring


def share_memory_by_system_v(world):
    return libc.shmget(0, 4096, 0o600) >= 0


def use_io_uring(world):
    parameters = ctypes.create_string_buffer(120)
    return libc.syscall(425, 4, parameters) >= 0


def handle_page_faults(world):
    number = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
    return libc.syscall(number, 1) >= 0  # userfaultfd(UFFD_USER_MODE_ONLY)


def type_on_a_terminal(world):
    import fcntl
    import pty

    _, terminal = pty.openpty()
    os.setsid() if os.getsid(0) != os.getpid() else None
    fcntl.ioctl(terminal, 0x540E, 0)  # TIOCSCTTY
    fcntl.ioctl(terminal, 0x5412, b"x")  # TIOCSTI
    return True


def outlive_the_supervisor_by_request(world):
    return libc.prctl(1, 0) == 0


def see_this_project(world):
    seen = []
    for name in ("autograder", "reference_impl"):
        for module in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[module]
        importlib.invalidate_caches()
        for inner in ("errors", "checks", "sandbox.seccomp", "attention"):
            try:
                importlib.import_module(f"{name}.{inner}")
                seen.append(f"{name}.{inner}")
            except (ImportError, OSError):
                pass
    for folder in sys.path:
        for pattern in (
            "autograder/*",
            "reference_impl/*",
            "autograder-*/*",
            "*autograder*.pth",
            "*.egg-link",
        ):
            for path in glob.glob(os.path.join(folder, pattern)):
                try:
                    with open(path, "rb") as file:
                        if file.read(1):
                            seen.append(path)
                except OSError:
                    pass
    return seen


# Destroying


def start_tasks(world, most=120):
    """How many sleeping threads and processes there can be at once."""
    children, threads, wait = [], 0, threading.Event()
    try:
        while len(children) < most // 2:
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
        while threads < most - most // 2:
            threading.Thread(target=wait.wait, args=(5,), daemon=True).start()
            threads += 1
    except (OSError, RuntimeError):
        pass
    time.sleep(0.3)  # a watchdog looks from time to time
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    wait.set()
    return len(children) + threads


def explode(world):
    """A fork bomb; every process of it forks as fast as it can."""
    say(world, '{"acting": true}')
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.fork()
        except OSError:
            time.sleep(0.001)
    return "it went on for 10 s"


def fill_memory(world):
    kept = []
    while len(kept) < 60:
        kept.append(bytearray(4 << 20))
        time.sleep(0.002)
    return len(kept) * 4


def fill_memory_in_children(world):
    children = []
    for _ in range(6):
        pid = os.fork()
        if pid == 0:
            kept = bytearray(40 << 20)
            kept[::4096] = b"x" * len(kept[::4096])
            time.sleep(0.4)
            os._exit(0)
        children.append(pid)
    return sum(os.waitpid(pid, 0)[1] == 0 for pid in children) * 40


def fill_shared_memory(world):
    kept = []
    while len(kept) < 60:
        kept.append(mmap.mmap(-1, 4 << 20))
        kept[-1].write(b"x" * (4 << 20))
        time.sleep(0.002)
    return len(kept) * 4


def write_a_large_file(world):
    with open("large", "wb") as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
    return 64


def _fill(folder, most_mb):
    written = 0
    try:
        while written < most_mb:
            with open(os.path.join(folder, f"part{written}"), "wb") as file:
                file.write(b"x" * (1 << 20))
            written += 1
    except OSError:
        pass
    return written


def fill_the_work_folder(world):
    written = _fill(world["work"], 96)
    time.sleep(0.5)  # a watchdog may look between two files
    return written


def fill_the_folder_of_sockets(world):
    return _fill(world["ipc"], 8)


def fill_temporary_folders(world):
    return _fill("/tmp", 120) + _fill("/dev/shm", 120)


def make_many_files(world):
    made = 0
    try:
        while made < 64:
            os.close(os.open(f"{world['ipc']}/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        pass
    return made


def put_a_link_among_the_sockets(world):
    os.symlink(world["stream"], os.path.join(world["ipc"], "k-1"))
    return True


def leave_a_daemon(world):
    """It holds the pipe to the test, which sees thereby how long it lives."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(6)
        os._exit(0)
    os.wait()
    return True


def stay_with_a_daemon(world):
    leave_a_daemon(world)
    return stay(world)


def stay(world):
    libc.prctl(1, 0)  # no signal when the parent dies
    say(world, '{"acting": true}')
    time.sleep(6)
    return True


def dump_core(world):
    return resource.getrlimit(resource.RLIMIT_CORE)[1] != 1
