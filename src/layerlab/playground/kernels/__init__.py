"""The compiled inner loops. Nothing here knows a specification: only arrays and the codes of a layout."""
