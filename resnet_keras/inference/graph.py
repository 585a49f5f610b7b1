"""A model's operations one by one, those of the models within it included.

Keras keeps its graph in undocumented attributes, which are read here only.
"""

import inspect

import keras

NOT_COMPUTED = object()  # what flows where `run` is told to compute nothing


def is_graph(operation):
    """Say whether an operation is a model whose own operations can be looked at."""
    return isinstance(operation, keras.Model) and bool(
        getattr(operation, "inputs", None)
    )


def run(model, inputs, call):
    """Run a model for prediction, operation by operation.

    Args:
        model: functional or sequential `keras.Model` that is built.
        inputs: list of tensors, one for each input.
        call: function that is called for each operation, of models within the model
            too, with the operation, the list of values that flow into it, and its
            arguments and keyword arguments; it returns what flows out, or
            `NOT_COMPUTED`. `compute` does what Keras does.

    Returns:
        List of what flows out of the model.
    """
    by_depth = getattr(model, "_functional", model)._nodes_by_depth
    values = {
        id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)
    }
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if node.is_input:
                continue
            entering = [values[id(tensor)] for tensor in node.input_tensors]
            if is_graph(node.operation):
                leaving = run(node.operation, entering, call)
            else:
                arguments, keywords = node.arguments.fill_in(values)
                leaving = call(node.operation, entering, arguments, keywords)
            if leaving is NOT_COMPUTED:
                leaving = [NOT_COMPUTED] * len(node.outputs)
            leaving = keras.tree.flatten(leaving)
            values |= {
                id(tensor): value
                for tensor, value in zip(node.outputs, leaving, strict=True)
            }
    return [values[id(tensor)] for tensor in model.outputs]


def compute(operation, arguments, keywords):
    """Return what an operation gives in prediction."""
    is_layer = isinstance(operation, keras.layers.Layer)
    if is_layer and "training" in inspect.signature(operation.call).parameters:
        keywords = keywords | {"training": False}
    return operation(*arguments, **keywords)


def layer_names(model):
    """Yield the names of a model's layers, those of models within it included."""
    for layer in getattr(model, "layers", ()):
        yield layer.name
        yield from layer_names(layer)


def last_operation(model):
    """Return the operation that makes a model's first output, and its first input."""
    operation, node_index, _ = model.outputs[0]._keras_history
    return operation, operation._inbound_nodes[node_index].input_tensors[0]


def backwards(model):
    """Yield the operations that make a model's first output, from the last one back.

    It goes through models within the model, and ends where an operation has no input
    or more than one.
    """
    tensor, outside = model.outputs[0], []
    while True:
        operation, node_index, tensor_index = tensor._keras_history
        node = operation._inbound_nodes[node_index]
        if is_graph(operation):
            outside.append(node.input_tensors)
            tensor = operation.outputs[tensor_index]
            continue
        if node.is_input:
            if not outside:
                return
            entering = outside.pop()
        else:
            yield operation
            entering = node.input_tensors
        if len(entering) != 1:
            return
        tensor = entering[0]
