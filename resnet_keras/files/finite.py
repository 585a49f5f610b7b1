"""Weights that are NaN or infinite are found and refused."""

import numpy as np

from resnet_keras.errors import InputError


def check_finite(model, source):
    """Refuse a model with a weight that is NaN or infinite.

    Args:
        model: `keras.Model`.
        source: where the weights come from, for the message.

    Raises:
        InputError: there is one.
    """
    if found := not_finite(model):
        raise InputError(
            f"{source}: has values that are not finite in the {found}; expected "
            "numbers. A learning rate was too high, or a file is damaged."
        )


def not_finite(model):
    """Return in words the first weights with a value that is not finite, or None."""
    for layer in model.layers:
        for variable, values in zip(layer.weights, layer.get_weights(), strict=True):
            if not np.isfinite(values).all():
                return f"{variable.name} of layer {layer.name}"
    return None
