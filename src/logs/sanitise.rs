//! Makes output safe to draw.
