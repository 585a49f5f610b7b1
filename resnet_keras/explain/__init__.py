"""What in an image a prediction depends on: saliency maps, and the gradients below.

It may import `inference`, `nets`, `data` and `plots`.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "explain": "saliency",
    "grad_cam": "saliency",
    "input_gradient": "saliency",
    "occlusion": "saliency",
    "last_map": "saliency",
    "cell_centres": "saliency",
    "verdict": "saliency",
    "figure": "saliency",
    "gradient_norms": "gradients",
    "score_gradients": "gradients",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
