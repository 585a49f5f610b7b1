"""Fine-tuning: how many photographs pretrained weights save.

The same network is trained from scratch and from weights, on 10, 20 and 60 photographs
of each class with the same number of steps, and evaluated on photographs that no run
was trained on.
"""

from dataclasses import replace

import keras
import numpy as np
from matplotlib.figure import Figure

from resnet_keras import family
from resnet_keras.accelerate.probe import default_precision
from resnet_keras.data import load_dataset
from resnet_keras.errors import InputError
from resnet_keras.experiments.report import Report
from resnet_keras.files import load_model
from resnet_keras.inference import Classifier, scores
from resnet_keras.plots import tidy
from resnet_keras.training import phases
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.config import RunConfig
from resnet_keras.training.fitting import fit
from resnet_keras.training.recipe import Recipe
from resnet_keras.training.start import network_to_train
from resnet_keras.weights import IMAGENET, holds_weights, read_weights

_SIZE = 64
# More and smaller steps than in other trainings, as there are few photographs; Adam, as
# the published figures were measured with it.
_RECIPE = Recipe(batch_size=16, optimizer="adam", learning_rate=1e-3)


def run(weights, source, out, counts=(10, 20, 60), seed=0, quick=False):
    """Train on different numbers of photographs, from scratch and from weights.

    Args:
        weights: a model, or weights of any naming scheme.
        source: photographs, as `load_dataset` reads them.
        out: directory for `fine-tune.csv`, `.png` and `.txt`.
        counts: photographs per class, ascending; the larger sets hold the smaller.
        seed: of the choice of photographs and of training.
        quick: whether to take seconds, to see that it works.

    Returns:
        `(rows, verdict)`: a row per run, and words. A row of 0 photographs is the
        pretrained model as it is, where it knows the same classes.

    Raises:
        InputError: the weights or the source cannot be used, or a class has too few
            photographs to leave any for the test.
    """
    size, shown, epochs = (32, 48, 2) if quick else (_SIZE, 720, 7)
    name = _network_of(weights)
    dataset = load_dataset(source, size)
    images = np.concatenate([dataset.train.images, dataset.test.images])
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    chosen = _choose(dataset, labels, counts[-1], seed)
    shown = max(shown, counts[-1] * len(chosen))
    test = np.setdiff1d(np.arange(len(labels)), np.concatenate(chosen))
    precision = default_precision()
    report = Report(
        "fine-tune",
        out,
        f"{name} from scratch and from {weights}, {epochs * shown} images shown in "
        f"each run, in {precision}, evaluated on {len(test)} photographs of "
        f"{dataset.name}.",
        2 * len(counts),
    )
    rows = []

    def add(start, number, classifier):
        result = scores(classifier.probabilities(images[test]), labels[test])
        rows.append(
            {
                "start": start,
                "photographs_per_class": number,
                "test_accuracy": result["accuracy"],
                "test_loss": result["loss"],
            }
        )

    untrained = _without_training(weights, dataset.class_names, size)
    if untrained:
        add("pretrained", 0, untrained)
    for number in counts:
        taken = np.concatenate([rows_of_class[:number] for rows_of_class in chosen])
        repeated = np.resize(taken, shown)  # each as often as the others
        for start in ("scratch", "pretrained"):
            report.begin(f"{start}, {number} photographs per class")
            begin = None if start == "scratch" else weights
            classifier = _train(
                name, begin, images, labels, repeated, epochs, seed, precision
            )
            add(start, number, classifier)
            report.end(f"accuracy {rows[-1]['test_accuracy']:.1%}")
            keras.backend.clear_session()
    return report.finish(rows, figure(rows), verdict(findings(rows)))


def _network_of(weights):
    depth = read_weights(weights).depth
    for name in (f"resnet{depth}", f"resnet-cifar-{depth}"):
        if name in family.NETWORKS:
            return name
    raise InputError(f"{weights}: has {depth} layers, as no network of the family.")


def _choose(dataset, labels, number, seed):
    """Return, for each class, the rows of `number` photographs, in random order."""
    rng = np.random.default_rng(seed)
    chosen = []
    for label, name in enumerate(dataset.class_names):
        rows = rng.permutation(np.flatnonzero(labels == label))
        if len(rows) <= number:
            raise InputError(
                f"{dataset.source}: has {len(rows)} images of class {name!r}; expected "
                f"more than {number}, to leave some for the test."
            )
        chosen.append(rows[:number])
    return chosen


def _without_training(weights, class_names, size):
    """Return the pretrained model if it is one of the same classes, or None."""
    if weights == IMAGENET or holds_weights(weights):  # there is no network
        return None
    model, metadata = load_model(weights)
    is_same = metadata.get("class_names") == class_names
    fits = model.input_shape[1:] == (size, size, 3)
    return Classifier(model, metadata, str(weights)) if is_same and fits else None


def _train(name, weights, images, labels, rows, epochs, seed, precision):
    """Return a classifier trained on the rows given, each as often as it is listed."""
    num_classes = int(labels.max()) + 1
    config = RunConfig(
        model=name,
        recipe=_RECIPE,
        image_size=images.shape[1],
        seed=seed,
        weights=weights and str(weights),
    )
    model, preprocessing = network_to_train(config, num_classes)
    classifier = Classifier(model, {"preprocessing": preprocessing})
    batches = Batches(
        images,
        np.eye(num_classes, dtype=np.float32)[labels],
        rows,
        _RECIPE.batch_size,
        _RECIPE,
        seed,
        prepare=lambda batch: classifier.preprocess(255 * batch),
    )
    rate = _RECIPE.learning_rate
    for phase in phases.phases(epochs, rate, weights is not None):
        phases.freeze(model, phase.frozen_until)
        recipe = replace(_RECIPE, learning_rate=phase.learning_rate)
        fit(model, batches, recipe, range(phase.first, phase.end), precision)
    classifier.update()
    return classifier


def findings(rows):
    """Return test accuracies.

    Args:
        rows: as `run` returns them.

    Returns:
        Dictionary from photographs per class to the accuracies `scratch`, None for 0
        photographs, and `pretrained`.
    """
    accuracy = {
        (row["start"], row["photographs_per_class"]): row["test_accuracy"]
        for row in rows
    }
    return {
        number: {
            start: accuracy.get((start, number)) for start in ("scratch", "pretrained")
        }
        for number in sorted({number for _, number in accuracy})
    }


def verdict(found):
    """Return in words what `findings` returned."""
    sentences = []
    for number, accuracy in found.items():
        scratch, tuned = accuracy["scratch"], accuracy["pretrained"]
        sentences.append(
            f"With {number} per class: {scratch:.1%} from scratch, {tuned:.1%} "
            f"fine-tuned ({100 * (tuned - scratch):+.1f} points)."
            if number
            else f"Without training: {tuned:.1%}."
        )
    return " ".join([*sentences, "All of one seed."])


def figure(rows):
    """Draw accuracy against photographs per class, from scratch and fine-tuned."""
    result = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = result.subplots()
    counts = sorted({row["photographs_per_class"] for row in rows} - {0})
    for start, label, colour in (
        ("pretrained", "fine-tuned", "#c44e52"),
        ("scratch", "from scratch", "#4c72b0"),
    ):
        points = {
            row["photographs_per_class"]: row["test_accuracy"]
            for row in rows
            if row["start"] == start
        }
        if 0 in points:
            text = "pretrained, without training"
            axes.axhline(points.pop(0), color=colour, linestyle=":", label=text)
        axes.plot(points.keys(), points.values(), "o-", color=colour, label=label)
    axes.set_xscale("log")
    axes.set_xticks(counts, counts)
    axes.minorticks_off()
    axes.set(xlabel="photographs per class", ylabel="test accuracy", ylim=(0, 1))
    tidy(axes, grid=False)
    axes.legend(frameon=False, loc="lower right")
    return result
