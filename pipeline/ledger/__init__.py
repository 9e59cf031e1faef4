"""The ledger: the only memory of what was asked, sent, paid and received.

While it is open, its writer thread alone changes the database; others hand it what to run.  Knows neither HTTP nor
images nor terminals.
"""

from pipeline.ledger.ledger import FILE, Ledger

__all__ = ["FILE", "Ledger"]
