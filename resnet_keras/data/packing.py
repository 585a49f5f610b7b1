"""Any source of labelled pictures, packed into TFRecord shards."""

import functools
import hashlib
import io
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_keras.data.readers import read_encoded
from resnet_keras.data.shards import (
    FORMAT,
    INDEX,
    PARTS,
    PLACES,
    Shard,
    check_size,
    is_packed,
    read_index,
)
from resnet_keras.data.streaming import Pictures
from resnet_keras.errors import InputError
from resnet_keras.files.writing import (
    check_folder,
    remove_leftovers,
    write_json,
    write_whole,
)

# As TensorFlow advises, 100 to 200 MB: few enough files, and each soon written again.
_SHARD_BYTES = 128 * 2**20


def pack(source, directory, skip_broken=False, say=print):
    """Write the pictures of a source into TFRecord shards, as they are encoded.

    A record has the features `image/encoded`, `image/class/label` (from 0),
    `image/class/text` and `image/filename`. Each part is shuffled, so that whoever
    reads a shard from its beginning sees all classes. Parts are those of the source,
    or drawn as for training. Pictures of arrays are written as PNG.

    A shard appears whole or not at all. Called again, `pack` keeps those that are
    finished; once all are, it checks them.

    Args:
        source: as `load_dataset` takes it.
        directory: where the shards go; made if need be.
        skip_broken: whether to leave out broken pictures, rather than refuse them.
        say: function of one line, for progress.

    Returns:
        What the index holds, as `read_index` does.

    Raises:
        InputError: the source cannot be read, a picture is broken, the folder holds
            shards of another source, or a shard there is damaged.
        OSError: a file could not be written; finished shards are kept.

    Example:

    >>> pack("signs", "shards")  # doctest: +SKIP
    """
    directory = Path(directory)
    dataset = read_encoded(source, skip_broken)
    parts = _parts(dataset)
    plan = _plan(dataset, parts)
    facts = {
        "format": FORMAT,
        "class_names": dataset.class_names,
        "digest": dataset.digest(),
        "num_bytes": [int(sizes.sum()) for _, _, sizes in parts.values()],
        "num_shards": len(plan),
        "notes": [note for note in dataset.notes if not note.startswith("Streamed")],
    }
    check_folder(directory)
    remove_leftovers(directory)
    finished = _finished(directory, facts)
    number = len(finished)
    if not number:  # from here on the folder may hold a shard
        write_json(directory / INDEX, facts | {"shards": []})
    root = Path(source) if Path(source).is_dir() else Path(source).parent
    for name, part, rows in plan:
        if name in finished:
            continue
        images, labels, _ = parts[part]
        path = directory / name
        read = functools.partial(_example_of, images, labels, dataset, part, root)
        with write_whole(path) as temporary:
            _write_records(temporary, read, rows)
        finished[name] = {
            "file": name,
            "part": part,
            "num_images": len(rows),
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
        write_json(directory / INDEX, facts | {"shards": [*finished.values()]})
        say(f"{path}: {len(rows)} pictures")
    if number == len(plan):
        say(f"{directory}: all {number} shards were there, and their checksums right")
    index = facts | {"shards": [finished[name] for name, *_ in plan]}
    _write_places(directory, index)
    write_json(directory / INDEX, index)
    return index


def _parts(dataset):
    """Return (images, labels, bytes of each picture) by part."""
    train, number = dataset.train, len(dataset.train) - dataset.num_validation
    splits = {
        "train": train.take(slice(number)),
        "validation": train.take(slice(number, None)),
        "test": dataset.test,
    }
    return {
        part: (split.images, split.labels, _sizes(split.images))
        for part, split in splits.items()
        if len(split)
    }


def _sizes(images):
    if isinstance(images, Pictures):
        return images.sizes()
    return np.full(len(images), np.prod(images.shape[1:]))  # about as many as PNG takes


def _plan(dataset, parts):
    """Return (file, part, rows) of each shard that is to be written."""
    plan = []
    for part, (_, labels, sizes) in parts.items():
        rng = np.random.default_rng([0, PARTS.index(part)])
        number = max(1, round(sizes.sum() / _SHARD_BYTES))
        number = min(number, len(labels))
        rows = np.array_split(rng.permutation(len(labels)), number)
        plan += [
            (f"{part}-{place:05d}-of-{number:05d}.tfrecord", part, each)
            for place, each in enumerate(rows)
        ]
    return plan


def _finished(directory, facts):
    """Return the entries of shards that are there and whole, by file."""
    if not is_packed(directory):
        for path in sorted(directory.iterdir()):
            raise InputError(
                f"{directory}: holds {path.name}; expected a new folder, or one that "
                "was packed before. Choose another with --out."
            )
        return {}
    index = read_index(directory)
    if any(index.get(key) != facts[key] for key in ("digest", "num_bytes")):
        raise InputError(
            f"{directory / INDEX}: is of other pictures than the source has now. "
            f"Choose another folder with --out, or remove {directory}."
        )
    shards = [each for each in index["shards"] if (directory / each["file"]).exists()]
    for shard in shards:
        _check_sum(directory, shard)
    return {shard["file"]: shard for shard in shards}


def _check_sum(directory, shard):
    path = directory / shard["file"]
    check_size(path, shard["bytes"])
    if _sha256(path) != shard["sha256"]:
        raise InputError(
            f"{path}: has another checksum than when it was written. Remove it and "
            "pack again: the other shards are kept."
        )


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _example_of(images, labels, dataset, part, root, row):
    """Return a record: an example with a picture, once it could be decoded."""
    import tensorflow as tf

    if isinstance(images, Pictures):
        data = images.encoded(row)
        images.check(row, data)
        path = images.path(row)
    else:
        file = io.BytesIO()
        Image.fromarray(images[row]).save(file, "PNG")
        data, path = file.getvalue(), None
    name = f"{part}/{row:08d}" if path is None else os.path.relpath(path, root)
    text = dataset.class_names[labels[row]]
    values = {
        "image/encoded": data,
        "image/class/text": text.encode("utf-8", "surrogateescape"),
        "image/filename": os.fsencode(name),
    }
    features = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in values.items()
    }
    label = tf.train.Int64List(value=[int(labels[row])])
    features["image/class/label"] = tf.train.Feature(int64_list=label)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _write_records(path, read, rows):
    import tensorflow as tf

    # All records of a shard may be in memory at once.
    pool, writer = ThreadPoolExecutor(os.cpu_count()), tf.io.TFRecordWriter(str(path))
    with pool, writer:
        for record in pool.map(read, rows.tolist()):
            writer.write(record)


def _write_places(directory, index):
    """Write where each picture is, and its checksum, as arrays."""
    columns = {"starts": [], "lengths": [], "labels": [], "checksums": []}
    for entry in index["shards"]:
        shard = Shard(directory / entry["file"])
        with open(shard.path, "rb") as file:
            checksums = []
            for start, length in zip(shard.starts, shard.lengths, strict=True):
                file.seek(int(start))
                checksums.append(zlib.crc32(file.read(int(length))))
        columns["starts"].append(shard.starts)
        columns["lengths"].append(shard.lengths)
        columns["labels"].append(shard.labels)
        columns["checksums"].append(np.array(checksums, np.uint32))
    with write_whole(directory / PLACES) as temporary, temporary.open("wb") as file:
        np.savez(file, **{key: np.concatenate(each) for key, each in columns.items()})
