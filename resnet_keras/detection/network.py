"""A classifier's backbone made into a localizer, or into a detector."""

import math
from functools import partial

import keras
import numpy as np
from keras import layers
from keras.initializers import GlorotUniform

from resnet_keras.errors import InputError
from resnet_keras.nets.arguments import is_integer
from resnet_keras.nets.graph import deep_recursion, feature_maps

STRIDE = 8  # of the finest predictions, in pixels
LARGE = 320  # from this side on, in pixels, objects need coarser predictions as well
NUM_BOX = 4  # numbers of a box at each location, before those of the classes
_LOCALIZER_CHANNELS = 128  # of its merged feature maps
# Begin with a probability of 0.01 for each class: nearly all locations see none
# (Lin et al. 2017, section 3.3), and with boxes that reach two strides to each side.
_CLASS_BIAS, _BOX_BIAS = -math.log(99), math.log(2)


def localizer(backbone, classes, input_shape=None, initializer=GlorotUniform):
    """Build a network that says whether there is an object, where, and which.

    For pictures of one object at most, as in the course; for several use `detector`.
    p_c and the class come from the mean of the last feature maps. The box comes from
    the feature maps of strides 8 to 32, merged as in `detector`: a heat map over their
    positions adds up to 1; the mean position under it is the centre, and the mean of
    what each position says of height and width is the size.

    Args:
        backbone: a network of this package, or a loaded file with its layers' names.
            Its weights are copied; it is not changed.
        classes: number of classes, from 1 up.
        input_shape: (height, width, channels). None: as the backbone.
        initializer: callable that takes `seed` and returns a Keras initializer for
            the new kernels.

    Returns:
        Functional `keras.Model` of plain layers, from (batch, *input_shape) to the
        course's y, (batch, 5 + classes): p_c, the probability that there is an object;
        b_x, b_y, b_h, b_w, its box's centre, height and width as fractions of the
        picture; and a probability for each class.

    Raises:
        InputError: the backbone's layers have other names.
        ValueError: `classes` or `input_shape` cannot be built.

    Example:

    >>> from resnet_keras import ResNet18
    >>> localizer(ResNet18(), classes=3).output_shape
    (None, 8)

    Source: the course "Convolutional Neural Networks", week 3, object localization; for
    the centre, Nibali et al. (2018), arXiv 1801.07372.
    """
    _check_classes(classes)
    features = _features(backbone, input_shape)
    coarse = list(features.output.values())[-1]
    pooled = layers.GlobalAveragePooling2D(name="pooled")(coarse)
    fine = _merged(_used(features), _LOCALIZER_CHANNELS, initializer)[0]
    heat = layers.Flatten(name="flat_heat")(_conv(1, 1, "heat", initializer)(fine))
    heat = layers.Softmax(name="attention")(heat)
    centres = layers.Dense(2, use_bias=False, trainable=False, name="centre")
    sizes = _conv(2, 1, "sizes", initializer)(fine)
    sizes = layers.Activation("sigmoid", name="sigmoid")(sizes)
    sizes = layers.Reshape((-1, 2), name="flat_sizes")(sizes)
    dense = partial(layers.Dense, kernel_initializer=initializer(seed=0))
    y = [
        dense(1, "sigmoid", name="p_c")(pooled),
        centres(heat),
        layers.Dot(axes=1, name="size")([heat, sizes]),
        dense(classes, "softmax", name="c")(pooled),
    ]
    centres.set_weights([_centres(*fine.shape[1:3])])
    y = layers.Concatenate(name="y")(y)
    return keras.Model(features.input, y, name=f"{backbone.name}Localizer")


def _centres(rows, columns):
    """Return the centres of the cells of a map, (cells, 2), as fractions of it."""
    y, x = np.indices((rows, columns)).reshape(2, -1)
    return (np.stack([x, y], 1) + 0.5) / (columns, rows)


def detector(
    backbone, classes, input_shape=None, channels=128, initializer=GlorotUniform
):
    """Build a network that finds any number of objects.

    The feature maps of strides 8, 16 and 32 are merged from the coarsest down; at each
    location of the merged map two small towers of convolutions predict a box around it
    and a logit for each class. Pictures of 320 pixels and more get predictions at
    strides 16 and 32 too: the towers' convolutions are the same for all, their
    normalizations are not.

    Args:
        backbone: as in `localizer`. Networks for small images have no stride of 8;
            there the last feature map, of stride 4, is used alone.
        channels: of the merged feature maps and of the towers.
        classes, input_shape, initializer: as in `localizer`.

    Returns:
        Functional `keras.Model` of plain layers. From pictures (batch, *input_shape) to
        raw predictions (batch, rows, columns, 4 + classes), or a list of them, from
        fine to coarse. The four are logarithms of the distances from the location to
        the box's left, upper, right and lower side, in strides; the rest are logits.
        `decoding.decode` turns them into boxes.

    Raises:
        InputError, ValueError: as `localizer`.

    Example:

    >>> from resnet_keras import ResNet18
    >>> detector(ResNet18((128, 128, 3)), classes=6).output_shape
    (None, 16, 16, 10)

    Source: Tian et al. (2019), FCOS, arXiv 1904.01355; Lin et al. (2017), feature
    pyramids, arXiv 1612.03144. Here the score of a class is trained to be the box's
    IoU (Li et al. 2020, arXiv 2006.04388), so there is no centre-ness.
    """
    _check_classes(classes)
    features = _features(backbone, input_shape)
    pyramid = _merged(_used(features), channels, initializer)
    if max(features.input_shape[1:3]) < LARGE:
        pyramid = pyramid[:1]
    predict = _head(classes, channels, len(pyramid), initializer)
    outputs = [predict(X, number) for number, X in enumerate(pyramid)]
    outputs = outputs if len(outputs) > 1 else outputs[0]
    return keras.Model(features.input, outputs, name=f"{backbone.name}Detector")


def stride_of(image_size, map_size):
    """Return the stride of a feature map in pixels, a power of two.

    Args:
        image_size: side of the picture in pixels.
        map_size: the same side of the feature map.

    Example:

    >>> stride_of(100, 12), stride_of(224, 7)
    (8, 32)
    """
    return 2 ** round(math.log2(image_size / map_size))


def _check_classes(classes):
    if not is_integer(classes) or classes < 1:
        raise ValueError(f"classes is {classes!r}; expected a whole number from 1 up.")


def _features(backbone, input_shape):
    """Return a model of layers of its own, from pictures to feature maps by name."""
    if isinstance(backbone, keras.Sequential) or not getattr(backbone, "inputs", None):
        raise InputError(
            f"{backbone.name}: is no functional model; expected a network of this "
            "package."
        )
    features = keras.Model(backbone.input, feature_maps(backbone))
    picture = keras.Input(tuple(input_shape or backbone.input_shape[1:]))
    if None in picture.shape[1:]:
        raise ValueError(
            f"{backbone.name}: takes pictures of any size; give input_shape."
        )
    with deep_recursion():
        copy = keras.models.clone_model(features, input_tensors=picture)
    copy.set_weights(features.get_weights())
    return copy


def _used(features):
    """Return the feature maps to predict from, by level: stride 2 ** level."""
    by_level = {
        round(math.log2(stride_of(features.input_shape[1], X.shape[1]))): X
        for X in features.output.values()
    }
    coarse = {k: X for k, X in by_level.items() if 2**k >= STRIDE}
    return coarse or {max(by_level): by_level[max(by_level)]}


def _merged(maps, channels, initializer):
    """Return the feature maps with those of coarser levels added, from fine to coarse.

    They are added before, and convolved and normalized after.
    """
    above, merged = None, []
    for level, X in sorted(maps.items(), reverse=True):
        X = _conv(channels, 1, f"lateral{level}", initializer)(X)
        if above is not None:
            X = layers.Add(name=f"sum{level}")([X, _enlarged(above, X, level)])
        above = X
        X = _conv(channels, 3, f"merged{level}", initializer, use_bias=False)(X)
        merged.append(_normalized(X, f"merged{level}"))
    return merged[::-1]


def _enlarged(X, target, level):
    """Double the sides of X, less the last row or column where `target` has fewer."""
    X = layers.UpSampling2D(name=f"up{level}")(X)
    extra = [X.shape[axis] - target.shape[axis] for axis in (1, 2)]
    if any(extra):
        X = layers.Cropping2D([(0, rest) for rest in extra], name=f"crop{level}")(X)
    return X


def _head(classes, channels, num_levels, initializer):
    """Return a function from merged feature maps and their number to predictions."""
    towers = {
        kind: [
            _conv(channels, 3, f"{kind}_tower{i}", initializer, use_bias=False)
            for i in (1, 2)
        ]
        for kind in ("box", "class")
    }
    last = {
        "box": _conv(NUM_BOX, 1, "box", initializer, _BOX_BIAS),
        "class": _conv(classes, 1, "class", initializer, _CLASS_BIAS),
    }

    def predict(X, number):
        outputs = []
        for kind, tower in towers.items():
            Y = X
            for convolution in tower:
                name = f"{convolution.name}_{number}" if num_levels > 1 else None
                Y = _normalized(convolution(Y), name or convolution.name)
            outputs.append(last[kind](Y))
        name = f"raw{number}" if num_levels > 1 else "raw"
        return layers.Concatenate(name=name)(outputs)

    return predict


def _conv(filters, size, name, initializer, bias=0.0, use_bias=True):
    return layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=use_bias,
        bias_initializer=keras.initializers.Constant(bias),
        kernel_initializer=initializer(seed=0),
        name=name,
    )


def _normalized(X, name):
    X = layers.BatchNormalization(axis=3, name=f"bn_{name}")(X)
    return layers.Activation("relu", name=f"relu_{name}")(X)
