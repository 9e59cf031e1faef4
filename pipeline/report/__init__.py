"""See what was bought: the gallery, the numbers, and decisions that drive the next run.

Everything here comes from the ledger and the files of a result folder; nothing knows how a run works.
"""
