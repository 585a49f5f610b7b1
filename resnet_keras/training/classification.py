"""Training a classifier: what validates, how it is scored, what a run leaves."""

import math
from pathlib import Path

import numpy as np

from resnet_keras import plots
from resnet_keras.data import Split, stratified_split
from resnet_keras.data.arrays import Chosen, Joined
from resnet_keras.distributed import devices
from resnet_keras.errors import InputError
from resnet_keras.files import PREPROCESSING
from resnet_keras.inference import Classifier, scores
from resnet_keras.inference.answering import KEY, Answering
from resnet_keras.inference.metrics import never_predicted
from resnet_keras.training import loop
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.diagnosis import diagnose
from resnet_keras.training.fitting import network_in_training
from resnet_keras.training.model_card import write_model_card
from resnet_keras.training.recipe import RECIPES
from resnet_keras.training.start import network_to_train
from resnet_keras.training.streaming import Stream

_VALIDATION_FRACTION = 0.1
_MOST_VALIDATING = 500  # enough to know the accuracy to a point or two
_ON_TEST = (  # of `scores`
    *("accuracy", "interval", "balanced_accuracy", "macro_f1", "loss", "confusion"),
)
_IN_MEMORY_BYTES = 512 * 2**20  # of validation images, decoded, of a streamed set
_NUM_TRAIN_SCORED = 1000  # of the training images at most, for their score


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


def train(dataset, directory, config, verbose=False, outdated=(), callbacks=()):
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
        callbacks: Keras callbacks, to watch the training.

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
    config = config.resolved(dataset)
    task = Classification(dataset, config, verbose)
    return loop.run(task, dataset, directory, config, outdated, callbacks)


class Classification:
    """A classifier in training, as `loop.run` takes a task.

    Args:
        dataset: `Dataset`.
        config: `RunConfig`, resolved.
        verbose: whether to print which weights went where.
    """

    loss = None  # the recipe's

    def __init__(self, dataset, config, verbose=False):
        self._dataset, self._config = dataset, config
        self._train_rows, self._held_out = hold_out(
            dataset.train.labels, config.seed, dataset.num_validation
        )
        self._validating = dataset.train, self._held_out
        if dataset.is_streamed:
            part = dataset.train.take(self._held_out)
            if part.images.nbytes <= _IN_MEMORY_BYTES:  # decode once, not each epoch
                part = Split(part.images[:], part.labels)
            self._validating = part, np.arange(len(part))
        names = dataset.class_names
        self.model, preprocessing = network_to_train(config, len(names), verbose)
        self.trained = network_in_training(self.model, config.recipe)
        self.metadata = {"class_names": names, "preprocessing": preprocessing}
        self._classifier = Classifier(self.model, self.metadata)
        self.batches = self._batches(preprocessing)
        self.class_weight = None
        if config.balance:
            self.class_weight = balanced_weights(
                self._labels()[self._shown()], len(names)
            )

    def _labels(self):
        """Return the labels of the training images, and then of the extra ones."""
        train, extra = self._dataset.train, self._dataset.extra
        return np.concatenate([train.labels, extra.labels]) if extra else train.labels

    def _shown(self):
        """Return the rows that an epoch shows, those of the data perhaps repeatedly."""
        train, extra = self._dataset.train, self._dataset.extra
        rows = np.repeat(self._train_rows, self._config.repeats(self._dataset))
        if extra:
            rows = np.append(rows, len(train) + np.arange(len(extra)))
        return rows

    def _batches(self, preprocessing):
        prepare = None
        if preprocessing != PREPROCESSING:

            def prepare(batch):
                return self._classifier.preprocess(255 * batch)

        images, extra = self._dataset.train.images, self._dataset.extra
        images = Joined(images, extra.images) if extra else images
        labels, num_classes = self._labels(), len(self._dataset.class_names)
        settings = (
            self._shown(),
            self._config.recipe.batch_size,
            self._config.recipe,
            self._config.seed,
            prepare,
            self._config.accumulate,
        )
        if self._dataset.is_streamed:
            return Stream(images, labels, num_classes, *settings)
        one_hot = np.eye(num_classes, dtype=np.float32)[labels]
        return Batches(images, one_hot, *settings)

    def validate(self):
        """Return accuracy and loss on the validation images, by their names."""
        self._classifier.update()
        if not len(self._held_out):
            return {}
        result = score_rows(self._classifier, *self._validating)
        return {"val_accuracy": result["accuracy"], "val_loss": result["loss"]}

    def finish(self, files, history):
        """Score the model, and write it with its figures; return the metrics."""
        dataset, config, classifier = self._dataset, self._config, self._classifier
        test, names, train_rows = dataset.test, dataset.class_names, self._train_rows
        on_test, figures, hidden = dict.fromkeys(_ON_TEST), {}, []
        if len(test):
            probabilities = devices.together(
                lambda rows: classifier.probabilities(Chosen(test.images, rows)),
                len(test),
            )
            on_test = scores(probabilities, test.labels)
            hidden = never_predicted(on_test, names)
            wrong = plots.mistakes(test.images, test.labels, probabilities, names)
            confusion = plots.confusion(on_test["confusion"], names)
            on_test["confusion"] = on_test["confusion"].tolist()
            figures = {"confusion.png": confusion, "mistakes.png": wrong}
        rng = np.random.default_rng(config.seed)
        sample = np.sort(rng.permutation(train_rows)[:_NUM_TRAIN_SCORED])
        images, labels = dataset.train.images, dataset.train.labels
        seen = classifier.probabilities_and_features(images[sample])
        on_train = scores(seen[0], labels[sample])
        for part, found in (("test", on_test), ("training", on_train)):
            if found["loss"] is not None and not math.isfinite(found["loss"]):
                raise InputError(
                    f"{files.directory}: the loss on the {part} images is "
                    f"{found['loss']}; the checkpoint of the last epoch is kept. Begin "
                    "again with --overwrite and a lower --learning-rate."
                )
        if len(self._held_out):
            part, rows = self._validating
            found = classifier.probabilities_and_features(part.take(rows).images)
            answering = Answering.fit(*found, part.labels[rows], seen)
            self.metadata.update(answering.as_metadata() if answering else {})
        metrics = {
            "answers_all": KEY not in self.metadata,
            **{f"test_{name}": on_test[name] for name in _ON_TEST},
            "train_accuracy": on_train["accuracy"],
            "train_loss": on_train["loss"],
            "validation_accuracy": history[-1].get("val_accuracy"),
            "num_train_images": len(train_rows),
            "num_train_images_scored": len(sample),
            "num_extra_images": len(dataset.extra or ()),
            "num_validation_images": len(dataset.train) - len(train_rows),
            "num_test_images": len(test),
            **loop.about(self.model, config, history),
        }
        usual = RECIPES["default"].statistics_momentum
        metrics["warnings"] = hidden + diagnose(
            metrics, history[-1], len(names), config.recipe.statistics_momentum > usual
        )
        if not files.is_writer:
            return metrics
        # Of a thousand classes the confusion is larger than a file's texts may be.
        brief = {key: metrics[key] for key in metrics if key != "test_confusion"}
        files.save_model(self.model, brief)
        for name, figure in {"curves.png": plots.curves(history), **figures}.items():
            plots.save(figure, Path(files.directory) / name)
        card = Path(files.directory) / "model_card.md"
        write_model_card(card, dataset, config, metrics)
        files.finish(metrics)
        return metrics


def balanced_weights(labels, num_classes):
    """Return the weight of each class in the loss that makes them count alike.

    Args:
        labels: int (num_images,).
        num_classes: int.

    Returns:
        Dictionary as `keras.Model.fit` takes it; the mean over the images is 1.

    Example:

    >>> balanced_weights(np.array([0, 0, 0, 1]), num_classes=2)
    {0: 0.6666666666666666, 1: 2.0}
    """
    counts = np.bincount(labels, minlength=num_classes)
    number = int(np.count_nonzero(counts))
    return {
        label: len(labels) / (number * count) if count else 0.0
        for label, count in enumerate(counts.tolist())
    }


def score_rows(classifier, split, rows):
    """Return the `scores` of some images of a `Split`, at most 1024 in memory."""
    return scores(_probabilities(classifier, split, rows), split.labels[rows])


def _probabilities(classifier, split, rows):
    def of_part(part):
        chosen = rows[part]
        return np.concatenate(
            [
                classifier.probabilities(split.images[chosen[start : start + 1024]])
                for start in range(0, len(chosen), 1024)
            ]
        )

    return devices.together(of_part, len(rows))
