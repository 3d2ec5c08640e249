"""Audio files: their names, how they are decoded whatever they are called, and how sound is written without clipping."""
