"""The number of threads, and so each bit, hangs neither on free cores nor on load."""

import os
import subprocess
import sys

import pytest

from resnet_keras.accelerate import threads

# Prints the bits of a network after two steps of training on so many cores.
TRAINING = """if True:
    import os, sys
    num_cores, backend = int(sys.argv[1]), sys.argv[2]
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:num_cores])
    os.environ["KERAS_BACKEND"] = backend
    import keras, numpy as np
    from resnet_keras.accelerate import pin_threads, training_copy
    assert pin_threads(2) == 2
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(64, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = training_copy(keras.Model(inputs, keras.layers.Dense(2)(x)))
    model.compile("adam", "mse", jit_compile=False)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(16, 16, 16, 3)).astype("float32")
    for _ in range(2):
        model.train_on_batch(images, np.eye(2)[np.arange(16) % 2])
    print(*(w.tobytes().hex()[:400] for w in model.get_weights()), sep="\\n")"""


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or threads.num_cores(0) < 2,
    reason="needs two cores, and Linux",
)
@pytest.mark.parametrize(
    "backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)]
)
def test_one_core_ends_with_the_bits_of_two(backend):
    pytest.importorskip(backend)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING, num_cores, backend],
            stdout=subprocess.PIPE,
            text=True,
        )
        for num_cores in "12"
    ]
    one, two = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert len(one) > 1000
    assert one == two


def test_machine_has_the_cores_of_its_first_process(monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", {0: {3}, 1: {0, 1, 3}}.get, raising=False
    )
    assert threads.num_cores(0) == 1
    assert threads.num_cores_of_machine() == 3


def test_where_that_is_hidden_the_system_is_asked(monkeypatch):
    def refuse(process):
        raise PermissionError

    monkeypatch.setattr(os, "sched_getaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert threads.num_cores_of_machine() == 5
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS and Windows
    assert threads.num_cores_of_machine() == threads.num_cores(0) == 5


def test_number_of_the_user_is_that_of_tensorflow(monkeypatch):
    import tensorflow as tf

    numbers = []
    monkeypatch.setattr(
        tf.config.threading, "set_intra_op_parallelism_threads", numbers.append
    )
    monkeypatch.setattr(
        tf.config.threading,
        "get_intra_op_parallelism_threads",
        lambda: numbers[-1] if numbers else 0,
    )
    monkeypatch.setattr(threads, "num_cores_of_machine", lambda: 6)
    assert threads.pin_threads() == 6
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "4")
    assert threads.pin_threads() == 4
    assert threads.pin_threads(3) == 3
    numbers.clear()
    assert threads.num_threads() == 4
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    assert threads.num_threads() == threads.num_cores(0)
