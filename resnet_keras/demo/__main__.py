"""Show a saved model on a page in the browser: `python -m resnet_keras.demo`."""

import argparse
import os
import re
import socket
import sys
import tempfile
import time
from importlib import metadata as packages

from resnet_keras.commands import (
    add_preprocessing,
    add_trust,
    integer_from,
    load_keras,
    run,
)
from resnet_keras.demo import HOST
from resnet_keras.errors import InputError, check_is_file

_NUM_EXAMPLES = 12
_OLDEST = 6, 31  # pages of older ones load a script and fonts from elsewhere
_WANTED = "the page takes version 6.31 or later: pip install 'resnet_keras[demo]'."


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="python -m resnet_keras.demo",
        description="Show what a classifier or detector says of a picture, on a page "
        "in the browser of this machine.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="as for predict, or a detector trained here"
    )
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="examples to offer: pictures, folders, or patterns in quotes, of which "
        f"the first {_NUM_EXAMPLES} are taken (default: drawn hands, for a model "
        "trained on them)",
    )
    parser.add_argument(
        "--port",
        type=integer_from(1, 65535),
        default=7860,
        help="of the page's address (default: %(default)s)",
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="make the page public for as long as it runs, through Gradio's servers",
    )
    add_preprocessing(parser)
    add_trust(parser)
    return parser.parse_intermixed_args(argv)


def main(argv=None):
    """Parse, open the model, and serve the page until Ctrl-C."""
    arguments = _parse(argv)
    _check_gradio()
    _check_port(arguments.port)
    load_keras()
    from resnet_keras.inference.pictures import find_pictures

    pictures = [x for name in arguments.images for x in find_pictures(name)]
    for path in pictures[:_NUM_EXAMPLES]:
        check_is_file(path, "a picture")
    model, metadata, remarks = _open(arguments)
    for remark in remarks:
        print(remark, file=sys.stderr)
    # Uploads go there, and with it.
    with tempfile.TemporaryDirectory(prefix="resnet_keras_demo_") as folder:
        _set_environment(folder)
        from resnet_keras.demo.page import build, drawn_examples, launch

        examples = pictures[:_NUM_EXAMPLES] or drawn_examples(metadata, folder)
        page = build(model, metadata, remarks, examples)
        try:
            launch(page, arguments.port, arguments.share)
            print(f"The page is {page.local_url} (Ctrl-C ends it)", flush=True)
            if arguments.share:
                print(f"Public: {page.share_url or 'not possible now'}", flush=True)
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return 0
        finally:
            page.close(verbose=False)


def _check_gradio():
    """Refuse, in one line, where Gradio is missing or too old."""
    try:
        version = packages.version("gradio")
    except packages.PackageNotFoundError:
        raise InputError(f"Gradio is not installed; {_WANTED}") from None
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < _OLDEST:
        raise InputError(f"Gradio {version} is installed; {_WANTED}")


def _check_port(port):
    """Refuse a port that is taken or not allowed, before the model is opened."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        found = os.strerror(error.errno)
        raise InputError(
            f"port {port} of {HOST}: {found}; choose another with --port."
        ) from error


def _open(arguments):
    """Return `Classifier` or `Finder`, the metadata, and sentences to be said."""
    from resnet_keras.detection.finder import Finder
    from resnet_keras.files.preprocessing import with_preprocessing
    from resnet_keras.inference import Classifier
    from resnet_keras.weights.opening import open_model

    model, metadata = open_model(arguments.model, arguments.trust)
    metadata = with_preprocessing(metadata, arguments.preprocessing)
    if metadata.get("task") == "detector":
        return Finder(model, metadata, arguments.model), metadata, []
    classifier = Classifier(model, metadata, arguments.model)
    return classifier, metadata, classifier.remarks()


def _set_environment(folder):
    """Let Gradio keep its files in a folder, and send nothing anywhere."""
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_RUN_HISTORY"] = "False"  # which the browser would keep
    for name in ("NO_PROXY", "no_proxy"):  # Gradio looks whether its page answers
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST]))


if __name__ == "__main__":
    run(main)
