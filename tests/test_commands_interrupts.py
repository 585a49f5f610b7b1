"""Ctrl-C counts, whatever a library makes of it."""

import contextlib
import signal

import pytest

from resnet_keras.commands.interrupts import REQUESTS_TO_END, Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, *REQUESTS_TO_END])
def test_ctrl_c_counts_even_where_the_exception_is_dropped(number, handlers):
    signal.signal(number, signal.default_int_handler)
    interrupts = Interrupts(raises=True)

    def train():
        with interrupts:
            interrupts.check()
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        train()
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()
    assert signal.getsignal(number) is signal.default_int_handler


def pressed(then):
    with Interrupts(raises=False):
        signal.raise_signal(signal.SIGINT)
        then()


def test_ctrl_c_may_wait_until_the_end(handlers):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = []
    with pytest.raises(KeyboardInterrupt):
        pressed(lambda: reached.append(True))
    assert reached


def test_an_error_is_not_hidden_by_ctrl_c(handlers):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(ZeroDivisionError):
        pressed(lambda: 1 / 0)


def test_no_signal_leaves_handlers_and_work_alone(handlers):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Interrupts(raises=True) as interrupts:
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        interrupts.check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
