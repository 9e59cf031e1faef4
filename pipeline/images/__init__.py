"""Images as bytes: tell what they are, decode them within limits, prepare inputs, mark outputs as made by AI.

Knows neither the provider, nor the ledger, nor the result folder.
"""
