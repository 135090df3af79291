"""What the service declines to do, and why: becomes a 4xx answer, and never changes anything."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Conflict",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "OutOfSpace",
    "Refused",
    "TooLarge",
    "TooMany",
]


class Refused(Exception):
    """Args:
    message: what, and what to do about it. detail: for programs, beside the message.
    """

    status = 400

    def __init__(self, message: str, **detail: Any):
        super().__init__(message)
        self.detail = detail


class Forbidden(Refused):
    status = 403


class NotFound(Refused):
    status = 404


class Conflict(Refused):
    """Not now, or not after what was done before."""

    status = 409


class Gone(Refused):
    status = 410


class TooLarge(Refused):
    status = 413


class Invalid(Refused):
    """The request is well formed, and what it asks for makes no sense."""

    status = 422


class TooMany(Refused):
    status = 429


class OutOfSpace(Refused):
    """Our disk is full: nothing was taken in, and no receipt given."""

    status = 507
