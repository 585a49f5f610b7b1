"""Files that appear whole or not at all."""

import contextlib
import csv
import json
import os
import re
import tempfile
from pathlib import Path

from resnet_keras.errors import InputError

_MARK = "-partial-"  # of temporary names


@contextlib.contextmanager
def write_whole(path):
    """Give a temporary path beside `path` that takes its name if all goes well.

    A full disk, an error, a kill or a power cut leaves what was at `path` as it
    was. Where a link stands, the file that it leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    suffix = "".join(path.suffixes[-2:])  # Keras wants .weights.h5 whole
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            prefix=f".{path.name.removesuffix(suffix)}{_MARK}",
            suffix=suffix,
            dir=path.parent,
        )
        os.close(handle)
        temporary = Path(temporary)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except Exception as error:
        if _is_of_the_disk(error):
            raise _unwritten(path, error) from error
        raise
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def check_room(path, num_bytes):
    """See that a file may become as large, before HDF5 writes it.

    On a full disk HDF5 does not always report: small data fail when the file is closed,
    and with some versions that ends the process.

    Args:
        path: of a file that is there; it is left empty.
        num_bytes: int.

    Raises:
        OSError: it may not.
    """
    with open(path, "r+b") as file:
        if num_bytes and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, num_bytes)
        file.truncate(0)


# HDF5 reports a full disk as RuntimeError as well as OSError, by what failed in it.
_HDF5_WRITING = re.compile(
    r"errno = \d+|file write failed|(unable to|can't) "
    r"(flush|close|truncate|write|decrement|extend|synchronously write)",
    re.IGNORECASE,
)


def _is_of_the_disk(error):
    return isinstance(error, OSError) or (
        isinstance(error, RuntimeError) and bool(_HDF5_WRITING.search(str(error)))
    )


def _unwritten(path, error):
    reason = getattr(error, "strerror", None) or str(error)
    if found := re.search(r"error message = '([^']*)'", reason):
        reason = found[1]
    return OSError(
        f"{path}: could not be written ({reason}). Free some space or choose another "
        "folder; what was there before is untouched."
    )


@contextlib.contextmanager
def write_whole_folder(path, members):
    """Give a temporary folder beside `path` that takes its name if all goes well.

    What stood at `path`, a folder of `members` or nothing, goes once the new one is
    complete.

    Raises:
        OSError: `path` is a file or holds something else, or the folder could not be
            written.
    """
    path = Path(path)
    refuse_file(path)
    for each in path.iterdir() if path.is_dir() else ():
        if each.name not in members:
            raise OSError(
                f"{path}: holds {each.name}, which would be lost; expected a new "
                "folder, or one written before."
            )
    prefix = f".{path.name}{_MARK}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent) as directory:
            new, old = Path(directory) / "new", Path(directory) / "old"
            new.mkdir()
            yield new
            if path.exists():
                path.rename(old)
            try:
                new.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
    except OSError as error:
        raise _unwritten(path, error) from error


def check_folder(path):
    """Make a folder if need be, and see before long work that it can be written to.

    Raises:
        OSError: it cannot.
    """
    refuse_file(path)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OSError(
            f"{path}: cannot be written to ({error.strerror}); expected a folder for "
            "what comes out."
        ) from error


def check_not_input(outputs, inputs):
    """Refuse to write over a file that the command reads, under any of its names.

    Links of either kind count as the file that they lead to.

    Args:
        outputs: paths of all files that are to be written, side files included.
        inputs: paths of what is read; None, and words that are no file, are passed by.

    Raises:
        InputError: an output is an input.
    """
    known = {key: each for each in filter(None, inputs) for key in _identities(each)}
    for output in filter(os.path.lexists, outputs):
        found = [known[key] for key in _identities(output) if key in known]
        if found:
            other = "" if str(output) == str(found[0]) else f" by the name {output}"
            raise InputError(
                f"{found[0]}: is read by this command, which would write over it"
                f"{other}. Move it, or give another path with --out."
            )


def _identities(path):
    """Return what identifies a file: where links lead, and its number on disk."""
    # Not by Path.resolve, to which a loop of links is an error.
    identities = [os.path.realpath(path)]
    if os.path.exists(path):
        status = os.stat(path)
        identities.append((status.st_dev, status.st_ino))
    return identities


def refuse_file(path):
    """Raise OSError if `path` is there and no folder."""
    if os.path.exists(path) and not os.path.isdir(path):
        raise OSError(f"{path}: is a file; expected a folder for what comes out.")


def remove_leftovers(directory):
    """Remove what `write_whole` had to leave behind where a process was killed."""
    for path in Path(directory).glob(f".*{_MARK}*"):
        if not path.is_dir():
            path.unlink(missing_ok=True)


def write_json(path, value):
    """Write `value` as indented JSON, whole or not at all.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON does not have: the caller
            writes None instead, or says what went wrong.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    except ValueError as error:
        raise ValueError(
            f"{path}: holds NaN or an infinity, which JSON does not have; expected "
            "finite numbers or None."
        ) from error
    with write_whole(path) as temporary:
        temporary.write_text(text)


def write_csv(path, rows):
    """Write dictionaries with the same keys as a table, whole or not at all."""
    with write_whole(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
