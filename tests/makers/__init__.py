"""Real files for tests and benchmarks, made by the programs that people make them with."""
