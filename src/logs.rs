//! Log segments, their index, the window reader, search, masking and sanitising.
