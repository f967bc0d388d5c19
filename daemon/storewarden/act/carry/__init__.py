"""How each verb is carried out, step by step, each noted before the next; one file per verb."""
