"""One training run: its progress, its results, its end."""

import math
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from resnet_keras import plots
from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.memory import keep_freed_memory, memory_mb
from resnet_keras.commands.interrupts import Interrupts
from resnet_keras.data import stratified_split
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING, versions
from resnet_keras.files.finite import check_finite, not_finite
from resnet_keras.inference import Classifier, scores
from resnet_keras.nets.initialization import varied_initializer
from resnet_keras.tables import duration
from resnet_keras.training import phases
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.checkpoint import RunFiles
from resnet_keras.training.diagnosis import diagnose
from resnet_keras.training.fitting import compile_for_training
from resnet_keras.training.recipe import RECIPES
from resnet_keras.training.start import initial_network

_VALIDATION_FRACTION = 0.1
_MOST_VALIDATING = 500  # enough to know the accuracy to a point or two
_NUM_TRAIN_SCORED = 1000  # of the training images at most, for their score
# A ReLU makes 0 of NaN on a CPU, so the loss may stay finite where weights do not.
# Checking those of ResNet-50 takes a twentieth of a step.
_STEPS_PER_LOOK = 100


def hold_out(labels, seed, num_validation=0):
    """Choose which training images validate: a tenth of each class, about 500 at most.

    Args:
        labels: int (num_images,).
        seed: int.
        num_validation: `Dataset.num_validation`; where the source has a validation
            part, it is these last images, and none are drawn.

    Returns:
        int arrays: rows of the images that train, and of those that validate.
    """
    if num_validation:
        rows = np.arange(len(labels))
        return rows[:-num_validation], rows[-num_validation:]
    fraction = min(_VALIDATION_FRACTION, _MOST_VALIDATING / len(labels))
    return stratified_split(labels, fraction, seed)


def train(dataset, directory, config, verbose=False, outdated=()):
    """Train a network on `dataset`, and leave everything about it in `directory`.

    A tenth of the training images, drawn by class, about 500 at most, is held out to
    validate each epoch. The test images are used once, at the end. After each epoch the
    model and its optimizer are saved in `checkpoint.h5`; if that file exists at the
    start, the run goes on from it and ends as it would have ended uninterrupted.

    Args:
        dataset: `Dataset`.
        directory: where the run's files go; made if need be.
        config: `RunConfig`. The data and the machine decide what it leaves open, as
            `config.json` says.
        verbose: whether to print which weights went where.
        outdated: paths of an earlier run's files, its config.json first, to be
            removed once this run has a checkpoint.

    Returns:
        The dictionary that `metrics.json` holds.

    Raises:
        InputError: there is but one class, the weights or the checkpoint cannot be
            used, the run began by another recipe or with other versions, or loss or
            weights are no longer finite; the last checkpoint is.
        OSError: a file could not be written; the last checkpoint stands.

    Example:

    >>> from resnet_keras import load_dataset
    >>> from resnet_keras.training import RunConfig, train
    >>> config = RunConfig(model="resnet18", epochs=2)
    >>> train(load_dataset("signs"), "runs/signs", config)  # doctest: +SKIP
    """
    if len(dataset.class_names) < 2:
        raise InputError(
            f"{dataset.source}: has one class, {dataset.class_names[0]!r}; expected "
            "two or more, or any prediction would be right."
        )
    keep_freed_memory()
    config = config.resolved(dataset)
    train_rows, held_out = hold_out(
        dataset.train.labels, config.seed, dataset.num_validation
    )
    model, preprocessing = _network(config, len(dataset.class_names), verbose)
    check_finite(model, config.weights)
    metadata = {"class_names": dataset.class_names, "preprocessing": preprocessing}
    classifier = Classifier(model, metadata)
    batches = _batches(dataset, train_rows, config, classifier, preprocessing)
    files = RunFiles(directory, dataset, config, metadata, outdated)
    history = files.begin(model)
    progress = _Progress(files, dataset, config, classifier, held_out, batches, history)
    _fit(model, batches, config, progress, files)
    return _finish(files, dataset, config, classifier, history, train_rows)


def _network(config, num_classes, verbose):
    """Return the network to begin with, and what pictures it expects."""
    input_shape = (config.image_size, config.image_size, 3)
    if config.weights:
        model, preprocessing = phases.network(
            config.model,
            config.weights,
            input_shape,
            num_classes,
            varied_initializer(config.seed),
            verbose,
        )
        return model, preprocessing or PREPROCESSING
    model = initial_network(
        config.model, input_shape, num_classes, config.recipe, config.seed
    )
    return model, PREPROCESSING


def _batches(dataset, train_rows, config, classifier, preprocessing):
    prepare = None
    if preprocessing != PREPROCESSING:

        def prepare(batch):
            return classifier.preprocess(255 * batch)

    return Batches(
        dataset.train.images,
        np.eye(len(dataset.class_names), dtype=np.float32)[dataset.train.labels],
        train_rows,
        config.recipe.batch_size,
        config.recipe,
        config.seed,
        prepare=prepare,
    )


def _fit(model, batches, config, progress, files):
    """Train `model` phase by phase, from the checkpoint on."""
    for phase in phases.phases(
        config.epochs,
        config.recipe.learning_rate,
        bool(config.weights),
        config.freeze_until or 0,
    ):
        if progress.num_finished >= phase.end:
            continue
        phases.freeze(model, phase.frozen_until)
        copy = training_copy(model, config.precision)
        compile_for_training(
            copy,
            replace(config.recipe, learning_rate=phase.learning_rate),
            len(batches),
            phase.end - phase.first,
        )
        if progress.num_finished > phase.first:
            files.restore_optimizer(copy.optimizer)
        # A run once went on after Ctrl-C; what dropped it is not known.
        with Interrupts(raises=True) as interrupts:
            check = keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: interrupts.check()
            )
            copy.fit(
                batches,
                epochs=phase.end,
                initial_epoch=progress.num_finished,
                shuffle=False,
                callbacks=[progress, check],
            )
    phases.freeze(model, 0)


class _Progress(keras.callbacks.Callback):
    """A run's history, saved and shown epoch by epoch.

    Keras trains a copy of the classifier's model. After each epoch that model gets the
    trained weights, is saved and scored.
    """

    def __init__(self, files, dataset, config, classifier, held_out, batches, history):
        super().__init__()
        self._files, self._dataset, self._config = files, dataset, config
        self._classifier, self._plain = classifier, classifier.model
        self._held_out, self._batches = held_out, batches
        self._speed = None  # in images/s
        self.history = history  # a dictionary per finished epoch; grows

    @property
    def num_finished(self):
        """How many epochs are finished."""
        return len(self.history)

    def on_epoch_begin(self, epoch, logs=None):
        """Print the time left, and start the epoch's clock."""
        self._batches.begin_epoch(epoch)
        if self.history:
            left = self._config.epochs - self.num_finished
            seconds = np.median([row["seconds"] for row in self.history]) * left
            print(f"About {duration(seconds)} left", flush=True)
        self._start = self._first_step = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Check the loss, and add the speed to Keras' progress bar."""
        if not math.isfinite(logs["loss"]):  # Keras' mean of the epoch up to here
            self._stop(f"the loss is {logs['loss']} at step {batch + 1}")
        if (batch + 1) % _STEPS_PER_LOOK == 0:
            self._check_weights(self.model)
        now = time.perf_counter()
        if batch == 0:  # which may have waited for TensorFlow to trace the network
            self._first_step = now
        else:
            num_images = batch * self._config.recipe.batch_size
            self._speed = logs["images/s"] = num_images / (now - self._first_step)

    def on_epoch_end(self, epoch, logs=None):
        """Validate the epoch's weights and save them."""
        copy_weights(self.model, self._plain)
        self._check_weights(self._plain)
        # And back, for this rounds statistics, and a resumed run has the rounded ones.
        copy_weights(self._plain, self.model)
        self._classifier.update()
        if len(self._held_out):
            result = score_rows(self._classifier, self._dataset.train, self._held_out)
            logs["val_accuracy"], logs["val_loss"] = result["accuracy"], result["loss"]
            if not math.isfinite(result["loss"]):
                self._stop(f"the validation loss is {result['loss']}")
        row = {"epoch": epoch + 1} | {key: float(logs[key]) for key in sorted(logs)}
        row["images_per_second"] = self._speed
        row["peak_memory_mb"] = peak_memory_mb(self.history)
        row["seconds"] = time.perf_counter() - self._start
        self.history.append(row)
        self._files.save_checkpoint(self._plain, self.model.optimizer, self.history)
        row["seconds"] = time.perf_counter() - self._start
        self._files.write_history(self.history)

    def _check_weights(self, model):
        if found := not_finite(model):
            self._stop(f"there are values that are not finite in the {found}")

    def _stop(self, found):
        kept = "No epoch was finished."
        if self.history:
            kept = f"The checkpoint of epoch {self.num_finished} is kept."
        rate = self._config.recipe.learning_rate
        raise InputError(
            f"{self._files.directory}: training stopped: in epoch "
            f"{self.num_finished + 1} {found}. {kept} Begin again with --overwrite and "
            f"a --learning-rate below {rate:g}."
        )


def _finish(files, dataset, config, classifier, history, train_rows):
    """Score the trained model, and write it with its figures; return the metrics."""
    model, test, names = classifier.model, dataset.test, dataset.class_names
    on_test, figures = {"accuracy": None, "loss": None}, {}
    if len(test):
        probabilities = classifier.probabilities(test.images)
        on_test = scores(probabilities, test.labels)
        wrong = plots.mistakes(test.images, test.labels, probabilities, names)
        confusion = plots.confusion(on_test["confusion"], names)
        figures = {"confusion.png": confusion, "mistakes.png": wrong}
    rng = np.random.default_rng(config.seed)
    sample = np.sort(rng.permutation(train_rows)[:_NUM_TRAIN_SCORED])
    on_train = score_rows(classifier, dataset.train, sample)
    for part, found in (("test", on_test), ("training", on_train)):
        if found["loss"] is not None and not math.isfinite(found["loss"]):
            raise InputError(
                f"{files.directory}: the loss on the {part} images is {found['loss']}; "
                "the checkpoint of the last epoch is kept. Begin again with "
                "--overwrite and a lower --learning-rate."
            )
    metrics = {
        "test_accuracy": on_test["accuracy"],
        "test_loss": on_test["loss"],
        "train_accuracy": on_train["accuracy"],
        "train_loss": on_train["loss"],
        "validation_accuracy": history[-1].get("val_accuracy"),
        "num_parameters": model.count_params(),
        "num_train_images": len(train_rows),
        "num_train_images_scored": len(sample),
        "num_validation_images": len(dataset.train) - len(train_rows),
        "num_test_images": len(test),
        "epochs": len(history),
        "train_seconds": sum(row["seconds"] for row in history),
        "images_per_second": _median_speed(history),
        "peak_memory_mb": peak_memory_mb(history),
        "seed": config.seed,
        "versions": versions(),
    }
    usual = RECIPES["default"].statistics_momentum
    metrics["warnings"] = diagnose(
        metrics, history[-1], len(names), config.recipe.statistics_momentum > usual
    )
    files.save_model(model, metrics)
    for name, figure in {"curves.png": plots.curves(history), **figures}.items():
        plots.save(figure, Path(files.directory) / name)
    files.finish(metrics)
    return metrics


def score_rows(classifier, split, rows):
    """Return the `scores` of some images of a `Split`, at most 1024 in memory."""
    probabilities = [
        classifier.probabilities(split.images[rows[start : start + 1024]])
        for start in range(0, len(rows), 1024)
    ]
    return scores(np.concatenate(probabilities), split.labels[rows])


def peak_memory_mb(history):
    """Return the most memory that the run took, in this process or before, in MB."""
    return max(memory_mb(), *(row["peak_memory_mb"] for row in history), 0.0)


def _median_speed(history):
    """Return the median of the epochs' speeds; None if all had a single step."""
    speeds = [row["images_per_second"] for row in history]
    known = [speed for speed in speeds if speed is not None]
    return float(np.median(known)) if known else None
