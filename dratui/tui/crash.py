"""A crash is our fault and nobody's reading matter: one line on the terminal, the traceback in a file."""

import time
import traceback

from dratui.config import state_folder
from dratui.terminal import clean, clean_lines


def report(error: BaseException) -> str:
    """Write the traceback to a file under the state folder; returns the line to print."""
    what = clean(f"{type(error).__name__}: {error}")
    path = state_folder() / time.strftime("crash-%Y%m%d-%H%M%S.txt")
    text = clean_lines("".join(traceback.format_exception(error)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)  # names from the cluster may be in it
    except OSError as unwritable:
        return f"dratui crashed: {what} (the traceback could not be written to {path}: {unwritable.strerror})"
    return f"dratui crashed: {what}. The traceback is in {path}"
