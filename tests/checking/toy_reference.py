"""Solutions for tiny_checks.py."""


def double(x):
    return 2 * x


def split(x):
    return x[:3], x[3:]
