"""Composition: a configuration becomes parts, threads, signals, readiness and a stop order."""
