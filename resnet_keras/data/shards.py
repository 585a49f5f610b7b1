"""TFRecord shards of encoded pictures: those that `pack` writes, and others'."""

import json
import os
import re
import zlib
from collections import Counter

import numpy as np

from resnet_keras.data.file_sets import build
from resnet_keras.data.labels import Labels, say_no_test, settle_classes, shown
from resnet_keras.data.records import features, walk
from resnet_keras.data.splitting import is_for_test, part_in, say_drawn, settle_parts
from resnet_keras.data.streaming import Pictures
from resnet_keras.errors import InputError

INDEX = "index.json"  # of shards that `pack` wrote
PLACES = "index.npz"  # beside it: where in its shard each picture is
FORMAT = "resnet_keras shards 1"
_KEYS = ("file", "part", "num_images", "bytes", "sha256")
PARTS = ("train", "validation", "test")
# Names as TensorFlow's own scripts write them, and as TFDS does.
_IMAGE = ("image/encoded", "image")
_LABEL = ("image/class/label", "label")
_TEXT = ("image/class/text",)
_FILENAME = ("image/filename", "file_name", "filename")
_OF_MANY = re.compile(r"-(\d{5})-of-(\d{5})$")


class Shard:
    """What a TFRecord file of labelled pictures holds.

    Args:
        path: of the file.

    Raises:
        InputError: it is damaged, or its records are no labelled pictures.
    """

    def __init__(self, path):
        self.path = path
        self.texts = {}  # names of classes, by label
        self.filenames = []  # of pictures, where all have one; bytes
        starts, lengths, labels = [], [], []
        for number, (start, end, data) in enumerate(walk(path), 1):
            try:
                found = features(data, start, end)
            except (ValueError, IndexError):
                found = {}
            image, label = _first(found, _IMAGE), _first(found, _LABEL)
            if not (isinstance(image, tuple) and isinstance(label, int)):
                raise InputError(
                    f"{path}: record {number} holds {shown(sorted(found)) or 'nothing'}"
                    "; expected image/encoded, the bytes of a picture, and "
                    "image/class/label, an integer."
                )
            starts.append(image[0])
            lengths.append(image[1] - image[0])
            labels.append(label)
            text, filename = _first(found, _TEXT), _first(found, _FILENAME)
            if isinstance(text, tuple):
                self.texts[label] = data[slice(*text)].decode("utf-8", "replace")
            if isinstance(filename, tuple):
                self.filenames.append(data[slice(*filename)])
        self.starts = np.array(starts, np.int64)
        self.lengths = np.array(lengths, np.int64)
        self.labels = np.array(labels, np.int64)

    def __len__(self):
        return len(self.labels)


def _first(found, names):
    return next((found[name] for name in names if name in found), None)


class ShardPictures(Pictures):
    """Pictures in TFRecord shards; of each, its place stays in memory, 28 bytes.

    Args:
        paths: of the shards.
        shard_of: int32 (num_images,), the position of each picture's shard in `paths`.
        starts, lengths: int64 (num_images,), in bytes.
        checksums: uint32 (num_images,), CRC-32 of the pictures; None if not known.
        image_size: as in `Pictures`.
    """

    def __init__(self, paths, shard_of, starts, lengths, checksums, image_size):
        super().__init__(len(starts), image_size)
        self._paths, self._shard_of = paths, shard_of
        self._starts, self._lengths = starts, lengths
        self._checksums = checksums

    def sizes(self):
        """Return how many bytes each encoded picture has, int64 (num_images,)."""
        return self._lengths[self._rows]

    def _name(self, place):
        start = self._starts[place]
        return f"{self._paths[self._shard_of[place]]}: the picture at byte {start}"

    def _read(self, place):
        path = self._paths[self._shard_of[place]]
        length = int(self._lengths[place])
        try:
            with open(path, "rb", buffering=0) as file:
                file.seek(int(self._starts[place]))
                data = file.read(length)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
        if len(data) < length:
            raise InputError(
                f"{self._name(place)} is cut off. Copy or pack the shard again."
            )
        if self._checksums is not None and zlib.crc32(data) != self._checksums[place]:
            raise InputError(
                f"{self._name(place)} has a wrong checksum, so the shard is damaged. "
                "Copy or pack it again."
            )
        return data


def shards_in(path):
    """Return the shards directly in a folder, or a file that is one, by their names.

    Names are as TensorFlow's and TFDS' are: `train-00000-of-00010`, `a.tfrecord`,
    `a-test.tfrecord-00000-of-00002`.
    """
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return [
        each
        for each in paths
        if (".tfrecord" in each.name.lower() or _OF_MANY.search(each.name))
        and not each.name.startswith(".")
        and each.is_file()
    ]


def read_shards(path, options):
    """Read TFRecord shards as a `Dataset`.

    Args:
        path: folder of shards, or one of them.
        options: `Options`.

    Raises:
        InputError: a shard is damaged or missing, or classes or parts are not clear.
    """
    if is_packed(path):
        return _read_packed(path, options)
    paths = shards_in(path)
    _check_all_there(paths)
    shards = {}
    for each in paths:
        part = part_in(_OF_MANY.sub("", each.name).replace(".tfrecord", ""))
        shards.setdefault(part or "train", []).append(Shard(each))
    shards = {part: shards[part] for part in PARTS if part in shards}
    if options.needs_train and "train" not in shards:
        raise InputError(
            f"{path}: holds a {shown(list(shards))} part only; expected shards to "
            "train on, such as train-00000-of-00010."
        )
    roles, is_drawn, note = settle_parts(set(shards), options.needs_train)
    labels = {
        part: Labels(path, "image/class/label", _joined(each, "labels"))
        for part, each in shards.items()
    }
    names, said_names = _class_names(path, shards, labels)
    class_names, positions, said = settle_classes(labels, names, "train" in shards)
    notes = ["Shards without an index of this package.", *said_names, *said]
    notes += [note] if note else []
    by_role = {role: [] for role in PARTS}
    for part, each in shards.items():
        by_role[roles[part]] += each
    kept = [by_role["train"] + by_role["validation"], by_role["test"]]
    of_part = {role: np.concatenate([positions[p] for p in shards if roles[p] == role])
               for role in {*roles.values()}}  # fmt: skip
    num_training = len(of_part.get("train", ()))
    places = np.concatenate([of_part.get(role, np.empty(0, int)) for role in PARTS])
    images = _pictures(kept[0] + kept[1], options.image_size)
    is_test = np.arange(len(images)) >= sum(map(len, kept[0]))
    if is_drawn and "train" in shards:
        is_test, by = _draw(kept[0], options.split_seed)
        num_training = int((~is_test).sum())
        notes.append(say_drawn(num_training, is_test.sum(), options.split_seed, by))
    parts = [(images.take(rows), places[rows]) for rows in (~is_test, is_test)]
    if len(parts[1][1]) and "train" in shards:
        notes += say_no_test(parts[1][1], class_names, is_drawn)
    return build(
        path.resolve().name, str(path), class_names, parts, num_training, is_drawn,
        options, notes,
    )  # fmt: skip


def _check_all_there(paths):
    """Refuse shards 0 to 7 of 10."""
    found = {}
    for path in paths:
        if match := _OF_MANY.search(path.name):
            name, number = path.name[: match.start()], int(match[2])
            found.setdefault((path.parent / name, number), set()).add(int(match[1]))
    for (name, number), numbers in found.items():
        if missing := sorted({*range(number)} - numbers):
            raise InputError(
                f"{name}-*-of-{number:05d}: {len(missing)} of {number} shards are "
                f"missing: {shown(missing)}. Put them there too."
            )


def _joined(shards, field):
    return np.concatenate([getattr(shard, field) for shard in shards])


def _class_names(path, shards, labels):
    """Return the names that records or a file beside them give, or None; and notes."""
    values = np.unique(np.concatenate([each.values for each in labels.values()]))
    texts = {}
    for each in shards.values():
        for shard in each:
            texts |= shard.texts
    names = [texts.get(label) for label in values.tolist()]
    if None not in names and len({*names}) == len(names):
        return names, ["Classes are named by image/class/text."]
    folder = path if path.is_dir() else path.parent
    for file in sorted(folder.glob("*labels.txt")):
        lines = file.read_text("utf-8", "replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        if values[-1] < len(lines) or (values[0] == 1 and values[-1] == len(lines)):
            return lines, [f"Classes are named by {file.name}."]
    return None, ["Neither image/class/text nor a labels.txt names the classes."]


def _draw(shards, seed):
    """Return which pictures are for the test, bool, and by what they were drawn."""
    if all(len(shard.filenames) == len(shard) for shard in shards):
        keys, by = [key for shard in shards for key in shard.filenames], "its filename"
        if len({*keys}) == len(keys):
            return np.array([is_for_test(key, seed) for key in keys], bool), by
    keys = [
        f"{shard.path.name}/{number}"
        for shard in shards
        for number in range(len(shard))
    ]
    by = "its place in the shards"
    return np.array([is_for_test(key, seed) for key in keys], bool), by


def _pictures(shards, image_size):
    return ShardPictures(
        [shard.path for shard in shards],
        np.repeat(np.arange(len(shards), dtype=np.int32), list(map(len, shards))),
        _joined(shards, "starts"),
        _joined(shards, "lengths"),
        None,
        image_size,
    )


# --- shards that `pack` wrote --------------------------------------------------------


def is_packed(path):
    """Say whether a folder has the index that `pack` writes."""
    file = path / INDEX
    return file.is_file() and FORMAT[:12].encode() in file.read_bytes()[:100]


def read_index(path):
    """Return what the index of packed shards says.

    Args:
        path: folder that `pack` wrote.

    Returns:
        Dictionary with `class_names`, `num_shards`, and `shards`, a list of
        dictionaries with `file`, `part`, `num_images`, `bytes` and `sha256`.

    Raises:
        InputError: the index is damaged, or of another version.
    """
    file = path / INDEX
    try:
        index = json.loads(file.read_text())
        if index["format"] != FORMAT:
            raise ValueError(f"its format is {index['format']!r}")
        [[shard[key] for key in _KEYS] for shard in index["shards"]]
        [index[key] for key in ("class_names", "num_shards", "notes")]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"{file}: is no index of packed shards ({type(error).__name__}: {error}); "
            f"expected {FORMAT!r}. Remove it and the shards, and pack again."
        ) from error
    return index


def check_size(path, num_bytes):
    """Refuse a shard that is missing, or not as long as it was written."""
    size = os.path.getsize(path) if path.exists() else None
    if size != num_bytes:
        found = "no such file" if size is None else f"has {size:,} bytes"
        raise InputError(
            f"{path}: {found}; expected a shard of {num_bytes:,} bytes. Copy it again, "
            "or remove it and pack again."
        )


def _read_packed(path, options):
    index = read_index(path)
    if (number := len(index["shards"])) < index["num_shards"]:
        raise InputError(
            f"{path}: {number} of {index['num_shards']} shards are packed. Give the "
            "command that began it again, and it goes on."
        )
    for shard in index["shards"]:
        check_size(path / shard["file"], shard["bytes"])
    file = path / PLACES
    try:
        with np.load(file) as found:
            arrays = {key: found[key] for key in found.files}
        numbers = [shard["num_images"] for shard in index["shards"]]
        pictures = ShardPictures(
            [path / shard["file"] for shard in index["shards"]],
            np.repeat(np.arange(len(numbers), dtype=np.int32), numbers),
            *(arrays[key] for key in ("starts", "lengths", "checksums")),
            options.image_size,
        )
        labels = arrays["labels"]
        if not len(pictures) == len(labels) == sum(numbers):
            raise ValueError("other numbers of pictures")
    except Exception as error:  # NumPy reports damage in many kinds of exception
        raise InputError(
            f"{file}: is damaged or not of {INDEX} beside it "
            f"({type(error).__name__}: {error}). Pack the pictures again."
        ) from error
    counts = Counter()
    for shard in index["shards"]:
        counts[shard["part"]] += shard["num_images"]
    num_first = counts["train"] + counts["validation"]
    parts = [
        (pictures.take(rows), labels[rows])
        for rows in (slice(num_first), slice(num_first, None))
    ]
    # An empty test part was drawn, from very few pictures.
    return build(
        path.resolve().name, str(path), index["class_names"], parts, counts["train"],
        not counts["test"], options, index["notes"],
    )  # fmt: skip
