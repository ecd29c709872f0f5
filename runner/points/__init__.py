"""What a sweep is: axes, grids, conditions and names -> a stream of points. Pure text and plain values."""
