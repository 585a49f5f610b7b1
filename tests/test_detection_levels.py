"""Large pictures: predictions at strides 8, 16 and 32 learn and find together."""

import keras
import numpy as np
import pytest

from resnet_keras.detection import Pictures, evaluate_detections
from resnet_keras.detection.decoding import decode
from resnet_keras.detection.losses import DetectionLoss
from resnet_keras.detection.network import detector
from resnet_keras.detection.targets import flat, of_model
from tests.detection_networks import tiny_backbone


def squares(number=4, size=320):
    """Return pictures of a small, a medium and a large square, red or blue."""
    rng = np.random.default_rng(0)
    images = rng.integers(90, 160, (number, size, size, 3), np.uint8)
    boxes, labels = [], []
    for image in images:
        own = [[250, 20, 280, 50], [220, 220, 310, 310], [5, 5, 205, 205]]
        own = np.array(own) + np.tile(rng.integers(-5, 6, (3, 2)), 2)
        names = rng.integers(2, size=3)
        for (left, top, right, bottom), label in zip(own, names, strict=True):
            image[top:bottom, left:right] = [[200, 0, 0], [0, 0, 200]][label]
        boxes.append(own.astype(np.float32))
        labels.append(names)
    sizes = np.full((number, 2), size)
    return Pictures(images, tuple(boxes), tuple(labels), ("",) * number, sizes)


@pytest.mark.slow
def test_objects_of_three_sizes_are_learned_at_three_strides():
    pictures = squares()
    keras.utils.set_random_seed(0)
    model = detector(tiny_backbone(320), 2, channels=16)
    assert [X.shape[1] for X in model.outputs] == [40, 20, 10]
    objects = np.stack(
        [
            np.column_stack([boxes, labels])
            for boxes, labels in zip(pictures.boxes, pictures.labels, strict=True)
        ]
    ).astype(np.float32)
    images = pictures.images.astype(np.float32) / 255
    trained = flat(model)
    trained.compile(
        keras.optimizers.Adam(5e-3), DetectionLoss(of_model(model)), jit_compile=False
    )
    trained.fit(images, objects, epochs=120, verbose=0)
    # By statistics of these pictures, for moving averages lag after so few steps.
    raw = [keras.ops.convert_to_numpy(X) for X in model(images, training=True)]
    found = decode(raw, 320)
    result = evaluate_detections(pictures, found, ["red", "blue"])
    assert result["AP50"] > 0.8
    # By COCO, of at most 32 and 96 pixels; each is learned at a level of its own.
    assert min(result["AP_small"], result["AP_medium"]) > 0.8
