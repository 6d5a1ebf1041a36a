"""What the installed program starts with: the command line, which opens the window without a command."""

import multiprocessing
import sys

from sxtstudio.cli import main

if __name__ == "__main__":
    # A bundle starts itself anew for each process of a pool.
    multiprocessing.freeze_support()
    sys.exit(main())
