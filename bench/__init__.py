"""What Storewarden costs and how fast it is, against what one would use instead.

``make bench`` or ``python -m bench`` runs everything and prints a table; ``python -m bench burst
first-scan`` runs some. All figures of a row are from one run on one machine, so that what counts is
their ratio. README.md tells what each benchmark does.
"""
