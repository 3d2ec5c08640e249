"""Whether a child may take its parent's place: the evidence, the gate, and figures by segments."""
