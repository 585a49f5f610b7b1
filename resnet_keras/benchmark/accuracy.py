"""How soon a validation accuracy is reached: here, and with the course's recipe.

All train on the same images and are evaluated after each epoch on the same held-out
ones, those of `resnet_keras.training.hold_out`, by moving-average statistics. The
clock runs from the first step on, with all that an epoch costs; it does not run while
data are read and networks are built.
"""

import csv
import math
import multiprocessing
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from resnet_keras.errors import InputError

_COURSE_BATCH_SIZE = 32


def this_package(source, target, max_seconds, seed=0, epochs=None):
    """Run `python -m resnet_keras.train`, until the accuracy or the time is reached.

    Args:
        source: as for `load_dataset`.
        target: validation accuracy, from 0 to 1.
        max_seconds: when to stop.
        seed: of weights, shuffling and augmentation, and of the validation images.
        epochs: over how many the learning rate is annealed; None: as `train` chooses.

    Returns:
        Dictionary: `seconds` until an epoch ended with the accuracy, or None;
        `trained`, the seconds trained in all; `ends` and `accuracies`, of each epoch:
        after how many seconds it ended, and its validation accuracy.
    """
    with tempfile.TemporaryDirectory() as directory:
        line = ["-m", "resnet_keras.train", "--data", source, "--out", directory]
        line += ["--seed", str(seed)]
        line += ["--epochs", str(epochs)] if epochs else []
        process = subprocess.Popen(
            [sys.executable, *line], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        path, result = Path(directory) / "history.csv", summarized([], target)
        try:
            while process.poll() is None and not _is_over(result, max_seconds):
                time.sleep(0.1)
                if path.exists():
                    with path.open(newline="") as file:
                        rows = list(csv.DictReader(file))
                    pairs = [(row["seconds"], row["val_accuracy"]) for row in rows]
                    result = summarized(pairs, target, max_seconds)
            if process.poll():
                message = process.stderr.read().decode().strip()
                raise InputError(message.removeprefix("error: "))
        finally:
            process.kill()
            process.communicate()
    return result


def course(source, target, max_seconds, seed=0, jit_compile="auto"):
    """Train `keras.applications`' network by the course's recipe, in its own process.

    Args:
        source: as in `this_package`.
        target: as in `this_package`.
        max_seconds: as in `this_package`.
        seed: as in `this_package`.
        jit_compile: as for Keras' `compile`: "auto", its default, True or False.

    Returns:
        As `this_package`.
    """
    context = multiprocessing.get_context("spawn")
    pipe, there = context.Pipe(duplex=False)
    process = context.Process(
        target=train_as_in_the_course,
        args=(there, source, seed, jit_compile),
        daemon=True,
    )
    process.start()
    there.close()
    pairs, result = [], summarized([], target)
    try:
        begin = pipe.recv()  # the clock starts
        while not _is_over(result, max_seconds):
            passed = time.time() - begin
            if not pipe.poll(max(0, max_seconds - passed)):
                break
            pairs.append(pipe.recv())
            result = summarized(pairs, target)
    finally:
        process.kill()
        process.join()
    return result | {"trained": max(result["trained"], time.time() - begin)}


def train_as_in_the_course(pipe, source, seed, jit_compile):
    """Send through `pipe` when training begins, then seconds and accuracy of epochs."""
    from resnet_keras.commands import load_keras

    load_keras()
    import keras
    import numpy as np

    from resnet_keras.benchmark.keras_network import compile_as_in_the_course
    from resnet_keras.data import load_dataset
    from resnet_keras.training import hold_out

    dataset = load_dataset(source)
    train_rows, held_out = hold_out(dataset.train.labels, seed)
    keras.utils.set_random_seed(seed)
    size, num_classes = dataset.image_size, len(dataset.class_names)
    model = keras.applications.ResNet50(
        weights=None, input_shape=(size, size, 3), classes=num_classes
    )
    compile_as_in_the_course(model, jit_compile)

    def arrays(rows):
        images = dataset.train.images[rows] / np.float32(255)
        return images, np.eye(num_classes)[dataset.train.labels[rows]]

    class Report(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            now = time.time()
            pipe.send((now - self.start, logs["val_accuracy"]))
            self.start = now

    report = Report()
    report.start = time.time()
    pipe.send(report.start)
    model.fit(
        *arrays(train_rows),
        batch_size=_COURSE_BATCH_SIZE,
        epochs=10**6,
        validation_data=arrays(held_out),
        callbacks=[report],
        verbose=0,
    )


def summarized(pairs, target, max_seconds=math.inf):
    """Return what `this_package` does, from each epoch's seconds and accuracy."""
    ends = list(accumulate(float(duration) for duration, _ in pairs))
    accuracies = [float(accuracy) for _, accuracy in pairs]
    good = (
        end
        for end, accuracy in zip(ends, accuracies, strict=True)
        if accuracy >= target and end <= max_seconds
    )
    return {
        "seconds": next(good, None),
        "trained": ends[-1] if ends else 0.0,
        "ends": ends,
        "accuracies": accuracies,
    }


def _is_over(result, max_seconds):
    return result["seconds"] is not None or result["trained"] >= max_seconds


def in_words(results, this):
    """Return a line for each result, and how much sooner `this` reached the accuracy.

    Where another did not reach it, all that is known is that it takes longer than it
    was given.

    Example:

    >>> this = {"seconds": 60.0, "trained": 60.0, "accuracies": [0.96]}
    >>> other = {"seconds": None, "trained": 600.0, "accuracies": [0.2, 0.4]}
    >>> for line in in_words({"ours": this, "theirs": other}, "ours"):
    ...     print(line)
    ours: 1.0 minutes
    theirs: not within 10.0 minutes (best 0.400); ours is > 10.0 times sooner
    """
    own = results[this]["seconds"]
    lines = []
    for name, result in results.items():
        reached = result["seconds"]
        seconds = reached or result["trained"]
        if reached:
            line = f"{name}: {seconds / 60:.1f} minutes"
        else:
            best = max(result["accuracies"], default=0)
            line = f"{name}: not within {seconds / 60:.1f} minutes (best {best:.3f})"
        if name != this and own:
            sign = "" if reached else "> "
            line += f"; {this} is {sign}{seconds / own:.1f} times sooner"
        lines.append(line)
    return lines
