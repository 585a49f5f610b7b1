"""How a network begins: weights from which a short training gets far."""

import keras
import numpy as np

from resnet_keras.models import build

_NUM_PATCHES = 20_000


def network(name, input_shape, num_classes, recipe, seed, images, rows):
    """Return a network of the family, with the weights a recipe begins from.

    Args:
        name: of the family, such as "resnet50".
        input_shape: (height, width, channels).
        num_classes: 2 or more.
        recipe: `resnet_keras.recipe.Recipe`.
        seed: of what is random in it.
        images: uint8 (number, height, width, channels).
        rows: of the images to be trained on.

    Returns:
        Functional `keras.Model`.
    """
    initializer = keras.initializers.GlorotUniform
    if recipe.varies_start:
        initializer = varied_initializer(seed)
    model = build(name, input_shape, num_classes, initializer=initializer)
    scale_branches(model, recipe.branch_scale)
    if recipe.begins_with_components:
        begin_with_components(model, images, rows, seed)
    return model


def varied_initializer(seed):
    """Return Glorot uniform initialization that differs from layer to layer.

    The blocks ask for seed 0 throughout, as the course has it; then kernels of one
    shape are identical, and every run starts from the same point.
    """
    rng = np.random.default_rng(seed)

    def initializer(seed):
        return keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))

    return initializer


def scale_branches(model, scale):
    """Begin each block as Y = scale · F(X) + X, by its last normalization's scale.

    Then what 16 blocks add up to stays near X at first, and gradients of like inputs
    stay alike. At 0 each block begins as the identity, and its inner layers wait until
    its scale has grown.

    Sources: Goyal et al. (2017), arXiv 1706.02677, section 5.1, for 0; Balduzzi et al.
    (2017), arXiv 1702.08591, for 0.1 to 0.3.
    """
    producers = {id(layer.output): layer for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Add):
            for tensor in layer.input:
                producer = producers[id(tensor)]
                is_shortcut = producer.name.endswith("_branch1")
                is_last = isinstance(producer, keras.layers.BatchNormalization)
                if is_last and not is_shortcut:
                    producer.gamma.assign(producer.gamma * scale)


def begin_with_components(model, images, rows, seed):
    """Let the first convolution begin with the principal components of image patches.

    Random kernels all answer to brightness, which is nearly all that differs between
    patches, so their answers are nearly the same. Principal components are edges and
    colours, and their answers are uncorrelated. Each comes twice, with both signs, for
    the activation lets only one of them pass. Kernels are as large as they were.

    Sources: Krähenbühl et al. (2016), arXiv 1511.06856; Jordan (2024), arXiv
    2404.00498, for both signs.

    Args:
        model: functional `keras.Model` whose first convolution sees the images.
        images: uint8 (number, height, width, channels).
        rows: of the images to look at.
        seed: of the choice of patches.
    """
    conv = next(x for x in model.layers if isinstance(x, keras.layers.Conv2D))
    kernel = np.array(keras.ops.convert_to_numpy(conv.kernel))
    side, _, channels, filters = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), (1, 2))
    rng = np.random.default_rng(seed)
    which, y, x = (
        rng.integers(0, size, _NUM_PATCHES) for size in (len(rows), *windows.shape[1:3])
    )
    patches = windows[rows[which], y, x].reshape(_NUM_PATCHES, -1) / np.float32(255)
    _, components = np.linalg.eigh(np.cov(patches, rowvar=False))
    components = components[:, ::-1][:, : filters // 2]  # the largest first
    both = np.concatenate([components, -components], axis=1)
    both = both.reshape(channels, side, side, -1).transpose(1, 2, 0, 3)
    kernel[..., : both.shape[-1]] = both * (kernel.std() / both.std())
    conv.kernel.assign(kernel)
