"""TensorFlow's SavedModel, a folder."""

from resnet_keras.export.converting import converting, write_metadata

MEMBERS = {  # what TensorFlow puts into its folder
    "assets",
    "assets.extra",
    "fingerprint.pb",
    "saved_model.pb",
    "variables",
}


def write(model, metadata, path, calibration):
    """Write the folder; metadata go to its folder for such, assets.extra."""
    with converting("savedmodel"):
        model.export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"
    extra.mkdir()
    write_metadata(metadata, extra / "card.json")


def read(path, model):
    """Return TensorFlow's function."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda images: loaded.serve(tf.constant(images)).numpy()
