"""One file a verb; `python -m taskroles` finds them here."""
