"""The campaign as an ML backend of a lab's Label Studio: its model's proposals there, that server's annotations here."""
