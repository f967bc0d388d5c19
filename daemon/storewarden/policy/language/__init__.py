"""How policies are written: each file reads one part; ``policy.load`` is the door."""
