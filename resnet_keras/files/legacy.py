"""Configurations of older Keras, put into the words that Keras 3 understands.

Everything here works on the dictionaries that a file holds and imports no Keras.
"""

# Keras 2.2 to TF 2.3 called functional models Model; TF 1 had two normalizations.
_CLASSES = {
    "Model": "Functional",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
_NORMALIZATION_EXTRAS = ("fused", "virtual_batch_size", "adjustment")


def mended(config):
    """Return a configuration as Keras 3 takes it, and notes on what changed its answer.

    Args:
        config: of a whole model, parsed from JSON; it is not changed.

    Returns:
        `(config, notes)`; notes is a list of sentences.

    Example:

    >>> mended({"class_name": "BatchNormalizationV1", "config": {"axis": [3]}})
    ({'class_name': 'BatchNormalization', 'config': {'axis': 3}}, [])
    """
    baked = []
    config = _mended(config, baked)
    notes = []
    if baked:
        notes.append(
            f"training=True was baked into {len(baked)} layers ({baked[0]}, ...), so "
            "that an image's answer depended on its batch; it was removed, and the "
            "moving averages are used."
        )
    return config, notes


def _mended(value, baked):
    if isinstance(value, list):
        return [_mended(each, baked) for each in value]
    if not isinstance(value, dict):
        return value
    value = {key: _mended(each, baked) for key, each in value.items()}
    for key in value:
        if key.endswith("_initializer"):
            value[key] = _initializer(value[key])
    if "inbound_nodes" in value:
        value["inbound_nodes"] = _nodes(value["inbound_nodes"], value, baked)
    for key in ("input_layers", "output_layers"):
        if isinstance(value.get(key), list) and len(value[key]) == 1:
            value[key] = value[key][0]  # one tensor, not a list of one
    name, config = value.get("class_name"), value.get("config")
    if not isinstance(name, str) or not isinstance(config, dict):
        return value
    name = _CLASSES.get(name, name)
    if name == "BatchNormalization":
        config = {k: v for k, v in config.items() if k not in _NORMALIZATION_EXTRAS}
        axis = config.get("axis")
        if isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
    if name == "Policy":  # of mixed precision, named by what it computes in
        return config.get("name")
    if name == "Sequential" and isinstance(config.get("layers"), list):
        config = {**config, "layers": _with_input_layer(config["layers"])}
    return {**value, "class_name": name, "config": config}


def _with_input_layer(layers):
    """Take the input's shape from a chain's first layer and give it one of its own."""
    result = []
    for layer in layers:
        config = layer.get("config") if isinstance(layer, dict) else None
        if isinstance(config, dict) and layer.get("class_name") != "InputLayer":
            shape = config.get("batch_input_shape")
            config = {k: v for k, v in config.items() if k != "batch_input_shape"}
            if shape and not result:
                name = f"{config.get('name')}_input"
                own = {"batch_input_shape": shape, "name": name}
                result.append({"class_name": "InputLayer", "config": own})
            layer = {**layer, "config": config}
        result.append(layer)
    return result


def _initializer(value):
    """TF 1 names initializers in snake case, and gives them a type of numbers."""
    if not (isinstance(value, dict) and isinstance(value.get("config"), dict)):
        return value
    name = value.get("class_name")
    if isinstance(name, str) and name.islower():
        name = "".join(part.capitalize() for part in name.split("_"))
    config = {key: each for key, each in value["config"].items() if key != "dtype"}
    return {**value, "class_name": name, "config": config}


def _nodes(nodes, layer, baked):
    """Return a layer's calls without a fixed training=True."""
    if not isinstance(nodes, list):
        return nodes
    result = []
    for node in nodes:
        if isinstance(node, dict) and isinstance(node.get("kwargs"), dict):  # Keras 3
            node = {**node, "kwargs": _without_training(node["kwargs"], layer, baked)}
        elif isinstance(node, list):  # Keras 2: [[name, node, tensor, arguments], ...]
            node = [
                [_without_training(part, layer, baked) for part in each]
                if isinstance(each, list)
                else each
                for each in node
            ]
        result.append(node)
    return result


def _without_training(value, layer, baked):
    if not isinstance(value, dict) or value.get("training") is not True:
        return value
    baked.append(str(layer.get("name")))
    return {key: each for key, each in value.items() if key != "training"}
