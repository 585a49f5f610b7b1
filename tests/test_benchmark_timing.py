"""Steps are timed interleaved, each baseline in a process of its own."""

import os
import time

import numpy as np
import pytest

from resnet_keras.accelerate import memory_mb
from resnet_keras.benchmark.timing import in_own_process, interleaved


def sleeper(seconds):
    """Return two steps; a call of `work` takes long if the last is a while ago."""
    last = [0.0]

    def work():
        is_cold = time.perf_counter() - last[0] > 0.15
        time.sleep(10 * seconds if is_cold else seconds)
        last[0] = time.perf_counter()

    return {"work": work, "wait": lambda: time.sleep(0.2)}


def hungry(seconds):
    return {"work": lambda: np.ones(200 * 2**17).sum()}  # 200 MiB


def failing(seconds):
    raise KeyError("no such thing\nand more")


def dying(seconds):
    os._exit(7)


def dying_later(seconds):
    calls = iter(range(4))
    return {"work": lambda: os._exit(9) if next(calls) == 3 else time.sleep(0.4)}


@pytest.fixture(scope="module")
def results():
    makers = {"a": sleeper, "b": hungry, "c": failing, "d": dying, "e": dying_later}
    return interleaved(makers, (0.05,), 3)


@pytest.mark.slow  # a busy machine takes longer
def test_every_step_is_timed_in_every_turn_once_it_is_warm(results):
    assert set(results["a"]["seconds"]) == {"work", "wait"}
    assert len(results["a"]["seconds"]["work"]) == 3
    assert all(0.05 <= seconds < 0.3 for seconds in results["a"]["seconds"]["work"])
    assert min(results["a"]["seconds"]["wait"]) >= 0.2


def test_memory_is_each_baselines_own(results):
    more = results["b"]["peak_memory_mb"] - results["a"]["peak_memory_mb"]
    assert more == pytest.approx(200, abs=60)


def test_a_baseline_that_fails_is_named_and_the_others_go_on(results):
    assert results["c"] == {"error": "KeyError: 'no such thing\\nand more'"}
    assert results["d"] == {"error": "ended with code 7"}
    assert results["e"] == {"error": "ended with code 9"}  # in its second turn


def test_another_process_computes():
    assert in_own_process(os.getpid) != os.getpid()


def growth_of_300_mib():
    before = memory_mb()
    held = np.ones(300 * 2**17)
    return memory_mb() - before, held[0]


def test_memory_counts_what_is_held():
    assert in_own_process(growth_of_300_mib)[0] == pytest.approx(300, abs=60)
