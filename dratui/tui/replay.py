"""What a recording offers beside events: it can be held."""

from typing import Protocol, runtime_checkable

from dratui.views.table import Style


@runtime_checkable
class Replay(Protocol):
    """A source that plays a recording."""

    @property
    def paused(self) -> bool:
        """Whether it is held."""

    @property
    def speed(self) -> float:
        """How many times faster than it was recorded."""

    @property
    def progress(self) -> float:
        """How much of it was played, 0 to 1."""

    def toggle_pause(self) -> None:
        """Hold it, or go on."""


def words(replay: Replay) -> tuple[str, Style]:
    """`▶ replay 2× 43 %`, `‖ paused 43 %`."""
    done = f"{replay.progress:.0%}".replace("%", " %")
    if replay.paused:
        return f"‖ paused {done}", Style.WAITING
    return f"▶ replay {replay.speed:g}× {done}", Style.HELD
