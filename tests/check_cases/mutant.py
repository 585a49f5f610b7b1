"""What a wrong block is: a right source with some passages replaced."""

from dataclasses import dataclass

from tests.check_cases.courses import BASES


@dataclass(frozen=True)
class Mutant:
    """A source with mistakes, and the causes that `check` should name."""

    name: str
    causes: tuple
    function: str
    base: str
    changes: tuple  # of (old, new); each old occurs once in the function or a helper

    @property
    def source(self):
        text = BASES[self.base]
        for old, new in self.changes:
            start = text.index(f"def {self.function}(")
            end = text.find("\n\n\ndef ", start)
            end = len(text) if end < 0 else end
            if old not in text[start:end]:  # then it is in a helper
                start, end = 0, len(text)
            assert text[start:end].count(old) == 1, (self.name, old)
            text = text[:start] + text[start:end].replace(old, new) + text[end:]
        return text


def mutant(name, causes, function, base, *changes):
    function = {"i": "identity_block", "c": "convolutional_block", "n": "ResNet50"}[
        function
    ]
    return Mutant(name, tuple(causes.split()), function, base, changes)


LAST = "    X = Activation('relu')(X)  # last\n"
SAVE = "    X_shortcut = X\n"
SAVE_LONG = "    # Save the input value.\n    X_shortcut = X\n"
FIRST_2021 = "    X = Activation('relu')(X) # i1\n"
