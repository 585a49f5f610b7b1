"""The files of a training run: settings, checkpoint, history, model and scores."""

import hashlib
import math
from pathlib import Path

import keras
import numpy as np

from resnet_keras.data import HANDS
from resnet_keras.data.arrays import chunks
from resnet_keras.distributed import devices
from resnet_keras.errors import InputError
from resnet_keras.files import load_model, load_optimizer, save_model
from resnet_keras.files.finite import check_finite
from resnet_keras.files.writing import remove_leftovers, write_csv, write_json
from resnet_keras.training.config import NUMERIC, Provenance

# Of the settings, what processes may have otherwise, or what is compared by parts.
_OF_EACH_PROCESS = ("data", "extra", "weights", "threads", "versions", "settings")


class RunFiles:
    """A run's directory, and what is known of the run before training.

    Of several processes all read it, and process 0 writes.

    Args:
        directory: where the files go; made if need be.
        dataset: `Dataset`.
        config: `RunConfig`, resolved.
        metadata: dictionary with `class_names` and `preprocessing`.
        outdated: paths of an earlier run's files, its config.json first, which are
            removed once there is a checkpoint.
    """

    def __init__(self, directory, dataset, config, metadata, outdated=()):
        self.directory = Path(directory)
        self._checkpoint = self.directory / "checkpoint.h5"
        self._new = self.directory / "new-checkpoint.h5"  # beside an earlier run
        self._provenance = Provenance.of(dataset, config)
        self._settings = config.as_dict() | self._provenance.as_dict()
        self._metadata, self._data_name = metadata, dataset.name
        self._outdated = outdated
        self.is_writer = devices.process_index() == 0
        self.unfinished = None  # of an epoch, as `save_checkpoint` takes it

    def facts(self, model, dataset):
        """Return what all processes of a run must have alike, by name.

        Paths may differ from machine to machine, what they hold may not.

        Args:
            model: with its initial weights.
            dataset: `Dataset`, whose pixels are compared, but for drawn hands: they
                may differ by a bit between machines.
        """
        given = self._settings.items()
        parts = [dataset.train, dataset.test, getattr(dataset, "extra", None)]
        # Those of a streamed set are read when it is their turn.
        is_known = not getattr(dataset, "is_streamed", False)
        pixels = [part.images for part in filter(None, parts) if is_known]
        versions = self._provenance.versions
        has_checkpoint = self._checkpoint.exists() and not self._outdated
        return {
            **{key: value for key, value in given if key not in _OF_EACH_PROCESS},
            **self._settings["settings"],
            **{key: versions[key] for key in NUMERIC if key in versions},
            "pixels": None if self._settings["data"] == HANDS else checksum(pixels),
            "initial weights": checksum(model.get_weights()),
            "files to be replaced": [path.name for path in self._outdated],
            f"the checkpoint in {self.directory}": checksum(
                [np.fromfile(self._checkpoint, np.uint8)] if has_checkpoint else []
            ),
        }

    def begin(self, model):
        """Load the checkpoint if there is one, or write the settings.

        To replace an earlier run, they are written with the first checkpoint.

        Args:
            model: gets the weights of the checkpoint.

        Returns:
            The history: a dictionary per finished epoch.

        Raises:
            InputError: the checkpoint is not of this run, or its weights are not
                finite.
        """
        if self.is_writer:
            remove_leftovers(self.directory)
            self._new.unlink(missing_ok=True)
        path = self._checkpoint
        if self._outdated:
            return []
        if not path.exists():
            self._write_settings()
            return []
        saved, metadata = load_model(path)
        try:
            provenance = metadata["provenance"]
            before = Provenance.from_dict(provenance["config"])
            history = [_finite(row) for row in provenance["history"]]
            self.unfinished = provenance.get("unfinished")
            model.set_weights(saved.get_weights())
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path}: does not fit this run ({error}). Use --overwrite to begin "
                "again."
            ) from error
        if difference := before.difference(self._provenance):
            raise InputError(
                f"{path}: {difference}, or use --overwrite, or --out for another place."
            )
        check_finite(model, path)
        for count, what in (("threads", "an operation"), ("devices", "a batch")):
            then, now = getattr(before, count), getattr(self._provenance, count)
            if then not in (None, now):
                print(
                    f"{path}: {then} {count} shared {what} when this run began and "
                    f"{now} do now, so its last bits will differ from those of an "
                    "uninterrupted one",
                    flush=True,
                )
        return history

    def restore_optimizer(self, optimizer):
        """Give the optimizer, or `State`, what it has in the checkpoint."""
        load_optimizer(self._checkpoint, optimizer)

    def save_checkpoint(self, model, optimizer, history, unfinished=None):
        """Save what is needed to go on after the last epoch of `history`.

        Args:
            model: the plain network.
            optimizer: of its training copy; within an epoch its `State`.
            history: a dictionary per finished epoch.
            unfinished: what is to be known of an epoch that is not, as JSON takes it.
        """
        if not self.is_writer:
            return
        known = {"history": history}
        if unfinished:
            known["unfinished"] = unfinished
        if not self._outdated:
            self._save(model, self._checkpoint, optimizer, **known)
            return
        # The earlier run is whole until the new checkpoint is. If the process ends
        # after that, there is no config.json, so that files of both are no run.
        self._save(model, self._new, optimizer, **known)
        for path in self._outdated:
            path.unlink(missing_ok=True)
        self._new.rename(self._checkpoint)
        self._write_settings()
        self._outdated = ()

    def _write_settings(self):
        if self.is_writer:
            write_json(self.directory / "config.json", self._settings)

    def save_model(self, model, metrics):
        """Write the finished model."""
        self._save(model, self.directory / "model.h5", metrics=metrics)

    def _save(self, model, path, optimizer=None, **more):
        provenance = {"data": self._data_name, "config": self._settings, **more}
        metadata = {**self._metadata, "provenance": provenance}
        save_model(model, path, metadata, optimizer=optimizer)

    def write_history(self, history):
        """Write a row per finished epoch."""
        if self.is_writer:
            write_csv(self.directory / "history.csv", history)

    def finish(self, metrics):
        """Write the scores, and remove the checkpoint of the finished run."""
        write_json(self.directory / "metrics.json", metrics)
        self._checkpoint.unlink(missing_ok=True)


def checksum(arrays):
    """Return a hash of what arrays hold, as a short text."""
    found = hashlib.blake2b(digest_size=8)
    for array in arrays:
        for _, rows in chunks(array):
            found.update(np.ascontiguousarray(rows))
    return found.hexdigest()


class State:
    """A training copy's optimizer and moving averages, saved as an optimizer is.

    The plain network has those averages but for a rounding, which a run that goes on
    does not have.

    Args:
        copy: compiled `keras.Model`.
    """

    def __init__(self, copy):
        self._optimizer = copy.optimizer
        self._averages = [
            variable
            for layer in copy.layers
            if isinstance(layer, keras.layers.BatchNormalization)
            for variable in (layer.moving_mean, layer.moving_variance)
        ]

    @property
    def variables(self):
        """All that is saved, in any order."""
        return [*self._optimizer.variables, *self._averages]

    def save_own_variables(self, store):
        """Write arrays into an HDF5 group."""
        self._optimizer.save_own_variables(store)
        for number, variable in enumerate(self._averages):
            store[f"average {number}"] = keras.ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        """Read what `save_own_variables` wrote."""
        arrays = {key: store[key][()] for key in store}
        for number, variable in enumerate(self._averages):
            variable.assign(arrays.pop(f"average {number}"))
        self._optimizer.load_own_variables(arrays)


def _finite(row):
    """Return a row of history with None for NaN.

    Version 0.1 wrote NaN for the speed of an epoch with one step.
    """
    return {
        key: None if value is None or not math.isfinite(value) else value
        for key, value in row.items()
    }
