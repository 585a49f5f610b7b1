"""What a model expects of pictures, as far as its graph or its layers' names show.

Where they do not, `find_preprocessing` assumes values divided by 255, and says so.
"""

from typing import NamedTuple

import keras
import numpy as np

from resnet_keras.files.preprocessing import MODES, WORDS
from resnet_keras.inference import graph

# Layers and operations that change the value or position of pixels and learn nothing.
_BEFORE_WEIGHTS = {
    *("Activation", "ActivityRegularization", "AlphaDropout", "CenterCrop"),
    *("Cropping2D", "Dropout", "GaussianDropout", "GaussianNoise", "Identity"),
    *("Lambda", "Normalization", "Permute", "Rescaling", "Reshape", "Resizing"),
    *("SpatialDropout2D", "ZeroPadding2D", "Concatenate", "RGBToGrayscale"),
    *("Cast", "Divide", "ExpandDims", "Flip", "GetItem", "Multiply", "Negative"),
    *("Repeat", "Squeeze", "Stack", "Subtract", "Add", "Transpose", "TrueDivide"),
    *("Average", "Clip", "Copy", "Flatten", "Pad", "Split", "StopGradient", "Tile"),
    "Unstack",
}

# Names of layers that only this architecture of keras.applications has: its mode, in
# the order in which they are looked for (Xception has a block1_conv1 as VGG has one).
# Source: `preprocess_input` of each module of keras.applications.
_ARCHITECTURES = {
    "Xception": ({"block2_sepconv1", "block14_sepconv2"}, "minus-one-to-one"),
    "VGG": ({"block1_conv1", "block1_pool", "block5_conv2"}, "caffe"),
    "ResNet V2": ({"conv1_conv", "conv2_block1_preact_bn"}, "minus-one-to-one"),
    "DenseNet": ({"conv2_block1_concat", "pool2_conv"}, "torch"),
    "ResNet": ({"conv1_conv", "conv1_bn", "conv2_block1_1_conv"}, "caffe"),
    "InceptionResNetV2": ({"mixed_5b", "conv_7b"}, "minus-one-to-one"),
    "InceptionV3": ({"mixed0", "mixed10"}, "minus-one-to-one"),
    "MobileNet": ({"conv_dw_1", "conv_pw_13"}, "minus-one-to-one"),
    "MobileNetV2": ({"expanded_conv_depthwise", "block_1_expand"}, "minus-one-to-one"),
    "NASNet": ({"stem_conv1", "stem_bn1"}, "minus-one-to-one"),
}
# The last layer of a whole model: whose it is. Teachable Machine, a web page that
# trains a head on MobileNetV2, names layers as TensorFlow.js does.
_HEADS = {
    "predictions": "keras.applications",
    "dense_Dense2": "Teachable Machine",
}


class Found(NamedTuple):
    """What is known, or assumed, of the pictures that a model expects.

    Attributes:
        preprocessing: dictionary, as in a model's metadata.
        is_known: whether the model or its metadata show it; else it is assumed.
        words: what to tell the person, or "" where the metadata say it.
    """

    preprocessing: dict
    is_known: bool
    words: str


def find_preprocessing(model, metadata):
    """Find what a model expects of pictures.

    The metadata decides; then the first operations of the model, which may rescale
    pixels themselves; then the names of its layers, where it is a whole model of
    keras.applications.

    Args:
        model: functional or sequential `keras.Model` from images.
        metadata: as `load_model` returns it.

    Returns:
        `Found`.
    """
    if metadata.get("preprocessing") is not None:
        return Found(MODES["unit"] | metadata["preprocessing"], True, "")
    mode = _of_first_operations(model)
    if mode == "raw":
        return Found(MODES[mode], True, f"{WORDS[mode]}, which the model rescales")
    if mode:
        return Found(MODES[mode], True, f"{WORDS[mode]}, as its first layers expect")
    architecture, mode = architecture_of(model)
    last = next(graph.backwards(model), None)
    maker = _HEADS.get(getattr(last, "name", None))
    if architecture and maker:
        words = f"{WORDS[mode]}, as {architecture} of {maker} expects"
        return Found(MODES[mode], True, words)
    words = WORDS["unit"]
    if architecture:
        words += (
            f" (but it builds on {architecture} of keras.applications, whose own is "
            f'"{mode}": {WORDS[mode]})'
        )
    return Found(MODES["unit"], False, words)


def architecture_of(model):
    """Return the architecture of keras.applications in a model, and its mode.

    Args:
        model: `keras.Model`.

    Returns:
        Its name and a key of `MODES`; None and None where the names of layers, of
        models within the model too, are not those of one.
    """
    names = set(graph.layer_names(model))
    for architecture, (wanted, mode) in _ARCHITECTURES.items():
        if wanted <= names:
            return architecture, mode
    return None, None


def _of_first_operations(model):
    """Return the mode that a model's operations before its first weights ask for."""
    tensor = model.inputs[0]
    if not tensor.dtype.startswith(("float", "bfloat")):
        return "raw"  # whole numbers cannot be divided by 255
    try:
        lines = _lines_to_weights(model, tensor)
    except Exception:  # whatever an operation says of a picture without contrast
        return None
    modes = {_mode_of_line(*line) for line in lines}
    return modes.pop() if len(modes) == 1 else None


def _lines_to_weights(model, tensor):
    """Return (slope, value at 0) of what meets each of the first weights, by pixels.

    A black and a white picture go through the operations before them.
    """
    number = max(2, tensor.shape[0] or 2)
    shape = [number, *(side or 64 for side in tensor.shape[1:])]
    pixels = np.zeros(shape, np.float32)
    pixels[1] = 255
    found = []

    def call(operation, entering, arguments, keywords):
        known = [x for x in entering if x is not graph.NOT_COMPUTED]
        if len(known) < len(entering) or not _is_before_weights(operation):
            found.extend(known)
            return graph.NOT_COMPUTED
        return graph.compute(operation, arguments, keywords)

    graph.run(model, [keras.ops.convert_to_tensor(pixels, tensor.dtype)], call)
    return [_line(keras.ops.convert_to_numpy(values)) for values in found]


def _is_before_weights(operation):
    kind = type(operation).__name__
    if kind == "Activation":
        return operation.activation is keras.activations.linear
    is_augmentation = kind.startswith("Random") or kind in ("AutoContrast", "MixUp")
    return kind in _BEFORE_WEIGHTS or is_augmentation


def _line(values):
    black, white = values[:2].astype(np.float64)
    if black.ndim > 1:  # the middle, for zeros may have been put around
        black, white = (x[x.shape[0] // 2, x.shape[1] // 2] for x in (black, white))
    return (white - black).mean() / 255, black.mean()


def _mode_of_line(slope, offset):
    """Return the mode for which pixels come to a usual range, or None.

    A network is fed values of a few units about 0, or of 255 units without a mean.

    >>> _mode_of_line(1 / 127.5, -1), _mode_of_line(1, -110), _mode_of_line(1, 0)
    ('raw', 'raw', None)
    >>> _mode_of_line(1 / 0.22, -0.48 / 0.22), _mode_of_line(0.5, 0.5)
    ('unit', 'minus-one-to-one')
    """
    size = abs(slope)
    if not np.isfinite([slope, offset]).all() or size < 1e-6:
        return None
    if 255 * size < 20:
        return "raw"
    if size < 1.5 and abs(offset) > 20:
        return "raw"  # a mean of pixels is taken away, or they are turned about
    if 0.4 < slope < 0.6 and 0.4 < offset < 0.6:
        return "minus-one-to-one"
    if 0.9 < size < 1.5 and offset and -1 <= offset * np.sign(slope) < 0:
        return "unit"
    if size >= 1.5:
        return "minus-one-to-one" if offset > slope / 2 > 0 else "unit"
    return None
