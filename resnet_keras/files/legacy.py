"""Configurations of Keras 2 (2.0 to 2.15, tf-keras), converted to those of Keras 3.

Everything here works on the dictionaries that a file holds and imports no Keras.
"""

from resnet_keras.files.configuration import dictionaries
from resnet_keras.files.legacy_operations import OLD_OPERATIONS, operation

_CLASSES = {
    "Model": "Functional",  # until TF 2.3
    "BatchNormalizationV1": "BatchNormalization",  # TF 1
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "FixedDropout": "Dropout",  # of the package efficientnet; the same in prediction
    "ThresholdedReLU": "ReLU",
    "RandomHeight": "Identity",  # which they are in prediction
    "RandomWidth": "Identity",
}
_RENAMED = {
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "ReLU": {"theta": "threshold"},
    "LeakyReLU": {"alpha": "negative_slope"},
}
# Keywords that Keras 3 took away, and the value with which they change nothing; ...
# stands for any value.
_REMOVED = {
    "adjustment": None,
    "data_format": ...,  # of Flatten and SpatialDropout2D: only where it is not taken
    "factor": ...,  # of RandomHeight and RandomWidth
    "force_generator": ...,
    "fused": ...,
    "groups": 1,
    "implementation": ...,
    "interpolation": ...,
    "key_shape": ...,
    "noise_shape": None,
    "ragged": False,
    "query_shape": ...,
    "renorm": False,
    "renorm_clipping": ...,  # without renorm they are not used
    "renorm_momentum": ...,
    "rng_type": ...,
    "seed": ...,
    "softmax_robust_masking": False,
    "sparse": False,
    "time_major": False,
    "trainable": ...,  # of a layer without weights
    "value_shape": ...,
    "virtual_batch_size": None,
}
# Initializers, regularizers and constraints do not change a prediction.
_TRAINING_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_KERAS_1 = {"nb_filter", "border_mode", "subsample", "W_regularizer", "W_constraint"}
_COUNTS = {
    *("axis", "batch_input_shape", "batch_shape", "cropping", "depth_multiplier"),
    *("dilation_rate", "dims", "filters", "groups", "height", "input_dim"),
    *("kernel_size", "n", "output_dim", "output_padding", "pool_size", "size"),
    *("strides", "target_shape", "units", "width"),
}
_NESTED = ("Functional", "Model", "Sequential")


def is_keras_1(config):
    """Return whether a configuration has keywords that only Keras 1 wrote."""
    return any(_KERAS_1 & each.keys() for each in dictionaries(config))


def other_activation(config):
    """Return the name of a layer whose activation Keras 3 computes otherwise, or None.

    Keras 2's hard_sigmoid is clip(x / 5 + 1 / 2, 0, 1), that of Keras 3 has x / 6.
    """
    for each in dictionaries(config):
        if "hard_sigmoid" in (each.get("activation"), each.get("recurrent_activation")):
            return str(each.get("name"))
    return None


def without_removed(config, taken):
    """Return a layer's configuration without keywords that changed nothing.

    Args:
        config: dictionary of keywords.
        taken: the keywords that the layer takes in this Keras. Those that are neither
            taken nor known to change nothing stay, and Keras will name them.
    """

    def goes(key, value):
        if key in taken:
            return False
        if key.endswith(_TRAINING_ENDINGS):
            return True
        harmless = _REMOVED.get(key, taken)
        return harmless is ... or (harmless is not taken and value == harmless)

    return {key: value for key, value in config.items() if not goes(key, value)}


def converted(config):
    """Return a configuration as Keras 3 takes it, and notes on changed predictions.

    Args:
        config: of a whole model, parsed from JSON; it is not changed.

    Returns:
        `(config, notes)`; notes is a list of sentences.

    Example:

    >>> converted({"class_name": "BatchNormalizationV1", "config": {"axis": [3]}})
    ({'class_name': 'BatchNormalization', 'config': {'axis': 3}}, [])
    """
    hard_coded = []  # (class, name) of layers
    config = _converted(config, hard_coded)
    notes = []
    by_batch = [
        name for kind, name in hard_coded if "Normalization" in kind or kind in _NESTED
    ]
    if by_batch:
        notes.append(
            f"training=True was hard-coded in {len(by_batch)} layers "
            f"({by_batch[0]}, ...), so that the prediction for an image depended on "
            "its batch; it was removed, and the moving averages are used."
        )
    by_chance = [name for kind, name in hard_coded if "Dropout" in kind]
    if by_chance:
        notes.append(
            f"training=True was hard-coded in {len(by_chance)} layers "
            f"({by_chance[0]}, ...) that drop values at random; it was removed, so "
            "predictions no longer vary."
        )
    return config, notes  # of augmentation, which predictions do without, nothing


def _converted(value, hard_coded):
    if isinstance(value, list):
        return [_converted(each, hard_coded) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return _converted(value["items"], hard_coded)
    value = {key: _converted(each, hard_coded) for key, each in value.items()}
    for key in value:
        if key.endswith("_initializer"):
            value[key] = _initializer(value[key])
        elif key in _COUNTS:
            value[key] = _whole(value[key])
    if "inbound_nodes" in value:
        value["inbound_nodes"] = _nodes(value["inbound_nodes"], value, hard_coded)
    name, config = value.get("class_name"), value.get("config")
    if name in _NESTED and isinstance(config, list):  # until Keras 2.1
        config = {"name": name.lower(), "layers": config}
    if not isinstance(name, str) or not isinstance(config, dict):
        return value
    if name in ("Policy", "PolicyV1"):  # of mixed precision: what it computes in
        return config.get("name")
    name = _CLASSES.get(name, name)
    renamed = _RENAMED.get(name, {})
    config = {renamed.get(key, key): each for key, each in config.items()}
    axis = config.get("axis")
    if name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if name == "RandomShear":
        config = {k: _one_factor(v) if "factor" in k else v for k, v in config.items()}
    if isinstance(config.get("layers"), list):
        config["layers"] = [_without_slash(layer) for layer in config["layers"]]
        if name == "Sequential":
            config["layers"] = _with_input_layer(config["layers"])
            config.setdefault("name", "sequential")
        elif name == "Functional":
            config = _graph(config)
    if name != value["class_name"]:
        value = {key: each for key, each in value.items() if key != "registered_name"}
    return {**value, "class_name": name, "config": config}


def _one_factor(value):
    """Return x for [-x, x], which Keras 3.15 writes for x and does not take back."""
    if isinstance(value, list) and len(value) == 2 and value[0] == -value[1]:
        return value[1]
    return value


def _without_slash(layer):
    """Rename a layer whose name has a slash, as in MobileNetV3; Keras 3 allows none."""
    if not isinstance(layer, dict):
        return layer
    config = layer.get("config")
    if isinstance(config, dict) and "/" in str(config.get("name")):
        layer = {**layer, "config": {**config, "name": _name(config["name"])}}
    return {**layer, "name": _name(layer["name"])} if "name" in layer else layer


def _name(name):
    return name.replace("/", "_") if isinstance(name, str) else name


def _whole(value):
    """Return counts that a file has as 270.0, or lists of them, as integers."""
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _with_input_layer(layers):
    """Take the input's shape from a chain's first layer and give it one of its own."""
    result = []
    for layer in layers:
        config = layer.get("config") if isinstance(layer, dict) else None
        if isinstance(config, dict) and layer.get("class_name") != "InputLayer":
            shape = config.get("batch_input_shape")
            config = {k: v for k, v in config.items() if k != "batch_input_shape"}
            if shape and not result:
                own = {"batch_shape": shape, "name": f"{config.get('name')}_input"}
                if layer.get("class_name") == "Embedding":
                    own["dtype"] = "int32"
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


def _nodes(nodes, layer, hard_coded):
    """Return a layer's calls without a fixed training=True."""
    if not isinstance(nodes, list):
        return nodes
    result = []
    for node in nodes:
        if isinstance(node, dict) and isinstance(node.get("kwargs"), dict):  # Keras 3
            kwargs = _without_training(node["kwargs"], layer, hard_coded)
            node = {**node, "kwargs": kwargs}
        elif isinstance(node, list):  # Keras 2: [[name, node, tensor, arguments], ...]
            node = [
                [_without_training(part, layer, hard_coded) for part in each]
                if isinstance(each, list)
                else each
                for each in node
            ]
        result.append(node)
    return result


def _without_training(value, layer, hard_coded):
    if not isinstance(value, dict) or value.get("training") is not True:
        return value
    hard_coded.append((str(layer.get("class_name")), str(layer.get("name"))))
    return {key: each for key, each in value.items() if key != "training"}


# --- the graph of a functional model -------------------------------------------------


def _graph(config):
    """Return a functional configuration with every call written as Keras 3 does."""
    layers = [layer for layer in config["layers"] if isinstance(layer, dict)]
    shifts = _shifts(layers, config)
    result = []
    for layer in layers:
        nodes = layer.get("inbound_nodes")
        if isinstance(nodes, list) and any(isinstance(node, list) for node in nodes):
            calls = [_call(node, shifts) for node in nodes]
            if layer.get("class_name") in OLD_OPERATIONS:
                layer = operation(layer, calls)
            else:
                layer = {**layer, "inbound_nodes": calls}
                layer.pop("build_config", None)  # its calls build it
        result.append(layer)
    chains = {
        layer.get("name") for layer in layers if layer.get("class_name") == "Sequential"
    }
    config = {**config, "layers": result}
    for key in ("input_layers", "output_layers"):
        ends = config.get(key)
        if isinstance(ends, list) and len(ends) == 1:
            ends = ends[0]  # one tensor, not a list of one
        config[key] = _ends(ends, {k: v for k, v in shifts.items() if k in chains})
    return config


def _shifts(layers, config):
    """Return by how much the calls of models in this model are counted too high.

    In Keras 2 the first call of a nested model has the number 1, because the
    model was called once as it was made; in Keras 3 the first call has the number 0.
    """
    nested = {
        layer.get("name"): []  # the numbers of the calls that are used
        for layer in layers
        if layer.get("class_name") in _NESTED
    }
    pending = [layer.get("inbound_nodes") for layer in layers]
    pending.append(config.get("output_layers"))
    while pending:
        value = pending.pop()
        if _is_tensor(value) and _name(value[0]) in nested:
            nested[_name(value[0])].append(value[1])
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict) and value.get("class_name") != "__keras_tensor__":
            pending += value.values()
    old = any(
        isinstance(node, list)
        for layer in layers
        for node in layer.get("inbound_nodes") or ()
    )
    return {
        name: 1 for name, calls in nested.items() if old and calls and 0 not in calls
    }


def _is_tensor(value):
    """Return whether it is Keras 2's [layer, call, tensor], perhaps with arguments."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and type(value[1]) is int
        and (type(value[2]) is int or value[0] == "_CONSTANT_VALUE")
    )


def _call(node, shifts):
    """Return one call of Keras 2 as Keras 3 writes it."""
    if not isinstance(node, list):
        return node
    tensors = [node] if _is_tensor(node) else node
    inputs = [_argument(each[:3], shifts) for each in tensors]
    last = tensors[-1]
    kwargs = last[3] if len(last) == 4 else {}
    kwargs = {key: _argument(each, shifts) for key, each in kwargs.items()}
    return {"args": [inputs[0] if len(inputs) == 1 else inputs], "kwargs": kwargs}


def _argument(value, shifts):
    if _is_tensor(value):
        if value[0] == "_CONSTANT_VALUE":
            return value[2]
        return {
            "class_name": "__keras_tensor__",
            "config": {  # replaced by the tensor of that name
                "shape": [],
                "dtype": "float32",
                "keras_history": _ends(value[:3], shifts),
            },
        }
    if isinstance(value, list):
        return [_argument(each, shifts) for each in value]
    if isinstance(value, dict) and value.keys() == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": value}
    if isinstance(value, dict) and value.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return value


def _ends(value, shifts):
    if _is_tensor(value):
        name, call, tensor = value[:3]
        return [_name(name), call - shifts.get(_name(name), 0), tensor]
    if isinstance(value, list):
        return [_ends(each, shifts) for each in value]
    if isinstance(value, dict):
        return {key: _ends(each, shifts) for key, each in value.items()}
    return value
