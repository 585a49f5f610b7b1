"""Which layers of a network belong together."""

import keras

from resnet_keras.accelerate.layers import MatrixConv2D


def normalized_convolutions(model):
    """Return the convolutions that only a batch normalization follows, by its name.

    Those with an activation of their own are left out, and in a model that calls a
    layer twice all are: what follows the second call is not known here.
    """
    entries = model.get_config()["layers"]
    if any(len(entry.get("inbound_nodes", ())) > 1 for entry in entries):
        return {}
    producers = {id(layer.output): layer for layer in model.layers}
    # Operations: an addition by + is no layer.
    users = [
        id(tensor)
        for operation in model.operations
        for tensor in keras.tree.flatten(operation.input)
    ] + [id(tensor) for tensor in model.outputs]
    pairs = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            producer = producers.get(id(layer.input))
            if (
                type(producer) in (keras.layers.Conv2D, MatrixConv2D)
                and producer.activation is keras.activations.linear
                and producer.data_format == "channels_last"
                and layer.axis in (-1, 3)
                and users.count(id(layer.input)) == 1
            ):
                pairs[layer.name] = producer
    return pairs
