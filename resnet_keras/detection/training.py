"""Training a detector: what validates, how it is scored, what a run leaves."""

from pathlib import Path

import numpy as np

from resnet_keras import plots
from resnet_keras.detection import report
from resnet_keras.detection.batches import ObjectBatches
from resnet_keras.detection.evaluation import (
    LEAST_SCORE,
    best_threshold,
    evaluate_detections,
)
from resnet_keras.detection.finder import Finder
from resnet_keras.detection.losses import DetectionLoss
from resnet_keras.detection.network import detector
from resnet_keras.detection.targets import flat, of_model
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING
from resnet_keras.nets.initialization import varied_initializer
from resnet_keras.training import loop
from resnet_keras.training.start import network_to_train

_VALIDATION_FRACTION = 0.1
_MOST_VALIDATING = 200  # some 500 objects; predicting more would take long


def train_detector(
    dataset, directory, config, verbose=False, outdated=(), callbacks=()
):
    """Train a detector on `dataset`, and leave everything about it in `directory`.

    It goes as `resnet_keras.training.train` does, checkpoints and all: the backbone is
    the configuration's network, from scratch or from weights. A tenth of the training
    pictures, 200 at most, validates each epoch, and at the end the threshold that the
    model's metadata names. The test pictures are used once, at the end.

    Args:
        dataset: `DetectionDataset`.
        config: `RunConfig`, for example of the recipe "detection".
        directory, verbose, outdated, callbacks: as in `resnet_keras.training.train`.

    Returns:
        The dictionary that `metrics.json` holds.

    Raises:
        InputError: no picture trains, none has an object, pycocotools is missing, the
            weights or the checkpoint cannot be used, or loss or weights are no longer
            finite.
        OSError: a file could not be written; the last checkpoint stands.

    Example:

    >>> from resnet_keras.detection import load_detection, train_detector
    >>> from resnet_keras.training import RECIPES, RunConfig
    >>> config = RunConfig(
    ...     model="resnet18", image_size=128, recipe=RECIPES["detection"])
    >>> train_detector(load_detection(), "runs/scenes", config)  # doctest: +SKIP
    """
    config = config.resolved(dataset)
    task = Detection(dataset, config, verbose)
    return loop.run(task, dataset, directory, config, outdated, callbacks)


class Detection:
    """A detector in training, as `loop.run` takes a task.

    Args:
        dataset: `DetectionDataset`.
        config: `RunConfig`, resolved.
        verbose: whether to print which weights went where.
    """

    class_weight = None

    def __init__(self, dataset, config, verbose=False):
        self._dataset, self._config = dataset, config
        self._train_rows, held_out = _hold_out(dataset, config.seed)
        self._validation = dataset.train[held_out]
        names = dataset.class_names
        # The head that names whole pictures is left out, but for two classes or more.
        backbone, preprocessing = network_to_train(config, max(2, len(names)), verbose)
        # With seeds of its own: the head's are not those of the first stages.
        initializer = varied_initializer([config.seed, 1])
        self.model = detector(backbone, len(names), initializer=initializer)
        self.trained = flat(self.model)
        self.loss = DetectionLoss(of_model(self.model))
        self.metadata = {
            "task": "detector",
            "class_names": list(names),
            "preprocessing": preprocessing | {"resize": "letterbox"},
        }
        self._finder = Finder(self.model, self.metadata)
        prepare = None
        if preprocessing != PREPROCESSING:

            def prepare(batch):
                return self._finder.preprocess(255 * batch)

        self.batches = ObjectBatches(
            dataset.train, self._train_rows, config.recipe, config.seed, prepare
        )

    def validate(self):
        """Return COCO's first figures on the validation pictures, by their names."""
        self._finder.update()
        if not sum(map(len, self._validation.labels)):
            return {}
        found = self._find(self._validation)
        result = evaluate_detections(
            self._validation, found, self._dataset.class_names, threshold=0.5
        )
        return {f"val_{name}": result[name] for name in ("AP", "AP50", "AP75")}

    def finish(self, files, history):
        """Score the model, and write it with its figures; return the metrics."""
        test, names = self._dataset.test, self._dataset.class_names
        validates = sum(map(len, self._validation.labels)) > 0
        if validates:
            found = self._find(self._validation)
            self.metadata["threshold"], _ = best_threshold(self._validation, found)
        threshold = self.metadata.get("threshold")
        figures, scores = {"curves.png": plots.ap_curves(history)}, {}
        if sum(map(len, test.labels)):
            found = self._find(test)
            result = evaluate_detections(test, found, names, threshold)
            scores = report.as_metrics(test, result, names)
            figures |= report.figures(test, found, result, names)
        metrics = {
            **scores,
            "threshold": threshold,
            "validation_AP": history[-1].get("val_AP"),
            "num_train_images": len(self._train_rows),
            "num_validation_images": len(self._validation),
            "num_test_images": len(test),
            **loop.about(self.model, self._config, history),
        }
        files.save_model(self.model, metrics)
        for name, figure in figures.items():
            plots.save(figure, Path(files.directory) / name)
        files.finish(metrics)
        return metrics

    def _find(self, pictures):
        """Return the `Found` of pictures, in pixels of their squares."""
        return self._finder.find(pictures.images, threshold=LEAST_SCORE)


def _hold_out(dataset, seed):
    """Return the rows of the pictures that train, and of those that validate."""
    number, objects = len(dataset.train), sum(map(len, dataset.train.labels))
    if not objects:
        raise InputError(
            f"{dataset.source}: {number} training pictures have no object; expected "
            "some with boxes."
        )
    if dataset.num_validation:
        rows = np.arange(number)
        return rows[: -dataset.num_validation], rows[-dataset.num_validation :]
    rows = np.random.default_rng(seed).permutation(number)
    held_out = min(round(_VALIDATION_FRACTION * number), _MOST_VALIDATING)
    return np.sort(rows[held_out:]), np.sort(rows[:held_out])
