"""Label Studio's data manager, as far as programs use it: views that are kept, which tasks they choose, and actions on those."""
