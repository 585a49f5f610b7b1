"""What in an image a prediction depends on: saliency maps, and the gradients below.

It may import `inference`, `nets`, `data` and `plots`.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "saliency": "explain grad_cam heat_map input_gradient occlusion last_map "
    "cell_centres verdict figure",
    "gradients": "gradient_norms score_gradients",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
