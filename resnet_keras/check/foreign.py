"""TensorFlow's functions on Keras's symbolic tensors, which Keras 3 refuses.

Under Keras 2 they were taken, and old notebooks use `tf.add` and `tf.nn.relu`. Through
TensorFlow's own registry for foreign tensors, which Keras 2 used for this, each becomes
a layer while a learner's function is called, and only then.
"""

from contextlib import contextmanager

import keras
from keras import layers

_active = False
_dispatcher = None


@contextmanager
def taken_by_tensorflow():
    """Let TensorFlow's functions take symbolic tensors meanwhile."""
    global _active, _dispatcher
    if keras.backend.backend() == "tensorflow" and _dispatcher is None:
        _dispatcher = _make_dispatcher()
        _dispatcher.register()  # for good; what is registered cannot be taken back
    before, _active = _active, True
    try:
        yield
    finally:
        _active = before


def _make_dispatcher():
    import tensorflow as tf

    class Dispatcher(tf.__internal__.dispatch.GlobalOpDispatcher):
        def handle(self, op, args, kwargs):
            tensors = [each for each in keras.tree.flatten((args, kwargs)) if _is(each)]
            if not _active or not tensors:
                return self.NOT_SUPPORTED

            def call(values):
                left = iter(values if len(tensors) > 1 else [values])
                arguments, options = keras.tree.map_structure(
                    lambda each: next(left) if _is(each) else each, (args, kwargs)
                )
                return op(*arguments, **options)

            call.__name__ = getattr(op, "__name__", "function")
            return layers.Lambda(call)(tensors if len(tensors) > 1 else tensors[0])

    return Dispatcher()


def _is(value):
    return isinstance(value, keras.KerasTensor)
