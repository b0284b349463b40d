"""Measures of vessel masks: density, length, calibre, tortuosity, branching, fractal dimensions, lacunarity."""
