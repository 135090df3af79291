"""The environment that a launcher starts with: named variables, and nothing else of whoever starts it.

Kernels get an environment of their own, but they are forks: what the launcher was started with stays in
memory that they inherit. So tokens, passwords and whatever else an instructor's shell or a hub's service
exports must not reach the launcher in the first place.
"""

from collections.abc import Mapping

_NAMES = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "XDG_RUNTIME_DIR",
        "XDG_CACHE_HOME",
    ),
    *(
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONHASHSEED",
        "PYTHONWARNINGS",
        "PYTHONDONTWRITEBYTECODE",
    ),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "AUTOGRADER_DATA", "HF_HOME", "HF_HUB_OFFLINE"),
)
_PREFIXES = ("LC_", "TF_", "XLA_", "CUDA_", "NVIDIA_", "NCCL_", "OMP_", "OPENBLAS_", "MKL_", "MALLOC_")
_DEFAULTS = {
    # oneDNN compiles a kernel for each new shape: worth it for large models, a loss on notebooks of small
    # ones (`python -m tests.bench.stages`: p01's checks -20 %, p08 -13 %), and it rounds otherwise.
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
_FIXED = {
    # Read when a numeric library is imported: threads it starts then do not survive a fork, and two
    # kernels on two cores should not run four.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


def launcher_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What of our own environment a launcher may know: what finds programs, libraries, devices and data."""
    passed = {name: value for name, value in ours.items() if name in _NAMES or name.startswith(_PREFIXES)}
    return _DEFAULTS | passed | _FIXED
