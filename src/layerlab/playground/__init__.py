"""Small networks on two-dimensional tasks: the specification, the compiled engine, the session."""
