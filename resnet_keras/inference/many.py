"""Predictions for any number of pictures, written to a table as they come."""

import csv
import hashlib
import io
import itertools
import json
import os
import time
from pathlib import Path

import keras
import numpy as np

from resnet_keras.data.images import read_image
from resnet_keras.errors import InputError
from resnet_keras.files.writing import write_json, write_whole
from resnet_keras.inference.metrics import check_numbers
from resnet_keras.inference.pictures import ranking, read_ahead

SUFFIXES = (".csv", ".parquet")
_CHUNK_BYTES, _LEAST_CHUNK, _MOST_CHUNK = 2**26, 32, 512
_EXPECTED = 10_000  # where nobody knows how many pictures will come


def predict_to_table(
    classifier, paths, output, settings, top=3, total=None, resume=False
):
    """Write the classes of pictures to a table, in constant memory.

    Rows go to `OUTPUT.part`, which becomes `output` when it is complete. What was
    written there before a kill is kept with `resume`: no picture is lost, and none is
    there twice. While some pictures are predicted the next ones are read.

    Args:
        classifier: `Classifier`.
        paths: iterable of picture files, in the same order each time.
        output: path of the table, .csv or .parquet; .parquet needs pyarrow.
        settings: dictionary, as JSON has it, of what a resumed run must have in common
            with the one before.
        top: how many classes to write for each picture.
        total: number of pictures, if it is known, for the time left.
        resume: whether to go on with what is there.

    Returns:
        How many pictures the table has, and how many of them could not be read; their
        rows have the reason in the column "error".

    Raises:
        InputError: there is something to resume without `resume`, or nothing with it,
            or the pictures are others than before; the model predicts NaN or infinity;
            or Ctrl-C stopped it.
        OSError: the table could not be written; what was written can be resumed.

    Example:

    >>> from resnet_keras.inference import open_classifier, predict_to_table
    >>> classifier = open_classifier("runs/hands/model.h5")  # doctest: +SKIP
    >>> predict_to_table(classifier, ["a.jpg"], "found.csv", {})  # doctest: +SKIP
    (1, 0)
    """
    top = min(top, len(classifier.class_names))
    progress = _Progress(output, settings, total, resume)
    classifier.prepare(total or _EXPECTED)
    paths = progress.skip_finished(paths)
    try:
        with progress.part.open("r+b") as file:
            file.truncate(progress.state["bytes"])
            file.seek(0, os.SEEK_END)
            if not progress.state["bytes"]:
                file.write(_as_csv([_header(top)], output))
            for chunk in _chunks(classifier, paths):
                rows, num_broken = _rows(classifier, chunk, top)
                file.write(_as_csv(rows, output))
                file.flush()
                progress.save([path for path, _ in chunk], num_broken, file.tell())
    except KeyboardInterrupt:
        number = progress.state["rows"]
        print(flush=True)  # the bar's line ends here
        raise InputError(
            f"{output}: stopped by the user after {number} pictures, which are in "
            f"{progress.part}; go on with --resume."
        ) from None
    progress.finish(_types(top))
    return progress.state["rows"], progress.state["broken"]


class _Progress:
    """What is finished of a table: `state`, which is on disk after each chunk."""

    def __init__(self, output, settings, total, resume):
        self._output, self._total = Path(output), total
        self.part = Path(f"{output}.part")
        self._path = Path(f"{output}.part.json")
        if resume:
            self.state = self._read(settings)
        elif self._path.exists():
            raise InputError(
                f"{self._path}: predictions were cut off here before. Go on with "
                "--resume, or use --overwrite."
            )
        else:
            self.state = {"settings": settings, "rows": 0, "bytes": 0, "broken": 0}
            self.part.parent.mkdir(parents=True, exist_ok=True)
            self.part.touch()
        self._names = hashlib.blake2b(digest_size=16)  # of the pictures, in order
        self._first, self._start = self.state["rows"], time.perf_counter()
        self._bar = keras.utils.Progbar(
            total, unit_name="picture", stateful_metrics=["images/s"]
        )

    def _read(self, settings):
        try:
            state = json.loads(self._path.read_text())
            wanted = ("settings", "rows", "bytes", "broken", "names")
            state = {key: state[key] for key in wanted}
        except FileNotFoundError:
            raise InputError(
                f"{self._path}: no such file; expected that of predictions that were "
                "cut off. Leave --resume out to begin."
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self._path}: is damaged ({error!r}). Use --overwrite to begin again."
            ) from error
        # Files of earlier versions do not say it.
        before, now = {"precision": "float32"} | state["settings"], settings
        state["settings"] = before
        if {"precision": "float32"} | now != before:
            other = [key for key in now if now[key] != before.get(key)]
            raise InputError(
                f"{self._path}: these predictions began with another "
                f"{', '.join(other)}. Give the same to resume, or use --overwrite."
            )
        if not self.part.exists() or self.part.stat().st_size < state["bytes"]:
            raise InputError(
                f"{self.part}: is missing or too short. Use --overwrite to begin again."
            )
        return state

    def skip_finished(self, paths):
        """Return an iterator over the paths that are left."""
        paths = iter(paths)
        for path in itertools.islice(paths, self.state["rows"]):
            self._add(path)
        if self.state.get("names", self._digest()) != self._digest():
            raise InputError(
                f"{self._path}: the {self.state['rows']} pictures that are finished "
                "are not the first of these. Give the same pictures to resume, or use "
                "--overwrite."
            )
        return paths

    def save(self, paths, num_broken, num_bytes):
        """Count a chunk whose rows are written, up to so many bytes of the table."""
        for path in paths:
            self._add(path)
        self.state["rows"] += len(paths)
        self.state["broken"] += num_broken
        self.state |= {"bytes": num_bytes, "names": self._digest()}
        write_json(self._path, self.state)
        seconds = time.perf_counter() - self._start
        speed = (self.state["rows"] - self._first) / max(seconds, 1e-9)
        self._bar.update(self.state["rows"], [("images/s", speed)], finalize=False)

    def finish(self, types):
        """Give the table its name."""
        if self.state["rows"]:
            self._bar.update(self.state["rows"], finalize=True)
        if _is_parquet(self._output):
            _write_parquet(self.part, self._output, types)
            self.part.unlink()
        else:
            self.part.replace(self._output)
        self._path.unlink(missing_ok=True)

    def _add(self, path):
        self._names.update(os.fsencode(path) + b"\0")

    def _digest(self):
        return self._names.hexdigest()


def _chunks(classifier, paths):
    """Yield lists of (path, picture or `InputError`), reading one list ahead."""
    size = classifier.height, classifier.width
    most = _CHUNK_BYTES // (size[0] * size[1] * 3)
    most = min(max(most, _LEAST_CHUNK), _MOST_CHUNK)
    return read_ahead(paths, lambda path: read_image(path, size), most)


def _rows(classifier, chunk, top):
    """Return the rows of a chunk, and how many of its pictures are broken."""
    images = [image for _, image in chunk if not isinstance(image, InputError)]
    found = iter(())
    if images:
        probabilities, *rest = classifier.predict(np.stack(images))
        check_numbers(probabilities, classifier.name)
        found = zip(*rest, strict=True)
    rows = []
    for path, image in chunk:
        if isinstance(image, InputError):
            reason = " ".join(str(image).split())
            rows.append([path, *[""] * (1 + 2 * top), reason])
            continue
        probabilities, is_answer = next(found)
        ranked = ranking(probabilities, classifier.class_names, top)
        pairs = [(name, f"{probability:.6g}") for name, probability in ranked]
        answer = ranked[0][0] if is_answer else ""
        rows.append([path, answer, *itertools.chain.from_iterable(pairs), ""])
    return rows, len(chunk) - len(images)


def _header(top):
    numbers = range(1, top + 1)
    pairs = [(f"class_{number}", f"probability_{number}") for number in numbers]
    return ["image", "class", *itertools.chain.from_iterable(pairs), "error"]


def _is_parquet(output):
    return Path(output).suffix.lower() == ".parquet"


def _types(top):
    is_number = "probability_"
    return {name: name.startswith(is_number) for name in _header(top)}


def _as_csv(rows, output):
    # A name that is no UTF-8 stays what it is, but for Parquet, which takes none.
    errors = "backslashreplace" if _is_parquet(output) else "surrogateescape"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", errors)


def _write_parquet(part, output, types):
    """Write a .csv file as Parquet, a block at a time."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    kinds = {name: pa.float32() if types[name] else pa.string() for name in types}
    options = pa.csv.ConvertOptions(
        column_types=kinds, null_values=[""], strings_can_be_null=True
    )
    parsing = pa.csv.ParseOptions(newlines_in_values=True)
    with (
        write_whole(output) as temporary,
        pa.csv.open_csv(part, None, parsing, options) as reader,
        pa.parquet.ParquetWriter(temporary, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
