"""Which layers of a network belong together."""

from collections import Counter

import keras

from resnet_keras.accelerate.layers import MatrixConv2D


def normalized_convolutions(model):
    """Return the convolutions that only a batch normalization follows, by its name.

    Those with an activation of their own are left out, and so are layers that the model
    calls twice.
    """
    by_depth = getattr(model, "_functional", model)._nodes_by_depth
    nodes = [node for nodes in by_depth.values() for node in nodes]
    calls = Counter(node.operation.name for node in nodes)
    producers = {id(X): node.operation for node in nodes for X in node.outputs}
    users = Counter(id(X) for node in nodes for X in node.input_tensors)
    users.update(map(id, model.outputs))
    pairs = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            producer = producers.get(id(layer.input))
            if (
                type(producer) in (keras.layers.Conv2D, MatrixConv2D)
                and producer.activation is keras.activations.linear
                and producer.data_format == "channels_last"
                and layer.axis in (-1, 3)
                and users[id(layer.input)] == 1
                and calls[layer.name] == calls[producer.name] == 1
            ):
                pairs[layer.name] = producer
    return pairs


def output_layers(model):
    """Return the names of the last layers: from the outputs back to those with weights.

    In a classifier that is its last layer alone.
    """
    names, tensors = set(), list(model.outputs)
    while tensors:
        operation, node_index, _ = tensors.pop()._keras_history
        names.add(operation.name)
        if not operation.weights:
            tensors += operation._inbound_nodes[node_index].input_tensors
    return names
