"""Which clips people hear next: signals without truth, and the scores made of them."""
