"""The one exception whose text is meant for the person at the microscope."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend.

    The text is one or two plain sentences that say what is wrong, where, and what to do.
    The command line prints it and exits with 2; the window shows it in a dialog.
    """


class Cancelled(Exception):
    """The user asked for a running job to stop; what is finished stays on disk."""
