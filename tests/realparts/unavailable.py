"""How the real parts fail."""

from dratui.failure import Failure


class PartsUnavailable(Failure):
    """A real component could neither be found nor built, or it did not start."""
