"""Scores and evaluation of vessel segmentations."""
