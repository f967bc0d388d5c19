"""The order of the stages: hints settle, are looked at, are recorded; scans make it right."""
