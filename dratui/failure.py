"""One way to fail: what happened to what, what that means, and what to do.

Each layer raises a subclass of its own; `dratui.cli` and the screens turn it into words, once.
"""


class Failure(Exception):
    """An error that a person can act on.

    `what` is one sentence: what happened, to what. `means` says what works on without it, `hint` what to do;
    both may be empty. The texts may quote untrusted bytes: whoever prints them cleans them (`dratui.terminal`).
    """

    def __init__(self, what: str, *, means: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.means = means
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        if self.means:
            lines.append(f"  {self.means}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UsageFailure(Failure):
    """The command line or a setting is wrong; exit status 2."""
