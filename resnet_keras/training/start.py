"""The network that a run begins with."""

import keras

from resnet_keras import family
from resnet_keras.files import PREPROCESSING
from resnet_keras.models import build
from resnet_keras.nets.initialization import scale_branches, varied_initializer
from resnet_keras.nets.variants import vary
from resnet_keras.training import phases


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
    variant = family.VARIANTS[recipe.variant]
    is_small = family.NETWORKS[family.check_name(name)][0]
    pool_padding = 0 if is_small else variant.pool_padding
    model = build(name, input_shape, num_classes, pool_padding, initializer)
    model = vary(model, variant)
    scale_branches(model, recipe.residual_branch_scale)
    return model


def network_to_train(config, num_classes, verbose=False):
    """Return the network to begin with, and what pictures it expects.

    Args:
        config: `RunConfig`.
        num_classes: 2 or more.
        verbose: whether to print which weights went where.

    Returns:
        Functional `keras.Model`, and its preprocessing as metadata has it.
    """
    input_shape = (config.image_size, config.image_size, 3)
    if config.weights:
        model, preprocessing = phases.network(
            config.model,
            config.weights,
            input_shape,
            num_classes,
            varied_initializer(config.seed),
            verbose,
        )
        return model, preprocessing or PREPROCESSING
    model = initial_network(
        config.model, input_shape, num_classes, config.recipe, config.seed
    )
    return model, PREPROCESSING
