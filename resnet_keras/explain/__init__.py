"""What in an image a prediction depends on: saliency maps, and the gradients below.

It rests on `inference`, `nets`, `data` and `plots`; no module here imports a command.
"""

from importlib import import_module

# Looked up on first use: Matplotlib and Keras are not needed to import the package.
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

__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
