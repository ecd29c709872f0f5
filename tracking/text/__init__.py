"""Plain values to text: numbers, times, tables, terminal plots. Knows no run."""
