"""Ctrl-C and requests to end, which libraries may drop."""

import contextlib
import signal
import threading

# The usual request of a system, and the closing of a terminal; Windows has no SIGHUP.
REQUESTS_TO_END = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Interrupts(contextlib.AbstractContextManager):
    """Notes Ctrl-C, and requests to end, that a library might drop.

    Python raises KeyboardInterrupt wherever the program is, and a library that called
    back into Python, or a module that is being imported, may drop it there. Signals
    that nobody in Python answers, among them all that are ignored, are left alone.

    Args:
        raises: whether KeyboardInterrupt is raised at once as well, or only by `check`
            and at the end.
    """

    def __init__(self, raises):
        self._raises, self._is_noted, self._handlers = raises, False, {}

    def __enter__(self):
        # No other thread may listen to signals.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *REQUESTS_TO_END):
                if callable(signal.getsignal(number)):
                    self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if kind is None:
            self.check()

    def _note(self, *_):
        self._is_noted = True
        if self._raises:
            raise KeyboardInterrupt

    def check(self):
        """Raise KeyboardInterrupt if one was noted."""
        if self._is_noted:
            raise KeyboardInterrupt
