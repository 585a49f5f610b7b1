"""A learner's own block or network, compared with the documented one: what is wrong.

Imports Keras and, for the network, `resnet_keras.models`; nothing imports it. The room
is a command, `python -m resnet_keras.check FILE`, and may itself be called:
`resnet_keras.check(identity_block)`.
"""

import sys
from types import ModuleType


def check_function(function, kind=None):
    """Compare a learner's function with the documented one, and name what is wrong.

    For a file or a notebook, `python -m resnet_keras.check` does the same in a process
    of its own, with a time limit; here the function runs where it is.

    Args:
        function: `identity_block` or `convolutional_block` with one of the course's
            signatures, (X, f, filters, stage, block), (X, f, filters, training,
            initializer) or (X, f, filters, initializer), and s; or
            `ResNet50(input_shape, classes)`.
        kind: "identity_block", "convolutional_block" or "ResNet50"; by default what
            the function's name or arguments say.

    Returns:
        `result.Result`: `print` it, draw it with `.plot()`, ask it for `.right`,
        `.causes` or `.findings`. A notebook shows text and picture by itself.

    Raises:
        InputError: the function takes other arguments.

    Example:

    >>> import resnet_keras.check
    >>> def identity_block(X, f, filters, stage, block):
    ...     return X
    >>> resnet_keras.check(identity_block).causes
    ['component-missing', 'no-addition', 'last-relu-missing']
    """
    from resnet_keras.check.signatures import KINDS, kind_of

    name = getattr(function, "__name__", str(function))
    function = getattr(function, "python_function", function)  # of a tf.function
    kind = kind or kind_of(function)
    if kind == KINDS[2]:
        from resnet_keras.check.network import check_network

        return check_network(function, name)
    from resnet_keras.check.blocks import check_block

    return check_block(function, kind, name)


class _CallableModule(ModuleType):
    """A module that is a function too, for `check` is the name of both.

    Importing `resnet_keras.check` binds that name in `resnet_keras` to this module, and
    would hide a function of the same name there. Python lets a module have a class.
    """

    def __call__(self, function, kind=None):
        return check_function(function, kind)


sys.modules[__name__].__class__ = _CallableModule
check = sys.modules[__name__]  # what `resnet_keras` exports under this name
