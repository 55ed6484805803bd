"""The command `dratui`."""


def main() -> int:
    """Placeholder until the commands are in."""
    return 2
