"""The time to an accuracy is counted in whole epochs, and up to a limit.

Nothing here imports Keras, so that the processes started are quick.
"""

import time

from resnet_keras.benchmark import accuracy


def test_time_is_counted_to_the_end_of_the_first_epoch_that_is_good_enough():
    pairs = [("10.5", "0.5"), ("10", "0.96"), ("10", "0.9")]
    assert accuracy._result(pairs, 0.95) == {
        "seconds": 20.5,
        "trained": 30.5,
        "accuracies": [0.5, 0.96, 0.9],
    }
    assert accuracy._result(pairs[:1], 0.95)["seconds"] is None


def test_both_reached_gives_a_ratio_and_neither_none():
    def result(seconds, trained=120.0):
        return {"seconds": seconds, "trained": trained, "accuracies": [0.5]}

    lines = accuracy.in_words({"a": result(60.0), "b": result(90.0)}, "a")
    assert lines == ["a: 1.0 minutes", "b: 1.5 minutes; a is 1.5 times sooner"]
    lines = accuracy.in_words({"a": result(None), "b": result(None)}, "a")
    assert lines[1] == "b: not within 2.0 minutes (best 0.500)"


def epochs_of_mine(pipe, source, jit_compile):
    pipe.send(time.time())
    for share in (0.2, 0.4, 0.9, 1.0):
        pipe.send((1.0, share))
    time.sleep(60)


def test_course_is_stopped_once_it_is_good_enough(monkeypatch):
    monkeypatch.setattr(accuracy, "_train_as_in_the_course", epochs_of_mine)
    result = accuracy.course("hands", 0.9, 100, jit_compile=False)
    assert result["seconds"] == 3
    assert result["accuracies"] == [0.2, 0.4, 0.9]


def test_course_is_stopped_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(accuracy, "_train_as_in_the_course", epochs_of_mine)
    begin = time.perf_counter()
    result = accuracy.course("hands", 1.1, 2, jit_compile=False)
    assert result["seconds"] is None
    assert time.perf_counter() - begin < 30
