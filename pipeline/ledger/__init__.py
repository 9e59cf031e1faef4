"""The ledger: the only memory of what was asked, sent, paid and received."""
