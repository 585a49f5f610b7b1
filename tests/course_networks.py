"""The course's network as its notebooks build it, with a block to a stage.

Those of 2017 have names, those since 2021 none.
"""


def build(library, named=False, classes=6, shortcut_first=False, bias=True):
    """Return the network of 14 layers in Keras 3 (`keras`) or Keras 2 (`tf_keras`).

    Args:
        library: `keras` or `tf_keras`.
        named: whether layers have the names of 2017.
        classes: how many the head has.
        shortcut_first: whether the addition has the shortcut first, as
            keras.applications writes it.
        bias: whether convolutions have biases, as the course's.
    """
    layers = library.layers

    def unit(X, filters, kernel_size, name, s=1, padding="valid"):
        kind = "res" + name if name[0].isdigit() else name
        X = layers.Conv2D(
            filters,
            kernel_size,
            strides=s,
            padding=padding,
            use_bias=bias,
            name=kind if named else None,
        )(X)
        kind = "bn" + name if name[0].isdigit() else "bn_" + name
        return layers.BatchNormalization(axis=3, name=kind if named else None)(X)

    def relu(X):
        return layers.Activation("relu")(X)

    inputs = layers.Input((64, 64, 3))
    X = layers.ZeroPadding2D((3, 3))(inputs)
    X = relu(unit(X, 64, 7, "conv1", 2))
    X = layers.MaxPooling2D((3, 3), strides=(2, 2))(X)
    for stage, width in enumerate((64, 128, 256, 512), 2):
        s, shortcut = 1 if stage == 2 else 2, X
        X = relu(unit(X, width, 1, f"{stage}a_branch2a", s))
        X = relu(unit(X, width, 3, f"{stage}a_branch2b", 1, "same"))
        X = unit(X, 4 * width, 1, f"{stage}a_branch2c")
        shortcut = unit(shortcut, 4 * width, 1, f"{stage}a_branch1", s)
        both = [shortcut, X] if shortcut_first else [X, shortcut]
        X = relu(layers.Add()(both))
    X = layers.AveragePooling2D((2, 2))(X)
    X = layers.Flatten()(X)
    head = f"fc{classes}" if named else None
    X = layers.Dense(classes, activation="softmax", name=head)(X)
    return library.Model(inputs, X)
