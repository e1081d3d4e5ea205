"""What the benchmarks of the playground compare with: a plain engine in Node."""
