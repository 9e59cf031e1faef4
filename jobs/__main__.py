"""`python -m jobs` is `photobatch`."""

from jobs.cli import main

main()
