"""Controlled experiments: design -> trials -> store -> statistics -> report; the questions."""
