"""Answering: what tells pictures of no class from pictures of one, and how surely.

A threshold is set on validation images, so that 97 % of them are answered; then test
images should be answered and pictures that show no class should not.
"""

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from resnet_keras.data import HANDS, load_dataset
from resnet_keras.experiments.report import Report
from resnet_keras.files import load_model
from resnet_keras.hands import iter_scenes
from resnet_keras.inference import Answering, Classifier, calibration_error
from resnet_keras.inference.virtual_logit import VirtualLogit
from resnet_keras.training.classification import hold_out

OURS = "virtual logit"  # by which `predict` decides
_ANSWERED = 0.97
_NUM_PICTURES = 200  # of each kind
_NUM_TRAINED = 1000  # training images whose features are known
_NEAREST = 10  # neighbours


def run(source, models, out, seed=0, quick=False):
    """Measure what each model answers, by several measures of how sure it is.

    Args:
        source: the data that the models were trained on, as `load_dataset` reads them.
        models: list of files of models that were trained here, with seeds of their own.
        out: directory for `answering.csv`, `.png` and `.txt`.
        seed: of the pictures that show no class.
        quick: whether to take a few of these only.

    Returns:
        `(rows, verdict)`: a row per model and measure, and words.

    Raises:
        InputError: a file or the source cannot be used.
    """
    report = Report(
        "answering",
        out,
        f"pictures of no class beside the test images of {source}; {_ANSWERED:.0%} of "
        "the validation images are answered.",
        len(models),
    )
    dataset, rows, sure = None, [], []
    for path in models:
        report.begin(path)
        model, metadata = load_model(path)
        classifier = Classifier(model, metadata, path)
        config = metadata.get("provenance", {}).get("config", {})
        seed_of_model = config.get("seed", 0)  # which images it never saw
        if dataset is None:
            dataset = load_dataset(source, (classifier.height, classifier.width))
            number = 20 if quick else _NUM_PICTURES
            strange = pictures_of_no_class(dataset, number, seed)
        of_model, probabilities = _measure(
            path, classifier, seed_of_model, dataset, strange
        )
        rows += of_model
        sure.append(probabilities)
        ours = of_model[0]
        report.end(f"{ours['answered']:.1%} answered, {ours['rejected']:.1%} rejected")
    labels = np.tile(dataset.test.labels, len(models))
    error = calibration_error(np.concatenate([each[0] for each in sure]), labels)
    before = calibration_error(np.concatenate([each[1] for each in sure]), labels)
    return report.finish(rows, figure(rows), verdict(rows, error, before))


def pictures_of_no_class(dataset, number, seed=0):
    """Return pictures that show none of the classes, by kind.

    Args:
        dataset: `Dataset` of hands, or of objects in the middle of their pictures.
        number: of each kind.
        seed: int.

    Returns:
        Dictionary from a kind to uint8 (number, height, width, 3).
    """
    size = dataset.test.images.shape[1:3]
    rng = np.random.default_rng([seed, 7])
    kinds = {
        "drawn backgrounds": _backgrounds(number, seed),
        "corners of drawn scenes": _scene_corners(number, seed),
        "blotches": [_blotches(rng) for _ in range(number)],
        "stripes": [_stripes(rng) for _ in range(number)],
    }
    if dataset.name != HANDS:  # there hands reach into the corners
        kinds["corners of the photographs"] = _corners(dataset.test.images, number, rng)
    return {
        kind: np.stack([_resized(each, size) for each in images])
        for kind, images in kinds.items()
    }


def _backgrounds(number, seed):
    scenes = iter_scenes(10 * number, 64, 1, seed=seed + 1, min_hands=0)
    return _first(number, (each.image for each in scenes if not len(each.labels)))


def _scene_corners(number, seed):
    """Return corners of 64 pixels that no hand's box touches."""

    def corners():
        for scene in iter_scenes(10 * number, 256, 1, seed=seed + 2, min_hands=0):
            for top, left in ((0, 0), (0, 192), (192, 0), (192, 192)):
                x_min, y_min, x_max, y_max = scene.boxes.reshape(-1, 4).T
                touches = (x_min < left + 64) & (x_max > left)
                touches &= (y_min < top + 64) & (y_max > top)
                if not touches.any():
                    yield scene.image[top : top + 64, left : left + 64]

    return _first(number, corners())


def _corners(images, number, rng):
    """Return the upper corners of pictures, a third of a side, left or right."""
    side = images.shape[1] // 3
    chosen = rng.integers(len(images), size=number)
    lefts = rng.integers(2, size=number) * (images.shape[2] - side)
    return [
        images[row][:side, left : left + side]
        for row, left in zip(chosen, lefts, strict=True)
    ]


def _blotches(rng):
    cells = rng.integers(2, 17)
    return _resized(rng.integers(0, 256, (cells, cells, 3), np.uint8), (64, 64))


def _stripes(rng):
    y, x = np.mgrid[:64, :64]
    angle, width = rng.uniform(0, np.pi), rng.uniform(0.05, 0.8)
    wave = (np.sin((x * np.cos(angle) + y * np.sin(angle)) * width) + 1) / 2
    one, other = rng.integers(0, 256, (2, 3))
    return (wave[..., None] * one + (1 - wave[..., None]) * other).astype(np.uint8)


def _first(number, images):
    return [image for image, _ in zip(images, range(number), strict=False)]


def _resized(image, size):
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.BICUBIC))


def _measure(path, classifier, seed, dataset, strange):
    """Return a row per measure, and the test images' probabilities, ours and plain."""
    train, see = dataset.train, classifier.probabilities_and_features
    rows, held_out = hold_out(train.labels, seed, dataset.num_validation)
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_NUM_TRAINED])
    trained = see(train.images[rows])
    parts = {
        "validation": see(train.images[held_out]),
        "test": see(dataset.test.images),
        **{kind: see(images) for kind, images in strange.items()},
    }
    labels = train.labels[held_out]
    # That of a file may be of a version without the virtual logit.
    logit = VirtualLogit.fit(trained, parts["validation"], _ANSWERED)
    answering = classifier.answering or Answering.fit(
        *parts["validation"], labels, trained
    )
    known = _unit(trained[1])

    def nearest(_, features):
        return np.sort(_unit(features) @ known.T, axis=1)[:, -_NEAREST]

    def by_logits(measure):
        return lambda p, _: measure(np.log(np.maximum(p, 1e-30)))

    measures = {
        OURS: logit.scores,
        "probability": lambda p, _: p.max(1),
        "probability, at the temperature": lambda p, _: answering.calibrated(p).max(1),
        "entropy": by_logits(lambda z: (np.exp(z) * z).sum(1)),
        "largest logit less mean": by_logits(lambda z: z.max(1) - z.mean(1)),
        "features' nearest neighbours": nearest,
    }
    found = []
    for name, measure in measures.items():
        least = np.quantile(measure(*parts["validation"]), 1 - _ANSWERED)
        shares = {
            kind: float((measure(*parts[kind]) < least).mean()) for kind in strange
        }
        found.append(
            {
                "model": path,
                "measure": name,
                "answered": float((measure(*parts["test"]) >= least).mean()),
                "rejected": float(np.mean([*shares.values()])),
                **shares,
            }
        )
    plain = parts["test"][0]
    return found, (answering.calibrated(plain), plain)


def _unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def verdict(rows, error, before):
    """Say in words what `run` measured.

    Args:
        rows: as `run` returns them.
        error, before: as `calibration_error` returns it, at the models' temperatures
            and without.
    """
    sentences = []
    for name in dict.fromkeys(row["measure"] for row in rows):
        of_measure = [row for row in rows if row["measure"] == name]
        answered, rejected = (
            np.mean([row[key] for row in of_measure])
            for key in ("answered", "rejected")
        )
        sentences.append(
            f"By {name} {answered:.1%} of the test images are answered and "
            f"{rejected:.1%} of the pictures of no class rejected."
        )
    low, high = error[1]
    sentences.append(
        f"Probabilities are off by {error[0]:.3f} ({low:.3f} to {high:.3f}), "
        f"{before[0]:.3f} without the temperature."
    )
    return " ".join(sentences)


def figure(rows):
    """Show for each measure the share of each kind of picture that is rejected."""
    kinds = [key for key in rows[0] if key not in ("model", "measure", "rejected")]
    names = list(dict.fromkeys(row["measure"] for row in rows))
    values = np.array(
        [
            [
                np.mean([row[kind] for row in rows if row["measure"] == name])
                for kind in kinds
            ]
            for name in names
        ]
    )
    values[:, 0] = 1 - values[:, 0]
    shown = Figure(figsize=(8.6, 3.2), layout="constrained")
    axes = shown.subplots()
    axes.imshow(values, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    columns = ["test images", *kinds[1:]]
    axes.set_xticks(range(len(kinds)), [_in_two_lines(name) for name in columns])
    axes.set_yticks(range(len(names)), names)
    axes.set_title("Share that is called none of these")
    return shown


def _in_two_lines(name):
    return name.replace(" of ", " of\n") if " of " in name else name.replace(" ", "\n")
