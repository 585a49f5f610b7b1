"""Where the pictures of annotations lie, and which part a file belongs to."""

import os
import shutil
from functools import cached_property
from pathlib import Path

from resnet_keras.data.images import IMAGE_SUFFIXES
from resnet_keras.data.splitting import parts_of_folders
from resnet_keras.data.tree import is_system
from resnet_keras.errors import InputError
from resnet_keras.files.writing import check_folder


def files_below(folder, suffixes):
    """Return the files in a folder and below it that have one of the suffixes, sorted.

    Hidden files and those of operating systems are left out.
    """
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_system(name))
        found += [
            Path(here, name)
            for name in sorted(names)
            if Path(name).suffix.lower() in suffixes and not is_system(name)
        ]
    return found


def lines_of(path):
    """Return the lines of a list of files; their names need not be UTF-8."""
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return [line.strip() for line in text.splitlines() if line.strip()]


def part_of(path, root):
    """Return the part that the folders of a file below `root` say, or None.

    Example:

    >>> part_of("data/valid/a.xml", "data"), part_of("data/train.xml", "data")
    ('validation', None)
    """
    folders = Path(path).relative_to(root).parts[:-1]
    found = (parts_of_folders([folder]).get(folder) for folder in folders)
    return next(filter(None, found), None)


class PictureFiles:
    """The pictures below a folder, to be found by the names that annotations have.

    Args:
        root: folder.
    """

    def __init__(self, root):
        self.root = Path(root)

    @cached_property
    def all(self):
        """List of the paths of all pictures, sorted."""
        return files_below(self.root, IMAGE_SUFFIXES)

    @cached_property
    def _by_name(self):
        return _grouped(self.all, lambda path: path.name.lower())

    @cached_property
    def _by_stem(self):
        return _grouped(self.all, lambda path: path.stem.lower())

    def find(self, name, *folders):
        """Return the path of the picture that a name means.

        Args:
            name: a file name, perhaps with folders, which may be those of another
                machine.
            *folders: where to look first.

        Returns:
            A path; that in the first folder where there is no such picture.

        Raises:
            InputError: several pictures may be meant.
        """
        name = str(name).replace("\\", "/")
        for folder in folders:
            if os.path.isfile(path := Path(folder, name)):
                return path
        found = self._by_name.get(name.rsplit("/", 1)[-1].lower(), [])
        return _one(found, name, folders) or Path(folders[0], name)

    def of_stem(self, stem, *folders):
        """Return the picture whose name is `stem` and any suffix, or None."""
        return _one(self._by_stem.get(stem.lower(), []), stem, folders)


def _grouped(paths, key):
    groups = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups


def _one(found, name, folders):
    """Return the one path that a name means, None if there is none."""
    if len(found) > 1:
        # The folders that a name has may be those of another machine, but for the last.
        common = [_num_common(path, name) for path in found]
        most = max(common)
        found = [x for x, n in zip(found, common, strict=True) if n == most]
    if len(found) > 1:
        near = {Path(folder).resolve() for folder in folders}
        found = [path for path in found if path.parent.resolve() in near] or found
    if len(found) > 1:
        raise InputError(f"may be {found[0]} or {found[1]}")
    return found[0] if found else None


def _num_common(path, name):
    """Return how many folders, from the last, a path has in common with a name.

    Example:

    >>> _num_common(Path("/data/two/b.png"), "D:/old/two/b.png")
    1
    """
    pairs = zip(path.parts[-2::-1], name.split("/")[-2::-1], strict=False)
    same = [ours.lower() == theirs.lower() for ours, theirs in pairs]
    return [*same, False].index(False)


def copy_pictures(pictures, directory, folder_of):
    """Copy pictures for a writer of a format, no two of a part to one name.

    Args:
        pictures: list of `Annotated`.
        directory: where the data set goes; must not hold anything.
        folder_of: function from a part to the folder below it.

    Returns:
        List of paths, one for each picture.

    Raises:
        InputError: the directory is not empty.
        OSError: it cannot be written.
    """
    directory = Path(directory)
    check_folder(directory)
    if any(directory.iterdir()):
        raise InputError(f"{directory}: holds files; expected an empty folder.")
    paths, taken = [], set()
    for picture in pictures:
        folder = directory / folder_of(picture.part)
        stem, suffix, number = picture.path.stem, picture.path.suffix, 1
        while (folder, stem.lower()) in taken:  # a/hand.jpg and b/hand.jpg
            number += 1
            stem = f"{picture.path.stem}_{number}"
        taken.add((folder, stem.lower()))
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(folder / (stem + suffix))
        shutil.copyfile(picture.path, paths[-1])
    return paths
