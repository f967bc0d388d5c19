"""The HTTP interface for applications: requests read, routed, answered; and the document of it."""
