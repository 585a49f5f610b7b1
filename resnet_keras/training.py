"""One training run: its directory, its progress, its checkpoints, its results."""

import csv
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from resnet_keras import finetune, fused, initialization, plots
from resnet_keras.accelerate.threads import num_threads
from resnet_keras.datasets import stratified_split
from resnet_keras.diagnosis import diagnose
from resnet_keras.errors import InputError
from resnet_keras.files import (
    PREPROCESSING,
    load_model,
    load_optimizer,
    save_model,
    versions,
)
from resnet_keras.inference import Classifier, scores
from resnet_keras.measuring import memory_mb
from resnet_keras.recipe import RECIPES, Batches, compile_for_training
from resnet_keras.writing import remove_leftovers, write_json, write_whole

_VALIDATION_SHARE = 0.1
_MOST_VALIDATING = 500  # enough to know the accuracy to a point or two
_NUM_TRAIN_SCORED = 1000  # of the training images at most, for their score


def hold_out(labels, seed, num_validation=0):
    """Choose which training images validate: a tenth by class, some 500 at most.

    Args:
        labels: int (num_images,).
        seed: int.
        num_validation: `Dataset.num_validation`; where the source has a validation part
            of its own, these last images are it, and nothing is drawn.

    Returns:
        int arrays: rows of the images that train, and of those that validate.
    """
    if num_validation:
        rows = np.arange(len(labels))
        return rows[:-num_validation], rows[-num_validation:]
    share = min(_VALIDATION_SHARE, _MOST_VALIDATING / len(labels))
    return stratified_split(labels, share, seed)


def train(dataset, directory, config, verbose=False, outdated=()):
    """Train a network on `dataset`, and leave everything about it in `directory`.

    A tenth of the training images, drawn by class, some 500 at most, is set aside to
    validate each epoch. The test images are looked at once, at the end. After each
    epoch the model and its optimizer are kept in `checkpoint.h5`; where that file is
    there at the start, the run goes on from it and ends as it would have ended
    uninterrupted.

    Args:
        dataset: `Dataset`.
        directory: where the run's files go; made if need be.
        config: dictionary with `model` (a name of the family), `epochs`,
            `recipe` (of `RECIPES`), `batch_size`, `learning_rate`, `seed` and
            `precision` ("float32" or "mixed_bfloat16"), which `config.json` will hold
            along with all that follows from it. With `weights`, a file or "imagenet",
            the run begins from them (`resnet_keras.finetune`), and stages up to
            `freeze_until` stand still.
        verbose: whether to print which weights went where.
        outdated: paths of files of an earlier run, removed before this one begins, but
            not before all that it needs has been found.

    Returns:
        The dictionary that `metrics.json` holds.

    Raises:
        InputError: there is but one class, or the weights or the checkpoint cannot be
            used.
        OSError: a file could not be written; the last checkpoint stands.
    """
    if len(dataset.class_names) < 2:
        raise InputError(
            f"{dataset.source}: has one class, {dataset.class_names[0]!r}; expected "
            "two or more, or any answer would be right."
        )
    fused.keep_freed_memory()
    seed, batch_size, epochs = config["seed"], config["batch_size"], config["epochs"]
    recipe = replace(
        RECIPES[config["recipe"]],
        batch_size=batch_size,
        learning_rate=config["learning_rate"],
    )
    train_rows, held_out = hold_out(dataset.train.labels, seed, dataset.num_validation)
    size, num_classes = dataset.image_size, len(dataset.class_names)
    model, preprocessing = _network(
        config, recipe, (size, size, 3), num_classes, verbose
    )
    card = {"class_names": dataset.class_names, "preprocessing": preprocessing}
    classifier = Classifier(model, card)
    batches = Batches(
        dataset.train.images,
        np.eye(num_classes, dtype=np.float32)[dataset.train.labels],
        train_rows,
        batch_size,
        recipe,
        seed,
        prepare=None
        if preprocessing == PREPROCESSING
        else lambda batch: classifier.preprocess(255 * batch),
    )
    config = {
        **config,
        "labels": dataset.digest(),
        "settings": recipe.as_dict(),
        "threads": num_threads(),
        "versions": versions(),
    }
    for path in outdated:
        path.unlink()
    run = _Run(Path(directory), dataset, config, classifier, card, held_out, batches)
    run.begin()
    for phase in finetune.phases(
        epochs,
        recipe.learning_rate,
        bool(config.get("weights")),
        config.get("freeze_until") or 0,
    ):
        if run.num_finished >= phase.end:
            continue
        finetune.freeze(model, phase.frozen_until)
        twin = fused.training_twin(model, config["precision"])  # trained in its place
        compile_for_training(
            twin,
            replace(recipe, learning_rate=phase.learning_rate),
            len(batches),
            phase.end - phase.first,
        )
        if run.num_finished > phase.first:
            run.take_up_optimizer(twin.optimizer)
        with StopAtCtrlC() as stop:
            twin.fit(
                batches,
                epochs=phase.end,
                initial_epoch=run.num_finished,
                shuffle=False,
                callbacks=[run, stop],
            )
    finetune.freeze(model, 0)
    return run.finish(train_rows)


def _network(config, recipe, input_shape, num_classes, verbose):
    """Return the network to begin with, and what pictures it expects."""
    name, seed = config["model"], config["seed"]
    if config.get("weights"):
        model, preprocessing = finetune.network(
            name,
            config["weights"],
            input_shape,
            num_classes,
            initialization.varied_initializer(seed),
            verbose,
        )
        return model, preprocessing or PREPROCESSING
    model = initialization.network(name, input_shape, num_classes, recipe, seed)
    return model, PREPROCESSING


class StopAtCtrlC(keras.callbacks.Callback):
    """Stops training at Ctrl-C even where Python's KeyboardInterrupt gets lost.

    It is raised wherever the program is, and a library that called back into Python may
    drop it there. A test run did go on after Ctrl-C; where it was lost is not known.
    """

    def __enter__(self):
        self._is_pressed = False
        self._is_main = threading.current_thread() is threading.main_thread()
        if self._is_main:  # no other may listen to signals
            self._handler = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_):
        if self._is_main:
            signal.signal(signal.SIGINT, self._handler)

    def _press(self, *_):
        self._is_pressed = True
        raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        """Raise what was lost."""
        if self._is_pressed:
            raise KeyboardInterrupt


class _Run(keras.callbacks.Callback):
    """A run's state, and the files that keep it epoch by epoch.

    Keras calls it while it trains the twin of `model`. After each epoch `model` has the
    trained weights; it is what is saved, and its answers are the ones reported.
    """

    CHECKPOINT = "checkpoint.h5"

    def __init__(self, directory, dataset, config, classifier, card, held_out, batches):
        super().__init__()
        self._directory, self._dataset, self._config = directory, dataset, config
        self._classifier, self._plain = classifier, classifier.model
        self._own_card, self._held_out, self._batches = card, held_out, batches
        self._history = []  # a dictionary per finished epoch
        self._speed = float("nan")  # in images/s; unknown with one step per epoch

    @property
    def num_finished(self):
        """How many epochs are finished."""
        return len(self._history)

    def begin(self):
        """Take up the checkpoint if there is one, or write down the settings."""
        remove_leftovers(self._directory)
        path = self._directory / self.CHECKPOINT
        if not path.exists():
            write_json(self._directory / "config.json", self._config)
            return
        saved, card = load_model(path)
        try:
            provenance = card["provenance"]
            labels = provenance["config"].get("labels", self._config["labels"])
            self._history = provenance["history"]
            self._plain.set_weights(saved.get_weights())
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path}: does not fit this run ({error}). Use --overwrite to begin "
                "again."
            ) from error
        if labels != self._config["labels"]:
            raise InputError(
                f"{self._dataset.source}: is not what this run began with: classes or "
                "numbers of images have changed, so images that it tests on may have "
                "been trained on. Restore them, or use --overwrite to begin again."
            )

        began_with = provenance["config"].get("threads", self._config["threads"])
        if began_with != self._config["threads"]:
            print(
                f"{path}: {began_with} threads shared an operation when this run began "
                f"and {self._config['threads']} do now, so its last bits will differ "
                "from those of an uninterrupted one",
                flush=True,
            )

    def take_up_optimizer(self, optimizer):
        """Give the optimizer the state that the checkpoint has of it."""
        load_optimizer(self._directory / self.CHECKPOINT, optimizer)

    def on_epoch_begin(self, epoch, logs=None):
        """Say how long it will take from here, and start the epoch's clock."""
        self._batches.begin_epoch(epoch)
        if self._history:
            left = self._config["epochs"] - self.num_finished
            seconds = np.median([row["seconds"] for row in self._history]) * left
            print(f"About {_duration(seconds)} left", flush=True)
        self._start = self._first_step = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Add the speed to what Keras' bar shows."""
        now = time.perf_counter()
        if batch == 0:  # which may have waited for TensorFlow to trace the network
            self._first_step = now
        else:
            num_images = batch * self._config["batch_size"]
            self._speed = logs["images/s"] = num_images / (now - self._first_step)

    def on_epoch_end(self, epoch, logs=None):
        """Validate and keep what the epoch reached."""
        fused.copy_weights(self.model, self._plain)
        # And back, for statistics are rounded on the way: a resumed run has them so.
        fused.copy_weights(self._plain, self.model)
        self._classifier.update()
        if len(self._held_out):
            result = self._score(self._dataset.train, self._held_out)
            logs["val_accuracy"], logs["val_loss"] = result["accuracy"], result["loss"]
        row = {"epoch": epoch + 1} | {key: float(logs[key]) for key in sorted(logs)}
        row["images_per_second"] = self._speed
        row["peak_memory_mb"] = max(memory_mb(), self._most("peak_memory_mb"))
        row["seconds"] = time.perf_counter() - self._start
        self._history.append(row)
        save_model(
            self._plain,
            self._directory / self.CHECKPOINT,
            self._card(history=self._history),
            optimizer=self.model.optimizer,
        )
        row["seconds"] = time.perf_counter() - self._start
        self._write_history()

    def finish(self, train_rows):
        """Score the trained model, and write it with its figures."""
        history, dataset = self._history, self._dataset
        test, names = dataset.test, dataset.class_names
        on_test, figures = {"accuracy": None, "loss": None}, {}
        if len(test):
            probabilities = self._classifier.probabilities(test.images)
            on_test = scores(probabilities, test.labels)
            wrong = plots.mistakes(test.images, test.labels, probabilities, names)
            confusion = plots.confusion(on_test["confusion"], names)
            figures = {"confusion.png": confusion, "mistakes.png": wrong}
        rng = np.random.default_rng(self._config["seed"])
        sample = np.sort(rng.permutation(train_rows)[:_NUM_TRAIN_SCORED])
        on_train = self._score(dataset.train, sample)
        speeds = [row["images_per_second"] for row in history]
        metrics = {
            "test_accuracy": on_test["accuracy"],
            "test_loss": on_test["loss"],
            "train_accuracy": on_train["accuracy"],
            "train_loss": on_train["loss"],
            "validation_accuracy": history[-1].get("val_accuracy"),
            "num_parameters": self._plain.count_params(),
            "num_train_images": len(train_rows),
            "num_train_images_scored": len(sample),
            "num_test_images": len(test),
            "epochs": len(history),
            "train_seconds": sum(row["seconds"] for row in history),
            "images_per_second": float(np.median(speeds)),
            "peak_memory_mb": max(memory_mb(), self._most("peak_memory_mb")),
            "seed": self._config["seed"],
            "versions": versions(),
        }
        metrics["warnings"] = ["There is no test image, so no test accuracy."]
        if len(test):
            metrics["warnings"] = diagnose(metrics, history[-1]["accuracy"])
        save_model(
            self._plain, self._directory / "model.h5", self._card(metrics=metrics)
        )
        for name, figure in {"curves.png": plots.curves(history), **figures}.items():
            plots.save(figure, self._directory / name)
        write_json(self._directory / "metrics.json", metrics)
        (self._directory / self.CHECKPOINT).unlink(missing_ok=True)
        return metrics

    def _score(self, split, rows):
        probabilities = [
            self._classifier.probabilities(split.images[rows[start : start + 1024]])
            for start in range(0, len(rows), 1024)
        ]
        return scores(np.concatenate(probabilities), split.labels[rows])

    def _card(self, **provenance):
        return {
            **self._own_card,
            "provenance": {
                "data": self._dataset.name,
                "config": self._config,
                **provenance,
            },
        }

    def _most(self, key):
        return max((row[key] for row in self._history), default=0.0)

    def _write_history(self):
        with (
            write_whole(self._directory / "history.csv") as temporary,
            temporary.open("w", newline="") as file,
        ):
            writer = csv.DictWriter(file, fieldnames=self._history[0])
            writer.writeheader()
            writer.writerows(self._history)


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
