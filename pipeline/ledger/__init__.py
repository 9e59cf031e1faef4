"""The ledger: the only memory of what was asked, sent, paid and received.  The only code that touches SQLite.

Knows neither HTTP nor images nor terminals.
"""

from pipeline.ledger.ledger import FILE, Ledger

__all__ = ["FILE", "Ledger"]
