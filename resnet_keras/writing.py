"""Files that appear whole or not at all."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

_MARK = "-partial-"  # of temporary names


@contextlib.contextmanager
def write_whole(path):
    """Give a temporary path beside `path` that takes its name if all goes well.

    A full disk, an error, a kill or a power cut leaves whatever stood at `path` as it
    was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes[-2:])  # Keras wants .weights.h5 whole
    handle, temporary = tempfile.mkstemp(
        prefix=f".{path.name.removesuffix(suffix)}{_MARK}",
        suffix=suffix,
        dir=path.parent,
    )
    os.close(handle)
    temporary = Path(temporary)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except Exception as error:
        # HDF5 reports a full disk as RuntimeError or ValueError as well as OSError.
        if isinstance(error, (OSError, RuntimeError)):
            reason = getattr(error, "strerror", None) or str(error)
            raise OSError(
                f"{path}: could not be written ({reason}). Free some space or choose "
                "another place; what stood there before is untouched."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(path):
    """Make a folder if need be, and see before long work that it can be written to.

    Raises:
        OSError: it cannot.
    """
    Path(path).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass


def remove_leftovers(directory):
    """Remove what `write_whole` had to leave behind where a process was killed."""
    for path in Path(directory).glob(f".*{_MARK}*"):
        path.unlink(missing_ok=True)


def write_json(path, value):
    """Write `value` as indented JSON, whole or not at all."""
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
