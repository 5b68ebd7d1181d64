//! The page tree of a space: order, nesting, cycles, bin.
