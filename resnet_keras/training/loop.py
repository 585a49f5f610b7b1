"""One training run: its phases, its progress, its checkpoints, whatever is learned."""

import math
import time
from dataclasses import replace

import keras
import numpy as np

from resnet_keras.accelerate.copies import copy_weights, training_copy
from resnet_keras.accelerate.memory import keep_freed_memory, memory_mb
from resnet_keras.commands.interrupts import Interrupts
from resnet_keras.distributed import devices
from resnet_keras.errors import InputError
from resnet_keras.files import versions
from resnet_keras.files.finite import check_finite, not_finite
from resnet_keras.tables import duration
from resnet_keras.training import phases
from resnet_keras.training.checkpoint import RunFiles, State
from resnet_keras.training.config import steps_or_seconds
from resnet_keras.training.fitting import compile_for_training
from resnet_keras.training.optimizers import swap_averages

# A ReLU makes 0 of NaN on a CPU, so the loss may stay finite where weights do not.
# Checking those of ResNet-50 takes a twentieth of a step.
_STEPS_PER_LOOK = 100


def run(task, dataset, directory, config, outdated=(), callbacks=()):
    """Train what a task has, and leave everything about it in `directory`.

    Args:
        task: what is learned, such as `classification.Classification`. It has
            model: functional `keras.Model`, to be scored and saved;
            trained: the model to train, which is `model`, or shares its layers, or
                has layers of the same names and weights of its own;
            loss: Keras loss of `trained`, None for a classifier's;
            batches: `Batches` or `Stream`;
            class_weight: of the loss, as `keras.Model.fit` takes it, or None;
            metadata: dictionary for `save_model`;
            validate(): returns a dictionary of scores with the weights of now;
            finish(files, history): scores and saves the model, returns the metrics.
        dataset: has `digest` and `name`.
        config: `RunConfig`, resolved.
        directory, outdated, callbacks: as in `classification.train`.

    Returns:
        The dictionary that `metrics.json` holds.

    Raises:
        InputError: the weights or the checkpoint cannot be used, or loss or weights
            are no longer finite.
        OSError: a file could not be written; the last checkpoint stands.
    """
    keep_freed_memory()
    check_finite(task.model, config.weights)
    files = RunFiles(directory, dataset, config, task.metadata, outdated)
    if devices.num_processes() > 1:
        devices.agree(files.facts(task.model, dataset))
    history = files.begin(task.model)
    progress = _Progress(files, task, config, history)
    _fit(task, config, progress, files, callbacks)
    return task.finish(files, history)


def _fit(task, config, progress, files, callbacks):
    """Train the task's model phase by phase, from the checkpoint on."""
    for phase in phases.phases(
        config.epochs,
        config.recipe.learning_rate,
        bool(config.weights),
        config.freeze_until or 0,
    ):
        if progress.num_finished >= phase.end:
            continue
        for network in (task.model, task.trained):
            phases.freeze(network, phase.frozen_until)
        with devices.sharing(task.batches.batch_size):
            _fit_phase(task, config, phase, progress, files, callbacks)
    phases.freeze(task.model, 0)


def _fit_phase(task, config, phase, progress, files, callbacks):
    copy = training_copy(task.trained, config.precision)
    copy_weights(task.model, copy)  # `trained` may have weights of its own
    compile_for_training(
        copy,
        replace(config.recipe, learning_rate=phase.learning_rate),
        len(task.batches),
        phase.end - phase.first,
        task.loss,
        config.accumulate,
    )
    if progress.num_finished > phase.first or files.unfinished:
        is_within = bool(files.unfinished)
        files.restore_optimizer(State(copy) if is_within else copy.optimizer)
    # Ctrl-C is dropped where it meets JAX's callback of the garbage collector, which
    # TensorFlow brings along, too.
    with Interrupts(raises=True) as interrupts:
        check = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: interrupts.check()
        )
        own = [*task.batches.callbacks, progress, check]
        while progress.num_finished < phase.end:
            first, step = progress.num_finished, progress.num_steps
            try:
                copy.fit(
                    **task.batches.feed(first, step),
                    epochs=first + 1 if step else phase.end,
                    initial_epoch=first,
                    shuffle=False,
                    class_weight=task.class_weight,
                    callbacks=[*own, *callbacks],
                )
            except Exception:
                # What went wrong in reading, not what a backend makes of it.
                if task.batches.error:
                    raise task.batches.error from None
                raise
            if copy.stop_training:  # by a callback
                break


class _Progress(keras.callbacks.Callback):
    """A run's history, saved and shown epoch by epoch.

    Keras trains a copy of the task's model. After each epoch that model gets the
    trained weights, is saved and scored. Where the optimizer averages weights, it gets
    the averages; until the next epoch begins, the optimizer keeps what it trains.
    """

    def __init__(self, files, task, config, history):
        super().__init__()
        self._files, self._task, self._config = files, task, config
        self._plain = task.model
        self._speed = None  # in images/s
        self._every = (None, None)
        # Of several processes, whose clocks differ, the one that writes decides.
        if config.checkpoint_every and files.is_writer:
            self._every = steps_or_seconds(config.checkpoint_every)
        self._saved = time.perf_counter()
        unfinished = files.unfinished or {}
        self.num_steps = unfinished.get("step", 0)  # that the next epoch has done
        self.history = history  # a dictionary per finished epoch; grows

    @property
    def num_finished(self):
        """How many epochs are finished."""
        return len(self.history)

    def on_epoch_begin(self, epoch, logs=None):
        """Print the time left, and start the epoch's clock."""
        self._task.batches.begin_epoch(epoch)
        first_batch, self.num_steps = self.num_steps, 0
        # Within an epoch the checkpoint has the weights in training.
        if int(self.model.optimizer.iterations) and not first_batch:
            swap_averages(self.model)  # else there are no averages yet
        self._first_batch = first_batch
        if self.history:
            left = self._config.epochs - self.num_finished
            seconds = np.median([row["seconds"] for row in self.history]) * left
            print(f"About {duration(seconds)} left", flush=True)
        self._start = self._first_step = time.perf_counter()
        if self._first_batch:
            self._restore(self._files.unfinished)
            self._files.unfinished = None

    def on_train_batch_end(self, batch, logs=None):
        """Check the loss, and add the speed to Keras' progress bar."""
        if not math.isfinite(logs["loss"]):  # Keras' mean of the epoch up to here
            self._stop(
                f"the loss is {logs['loss']} at step {self._first_batch + batch + 1}"
            )
        if (batch + 1) % _STEPS_PER_LOOK == 0:
            self._check_weights(self.model)
        now = time.perf_counter()
        if batch == 0:  # which may have waited for TensorFlow to trace the network
            self._first_step = now
        else:
            num_images = batch * self._config.recipe.batch_size
            self._speed = logs["images/s"] = num_images / (now - self._first_step)
        if self._every != (None, None):
            self._save_within(self._first_batch + batch + 1)

    def _save_within(self, step):
        """Save in the middle of an epoch, if it is time to."""
        (steps, seconds), now = self._every, time.perf_counter()
        total = self.num_finished * len(self._task.batches) + step
        is_due = now - self._saved >= seconds if seconds else total % steps == 0
        if not is_due or step == len(self._task.batches):
            return
        copy_weights(self.model, self._plain)
        self._check_weights(self._plain)
        unfinished = {
            "step": step,
            "seconds": now - self._start,
            "metrics": [float(value) for value in self.model.metrics_variables],
        }
        state = State(self.model)
        self._files.save_checkpoint(self._plain, state, self.history, unfinished)
        self._saved = time.perf_counter()

    def _restore(self, unfinished):
        """Let the epoch's scores, and its clock, go on from where they were."""
        values = unfinished["metrics"]
        for variable, value in zip(self.model.metrics_variables, values, strict=True):
            variable.assign(value)
        self._start -= unfinished["seconds"]

    def on_epoch_end(self, epoch, logs=None):
        """Validate the epoch's weights and save them."""
        swap_averages(self.model)
        copy_weights(self.model, self._plain)
        self._check_weights(self._plain)
        # And back, for this rounds statistics, and a resumed run has the rounded ones.
        copy_weights(self._plain, self.model)
        with devices.alone():
            logs.update(self._task.validate())
        if not math.isfinite(logs.get("val_loss", 0)):
            self._stop(f"the validation loss is {logs['val_loss']}")
        row = {"epoch": epoch + 1} | {key: float(logs[key]) for key in sorted(logs)}
        row["images_per_second"] = self._speed
        row["peak_memory_mb"] = peak_memory_mb(self.history)
        row["seconds"] = time.perf_counter() - self._start
        self.history.append(row)
        self._files.save_checkpoint(self._plain, self.model.optimizer, self.history)
        self._saved = time.perf_counter()
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


def about(model, config, history):
    """Return what metrics.json says of every run.

    Args:
        model: `keras.Model`.
        config: `RunConfig`.
        history: list of a dictionary per epoch.
    """
    return {
        "num_parameters": model.count_params(),
        "epochs": len(history),
        "train_seconds": sum(row["seconds"] for row in history),
        "images_per_second": _median_speed(history),
        "peak_memory_mb": peak_memory_mb(history),
        "seed": config.seed,
        "versions": versions(),
    }


def peak_memory_mb(history):
    """Return the most memory that the run took, in this process or before, in MB."""
    return max(memory_mb(), *(row["peak_memory_mb"] for row in history), 0.0)


def _median_speed(history):
    """Return the median of the epochs' speeds; None if all had a single step."""
    speeds = [row["images_per_second"] for row in history]
    known = [speed for speed in speeds if speed is not None]
    return float(np.median(known)) if known else None
