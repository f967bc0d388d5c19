"""Tables of an application are taken over: read, mapped, checked, and told like all else."""
