"""A model from others is built without memory first; then its weights, if few.

Keras makes a layer's weights before it looks whether the file has them, and a false
picture size can make a dense layer of any size. In Keras' stateless scope variables
have shapes and no values, and the feature maps of a symbolic call take no memory.
"""

import math
from functools import partial

from resnet_keras.errors import InputError

_FREE_PARAMETERS = 16 * 2**20  # 64 MiB of float32
_MAX_PIXELS = 2**24  # 4096 x 4096
_MAX_NUMBERS = 2**28  # of one feature map: 64 channels of 2048 x 2048, 1 GiB


def build_within(path, make, num_stored):
    """Build a model, and refuse it before it takes memory that its file does not need.

    Args:
        path: of the file, for the message.
        make: function without arguments that returns the model.
        num_stored: how many numbers the file's arrays have.

    Returns:
        The model, its weights as their initializers make them.

    Raises:
        InputError: it asks for more parameters than the file has numbers, and 16
            million; or for huge pictures or feature maps.
        Exception: whatever `make` raises.
    """
    import keras

    # Keras has no public name for the variables that wait for a value.
    from keras.src.backend.common import global_state

    waiting = "uninitialized_variables"
    variables = partial(global_state.get_global_attribute, waiting, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            try:
                model = make()
                _check_maps(path, model)
            except InputError:
                raise
            except Exception:
                _check_parameters(path, variables(), num_stored)
                raise
            _check_parameters(path, variables(), num_stored)
    except BaseException:
        global_state.set_global_attribute(waiting, [])  # or the next scope makes them
        raise
    with keras.StatelessScope():
        pass  # as it ends, all variables that wait get their values
    return model


def _check_parameters(path, variables, num_stored):
    total = sum(math.prod(each.shape) for each in variables)
    limit = num_stored + _FREE_PARAMETERS
    if total > limit:
        raise InputError(
            f"{path}: asks for {total:,} parameters but stores {num_stored:,} numbers; "
            f"expected at most {limit:,}. It could exhaust the memory."
        )


def _check_maps(path, model):
    for tensor in (model.inputs if model.built else None) or ():
        pixels = [side or 1 for side in tensor.shape[1:3]]
        if math.prod(pixels) > _MAX_PIXELS:
            size = " x ".join(map(str, pixels))
            raise InputError(f"{path}: takes pictures of {size} pixels.")
    for layer in getattr(model, "operations", model.layers):
        for node in layer._inbound_nodes:
            for tensor in node.output_tensors:
                if math.prod(side or 1 for side in tensor.shape) > _MAX_NUMBERS:
                    raise InputError(
                        f"{path}: {type(layer).__name__} makes feature maps of "
                        f"{tuple(tensor.shape)}."
                    )
        if hasattr(layer, "layers") and hasattr(layer, "inputs"):
            _check_maps(path, layer)
