"""Finds patients for clinical trials in the text that clinicians write."""
