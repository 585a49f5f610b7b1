"""The time to an accuracy is counted in whole epochs, and up to a limit.

Nothing here imports Keras, so that the processes started are quick.
"""

import time
from pathlib import Path

import pytest

from resnet_keras.benchmark import accuracy


def test_time_is_counted_to_the_end_of_the_first_epoch_that_is_good_enough():
    pairs = [("10.5", "0.5"), ("10", "0.96"), ("10", "0.9")]
    assert accuracy.summarized(pairs, 0.95) == {
        "seconds": 20.5,
        "trained": 30.5,
        "ends": [10.5, 20.5, 30.5],
        "accuracies": [0.5, 0.96, 0.9],
    }
    assert accuracy.summarized(pairs[:1], 0.95)["seconds"] is None
    assert accuracy.summarized(pairs, 0.95, max_seconds=20)["seconds"] is None


def test_both_reached_gives_a_ratio_and_neither_none():
    def result(seconds, trained=120.0):
        return {"seconds": seconds, "trained": trained, "accuracies": [0.5]}

    lines = accuracy.in_words({"a": result(60.0), "b": result(90.0)}, "a")
    assert lines == ["a: 1.0 minutes", "b: 1.5 minutes; a is 1.5 times sooner"]
    lines = accuracy.in_words({"a": result(None), "b": result(None)}, "a")
    assert lines[1] == "b: not within 2.0 minutes (best 0.500)"


def epochs_of_mine(pipe, source, seed, jit_compile):
    pipe.send(time.time())
    for reached in (0.2, 0.4, 0.9, 1.0):
        pipe.send((0.1, reached))
    time.sleep(60)


def test_train_is_told_the_seed_and_the_epochs(monkeypatch):
    lines = []

    class Finished:
        def __init__(self, line, **settings):
            lines.append(line)
            out = Path(line[line.index("--out") + 1])
            (out / "history.csv").write_text("seconds,val_accuracy\n6,0.5\n6,0.9\n")
            self._answers = iter((None, 0))

        def poll(self):
            return next(self._answers, 0)

        def kill(self):
            pass

        def communicate(self):
            pass

    monkeypatch.setattr(accuracy.subprocess, "Popen", Finished)
    result = accuracy.this_package("hands", 0.9, 60, seed=3, epochs=9)
    assert (result["seconds"], result["trained"]) == (12, 12)
    accuracy.this_package("hands", 0.9, 60)
    assert lines[0][-4:] == ["--seed", "3", "--epochs", "9"]
    assert lines[1][-2:] == ["--seed", "0"]


def test_course_is_stopped_once_it_is_good_enough(monkeypatch):
    monkeypatch.setattr(accuracy, "train_as_in_the_course", epochs_of_mine)
    result = accuracy.course("hands", 0.9, 100, jit_compile=False)
    assert result["seconds"] == pytest.approx(0.3)
    assert result["accuracies"] == [0.2, 0.4, 0.9]


def test_course_is_stopped_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(accuracy, "train_as_in_the_course", epochs_of_mine)
    begin = time.perf_counter()
    result = accuracy.course("hands", 1.1, 2, jit_compile=False)
    assert result["seconds"] is None
    assert time.perf_counter() - begin < 30
