"""No plugin but a host module that arya learns from: its live names are not arya's."""

from __future__ import annotations

LESSONS = 3


def live_lesson() -> int:
    return LESSONS
