"""Blocks whose activations, addition or saved input are wrong."""

from tests.check_cases.mutant import FIRST_2021, LAST, SAVE, mutant

ACTIVATIONS_AND_ADDITION = [
    # 2. the last ReLU missing
    mutant("last-relu-gone", "last-relu-missing", "i", "2017", (LAST, "")),
    mutant(
        "last-relu-gone-helpers",
        "last-relu-missing",
        "i",
        "helpers",
        ("return layers.ReLU()(total)", "return total"),
    ),
    mutant(
        "last-relu-gone-conv",
        "last-relu-missing",
        "c",
        "2021",
        ("    X = Activation('relu')(X) # c3\n", ""),
    ),
    # 3. the last ReLU before the addition
    mutant(
        "relu-then-add",
        "last-relu-before-addition",
        "i",
        "2021",
        (
            "    X = Add()([X_shortcut, X])\n    X = Activation('relu')(X) # i3\n",
            "    X = Activation('relu')(X)\n    X = Add()([X_shortcut, X])\n",
        ),
    ),
    mutant(
        "relu-then-add-conv",
        "last-relu-before-addition",
        "c",
        "helpers",
        ("ops.relu(ops.add(X, projected))", "ops.add(ops.relu(X), projected)"),
    ),
    # 4. an extra inner ReLU
    mutant(
        "relu-after-third",
        "inner-relu-extra",
        "i",
        "2017",
        ("    # Final step\n", "    X = Activation('relu')(X)\n"),
    ),
    mutant(
        "relu-in-every-round",
        "inner-relu-extra",
        "c",
        "helpers",
        ("if index != 2", "if index < 3"),
    ),
    # 5. an inner ReLU missing
    mutant(
        "no-relu-after-second",
        "inner-relu-missing",
        "i",
        "2017",
        ("    X = Activation('relu')(X)  # second\n", ""),
    ),
    mutant(
        "no-relu-after-first",
        "inner-relu-missing",
        "c",
        "2021",
        ("    X = Activation('relu')(X) # c1\n", ""),
    ),
    mutant(
        "one-round-too-few",
        "inner-relu-missing",
        "i",
        "helpers",
        ("if index < 2", "if index < 1"),
    ),
    # 6. no addition
    mutant(
        "add-forgotten",
        "no-addition",
        "i",
        "2017",
        ("    X = layers.add([X, X_shortcut])\n", ""),
    ),
    mutant(
        "add-forgotten-conv",
        "no-addition",
        "c",
        "helpers",
        ("ops.relu(ops.add(X, projected))", "ops.relu(X)"),
    ),
    # 7. X + X
    mutant(
        "x-plus-x",
        "added-to-itself",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "Add()([X, X])"),
    ),
    mutant(
        "x-plus-x-conv",
        "added-to-itself",
        "c",
        "2017",
        ("layers.add([X, X_shortcut])", "layers.add([X, X])"),
    ),
    # 8. added twice
    mutant(
        "added-again",
        "added-twice",
        "i",
        "2017",
        (
            "    X = layers.add([X, X_shortcut])\n",
            "    X = layers.add([X, X_shortcut])\n"
            "    X = layers.add([X, X_shortcut])\n",
        ),
    ),
    mutant(
        "added-again-operator",
        "added-twice",
        "i",
        "helpers",
        ("total = X + saved", "total = X + saved + saved"),
    ),
    mutant(
        "added-after-relu",
        "added-twice",
        "i",
        "2021",
        (
            "    X = Activation('relu')(X) # i3\n",
            "    X = Activation('relu')(X) # i3\n    X = Add()([X_shortcut, X])\n",
        ),
    ),
    # 9. concatenation
    mutant(
        "concatenated",
        "concatenated",
        "i",
        "2021",
        ("Add()([X_shortcut, X])", "Concatenate()([X_shortcut, X])"),
    ),
    mutant(
        "concatenated-function",
        "concatenated",
        "c",
        "2017",
        ("layers.add([X, X_shortcut])", "concatenate([X, X_shortcut], axis=-1)"),
    ),
    # 10. the shortcut saved after X was overwritten
    mutant(
        "saved-after-first",
        "shortcut-late",
        "i",
        "2021",
        (SAVE, ""),
        (FIRST_2021, FIRST_2021 + SAVE),
    ),
    mutant(
        "saved-after-first-conv",
        "shortcut-late",
        "c",
        "2017",
        ("    X_shortcut = X  # saved\n", ""),
        (
            "    X = Activation('relu')(X)  # conv first\n",
            "    X = Activation('relu')(X)\n    X_shortcut = X\n",
        ),
    ),
]
