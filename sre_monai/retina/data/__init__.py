"""Data sets of fundus photographs, and synthetic ones."""
