"""Measurements of speed, growth and memory; each beside a peer in the same run. See README.md."""
