"""A local provider that speaks the contract of the real one."""
