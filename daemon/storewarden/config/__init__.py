"""What the user asked for: `load.load` reads it, `schema.Settings` holds it."""
