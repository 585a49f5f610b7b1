"""Keras' own formats, `.keras` and `.h5`."""

from resnet_keras.files import load_model, save_model


def write(model, metadata, path, calibration):
    """Write a whole model with its metadata."""
    save_model(model, path, metadata)


def read(path, model):
    """Return the model's own prediction."""
    return load_model(path, trust=True)[0].predict_on_batch
