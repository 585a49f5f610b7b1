"""The network that a run begins with."""

import keras

from resnet_keras.models import build
from resnet_keras.nets.initialization import scale_branches, varied_initializer


def initial_network(name, input_shape, num_classes, recipe, seed):
    """Return a network of the family, with the weights a recipe begins from.

    Args:
        name: of the family, such as "resnet50".
        input_shape: (height, width, channels).
        num_classes: 2 or more.
        recipe: `Recipe`.
        seed: of what is random in it.

    Returns:
        Functional `keras.Model`.
    """
    initializer = keras.initializers.GlorotUniform
    if recipe.per_layer_seeds:
        initializer = varied_initializer(seed)
    model = build(name, input_shape, num_classes, initializer=initializer)
    scale_branches(model, recipe.residual_branch_scale)
    return model
