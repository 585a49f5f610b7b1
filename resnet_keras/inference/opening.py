"""A classifier from whatever file holds one."""

from resnet_keras.files.preprocessing import with_preprocessing
from resnet_keras.inference.classifier import Classifier
from resnet_keras.weights.opening import open_model


def open_classifier(name, trust=False, preprocessing=None, precision="float32"):
    """Open a model, or weights of a residual network, to predict with.

    Args:
        name: a file that `load_model` or `load_weights` takes, or "imagenet".
        trust: as in `load_model`.
        preprocessing: a key of `MODES`, which decides over what the file says; None
            where nobody said it.
        precision: as in `Classifier`.

    Returns:
        `Classifier`; what to tell the person are its `remarks`.

    Raises:
        InputError: the file cannot be used, or holds no classifier of images.
    """
    model, metadata = open_model(name, trust)
    metadata = with_preprocessing(metadata, preprocessing)
    return Classifier(model, metadata, name, precision)
