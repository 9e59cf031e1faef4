"""photobatch: make for product photos."""
