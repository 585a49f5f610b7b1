"""Explain: what in an image a model's prediction depends on, as three maps."""

from pathlib import Path

from resnet_keras import family
from resnet_keras.data import read_image
from resnet_keras.experiments.report import Report
from resnet_keras.explain.saliency import explain, figure, verdict
from resnet_keras.inference import Classifier, open_classifier
from resnet_keras.models import build


def run(model_name, image_path, out, trust=False, preprocessing=None):
    """Explain a model's prediction for a picture, as the command does.

    Args:
        model_name: a file that `open_classifier` takes, or the name of a network of the
            family, which then predicts with random weights.
        image_path: a picture.
        out: directory for `explain.csv`, `.png` and `.txt`.
        trust: as in `load_model`.
        preprocessing: as in `open_classifier`.

    Returns:
        `(maps, verdict)`.

    Raises:
        InputError: the model or the picture cannot be used.
    """
    is_file = Path(model_name).suffix or Path(model_name).exists()
    if is_file:
        classifier = open_classifier(model_name, trust, preprocessing)
    else:
        size = 32 if family.NETWORKS[family.check_name(model_name)][0] else 64
        model = build(model_name, (size, size, 3), 6)
        classifier = Classifier(model, {}, model_name)
    image = read_image(image_path, (classifier.height, classifier.width))
    report = Report(
        "explain",
        out,
        f"what the prediction of {model_name} for {image_path} depends on: Grad-CAM, "
        "input gradient and occlusion.",
        1,
    )
    if not is_file:
        print("  The network is untrained: its prediction is that of random weights.")
    for remark in classifier.remarks() if is_file else ():
        print(f"  {remark}")
    report.begin("three maps")
    label, probability, maps = explain(classifier, image)
    name = classifier.class_names[label]
    report.end(f"the prediction is {name} ({probability:.3f})")
    rows = [
        {
            "row": row,
            "column": column,
            **{key: float(values[row, column]) for key, values in maps.items()},
        }
        for row in range(image.shape[0])
        for column in range(image.shape[1])
    ]
    words = verdict(name, probability, maps)
    if not is_file:
        words += " The network is untrained, so this says nothing about the picture."
    report.finish(rows, figure(image, name, probability, maps), words)
    return maps, words
