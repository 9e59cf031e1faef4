"""The crash certificate: the real command under kills, cuts, full disks and wrong clocks, and its books afterwards."""
