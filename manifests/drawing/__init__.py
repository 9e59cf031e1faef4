"""How the sample photographs are made: shapes as distance functions, a small tracer, and the things themselves."""
