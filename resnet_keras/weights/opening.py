"""Opening a classifier: a whole model, or weights, whose network is built."""

from resnet_keras import family
from resnet_keras.errors import InputError
from resnet_keras.files import load_model
from resnet_keras.files.finite import check_finite
from resnet_keras.weights.imagenet import IMAGENET
from resnet_keras.weights.loading import read_weights
from resnet_keras.weights.reading import holds_weights

_IMAGE_SIZE = 224  # what published weights were trained on
_IMAGENET_CLASSES = 1000
_SIZE_IS_NOT_SAID = (
    f"weights alone do not say the size of their pictures; {_IMAGE_SIZE} x "
    f"{_IMAGE_SIZE} pixels is assumed. If they were trained on others, as the course's "
    "on 64, save ResNet50((64, 64, 3), classes, weights=...) with save_model, and use "
    "that file"
)


def open_model(name, trust=False):
    """Open a model file, or build the network of a file of weights.

    Args:
        name: a file that `load_model` or `load_weights` takes, or "imagenet".
        trust: as in `load_model`.

    Returns:
        `(model, metadata)`, as `load_model` returns them. A network for weights alone
        takes pictures of 224 x 224 pixels.

    Raises:
        InputError: the file cannot be used, has weights but no head to classify, or has
            values that are not finite. A ReLU makes 0 of NaN on a CPU, so predictions
            may look sound where weights are not.
    """
    from resnet_keras.models import ResNet  # which may itself read weights

    if name != IMAGENET and not holds_weights(name):
        model, metadata = load_model(name, trust)
        check_finite(model, name)
        return model, metadata
    weights = read_weights(name)
    if weights.classes is None:
        raise InputError(
            f"{name}: has no head, so it names no classes; give it one with "
            "python -m resnet_keras.train --weights."
        )
    if weights.depth not in family.DEPTHS:
        raise InputError(
            f"{name}: holds weights of "
            f"{weights.network or f'{weights.depth} layers'} without the network; "
            "expected a whole model, as model.save writes it, or weights of "
            f"{', '.join(map(str, family.DEPTHS))} layers."
        )
    shape = (_IMAGE_SIZE, _IMAGE_SIZE, 3)
    model = ResNet(weights.depth, shape, weights.classes, weights=weights)
    check_finite(model, name)
    if weights.classes == _IMAGENET_CLASSES:
        return model, weights.metadata
    notes = *(weights.metadata.get("notes") or ()), _SIZE_IS_NOT_SAID
    return model, weights.metadata | {"notes": list(notes)}
