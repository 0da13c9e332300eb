"""The package's own exceptions: each message names the culprit, what was found, what was expected and the remedy.

The command line prints the message on one line and exits with status 2, so a message must make sense on its own.
"""


class GroundingError(Exception):
    """Base of every error that the user can mend; anything else that escapes is a defect of the package."""


class InputError(GroundingError):
    """An argument, option or instruction is not usable."""


class DataError(GroundingError):
    """A data set, recording, library or file on disk is missing, empty, corrupt or of another version."""


class WeightsError(GroundingError):
    """Model weights cannot be found or are not the ones that were asked for."""


class StorageError(GroundingError):
    """Something could not be written: disk full, folder not writable, file locked by another process."""
