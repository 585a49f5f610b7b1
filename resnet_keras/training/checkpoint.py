"""The files of a training run: its settings, its checkpoint, its history."""

import csv
import math
from pathlib import Path

from resnet_keras.errors import InputError
from resnet_keras.files import load_model, load_optimizer, save_model
from resnet_keras.files.finite import check_finite
from resnet_keras.files.writing import remove_leftovers, write_json, write_whole
from resnet_keras.training.config import Provenance


class RunFiles:
    """A run's directory, and what is known of the run before it trains.

    Args:
        directory: where the files go; made if need be.
        dataset: `Dataset`.
        config: `RunConfig`, resolved.
        metadata: dictionary with `class_names` and `preprocessing`.
    """

    def __init__(self, directory, dataset, config, metadata):
        self.directory = Path(directory)
        self._checkpoint = self.directory / "checkpoint.h5"
        self._provenance = Provenance.of(dataset, config)
        self._settings = config.as_dict() | self._provenance.as_dict()
        self._metadata, self._data_name = metadata, dataset.name

    def begin(self, model):
        """Load the checkpoint if there is one, or write the settings.

        Args:
            model: gets the weights of the checkpoint.

        Returns:
            The history: a dictionary per finished epoch.

        Raises:
            InputError: the checkpoint is not of this run, or its weights are not
                finite.
        """
        remove_leftovers(self.directory)
        path = self._checkpoint
        if not path.exists():
            write_json(self.directory / "config.json", self._settings)
            return []
        saved, metadata = load_model(path)
        try:
            provenance = metadata["provenance"]
            before = Provenance.from_dict(provenance["config"])
            history = [_finite(row) for row in provenance["history"]]
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
        threads = before.threads, self._provenance.threads
        if threads[0] not in (None, threads[1]):
            print(
                f"{path}: {threads[0]} threads shared an operation when this run began "
                f"and {threads[1]} do now, so its last bits will differ from those of "
                "an uninterrupted one",
                flush=True,
            )
        return history

    def restore_optimizer(self, optimizer):
        """Give the optimizer the state that it has in the checkpoint."""
        load_optimizer(self._checkpoint, optimizer)

    def save_checkpoint(self, model, optimizer, history):
        """Keep what is needed to go on after the last epoch of `history`."""
        self._save(model, self._checkpoint, optimizer, history=history)

    def save_model(self, model, metrics):
        """Write the finished model."""
        self._save(model, self.directory / "model.h5", metrics=metrics)

    def _save(self, model, path, optimizer=None, **more):
        provenance = {"data": self._data_name, "config": self._settings, **more}
        metadata = {**self._metadata, "provenance": provenance}
        save_model(model, path, metadata, optimizer=optimizer)

    def write_history(self, history):
        """Write a row per finished epoch."""
        with (
            write_whole(self.directory / "history.csv") as temporary,
            temporary.open("w", newline="") as file,
        ):
            writer = csv.DictWriter(file, fieldnames=history[0])
            writer.writeheader()
            writer.writerows(history)

    def finish(self, metrics):
        """Write the scores, and remove the checkpoint of the finished run."""
        write_json(self.directory / "metrics.json", metrics)
        self._checkpoint.unlink(missing_ok=True)


def _finite(row):
    """Return a row of history with None for numbers that are none.

    Version 0.1 wrote NaN for the speed of an epoch with one step.
    """
    return {
        key: None if value is None or not math.isfinite(value) else value
        for key, value in row.items()
    }
