"""What the formats' modules share: converters that stay quiet, and metadata beside."""

import contextlib
import io
import json
import warnings

from resnet_keras.commands import without_notes
from resnet_keras.errors import InputError


@contextlib.contextmanager
def converting(format_name):
    """Keep a converter quiet, and turn what it raises into one line.

    Raises:
        InputError: the converter cannot do it.
        OSError: there is no space left.
    """
    with without_notes():
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                yield
        except (OSError, InputError):
            raise
        except Exception as error:  # each converter has its own kinds
            words = str(error).strip().splitlines() or [""]
            if "no space left" in str(error).lower():
                raise OSError(words[0][:300]) from error
            raise InputError(
                f"--format {format_name}: cannot hold this model "
                f"({type(error).__name__}: {words[0][:300]}). Choose another format."
            ) from error


def write_metadata(metadata, path):
    """Write the metadata of a model whose format has no room for it."""
    path.write_text(json.dumps(metadata, indent=2) + "\n")
