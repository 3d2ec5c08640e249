"""Does choosing find more leak in people's minutes than drawing at random? Simulated on what the sound says of songs with stems."""
