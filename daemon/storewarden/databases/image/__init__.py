"""Backups of databases as images of their pages.

``take.take(parent, name, out, scratch, marks=…, base=…) -> Taken``: write what a database is now
into an open empty file of ours: a plain SQLite file, or the pages that changed since ``base``, the
digest of an image of which ``marks``, a directory of ours, still knows the pages.

``increment.apply(onto, increment) -> Image``: lay the pages of an increment over the file of the
image that it is based on; what came out is what its header says, or ObjectDamaged.

``prove.prove(scratch, name) -> Proved``: check an image that lies in a scratch directory: its
integrity, foreign keys, and how many rows its tables have.

All digests of images are plain BLAKE3 of their bytes.
"""
